"""How long one image takes on one core, through a detector's SavedModel and its TFLite files.

    python benchmarks/export_speed.py --dataset=mnist

The detector is untrained: how long it takes does not depend on what it has learnt. Takes the flags of `train_speed.py`.
"""

import json
import pathlib
import tempfile

from absl import app

import tf_ssae  # noqa: F401  (before TensorFlow: it decides what TensorFlow prints)

# isort: split
import numpy as np
from train_speed import make_detector, settings

from tf_ssae.export import saved_model, tflite, timing


def main(argv):
    del argv
    config = settings()
    detector = make_detector(config)
    shape = detector.image_shape
    images = np.random.default_rng(0).integers(0, 256, (256, *shape), np.uint8)
    detector.calibrate([images])
    detector.fit_decision({name: values.numpy() for name, values in detector(images).items()}, detector.score_names[0])
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(detector, folder)
        rows["SavedModel"] = timing.of_saved_model(folder, shape)
        sizes = {"SavedModel": timing.size(pathlib.Path(folder))}
    for kind in tflite.KINDS:
        model = tflite.convert(detector, kind, images)
        rows[kind], sizes[kind] = timing.of_tflite(model), len(model)
    print(f"{config.dataset}, one image on one core, milliseconds; images a second in batches")
    print(f"{'':12}{'median':>9}{'99%':>9}{'1 core':>10}{'all cores':>11}{'MB':>8}")
    for name, row in rows.items():
        one, *every = row["images_per_second"].values()
        median, p99 = row["latency_ms"], row["latency_p99_ms"]
        print(f"{name:12}{median:9.2f}{p99:9.2f}{one:10.0f}{(every or [one])[-1]:11.0f}{sizes[name] / 1e6:8.2f}")
    print(json.dumps({"dataset": config.dataset, "rows": rows}))


if __name__ == "__main__":
    app.run(main)
