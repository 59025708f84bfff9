"""How long one image takes on one core, through a trained detector's SavedModel and its TFLite
files.

    python benchmarks/export_speed.py --model_dir=RUN

Of a trained detector: what int8 leaves in float depends on the ranges that its activations have.
"""

import json
import pathlib
import tempfile

from absl import app, flags

from tf_ssae.data import protocols, sources
from tf_ssae.export import saved_model, tflite, timing
from tf_ssae import runs

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "A run folder.", required=True)
_REPRESENTATIVE = 256


def main(argv):
    del argv
    detector = runs.load(_MODEL_DIR.value)
    config = detector.config
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        split = protocols.split(sources.load(config, folder / "cache"), config)
        images = split.data.images[split.train.index[:_REPRESENTATIVE]]
        saved_model.write(detector, folder / "saved_model")
        rows = {"SavedModel": timing.of_saved_model(folder / "saved_model", detector.image_shape)}
        sizes = {"SavedModel": timing.size(folder / "saved_model")}
    for kind in tflite.KINDS:
        model = tflite.convert(detector, kind, images)
        rows[kind], sizes[kind] = timing.of_tflite(model), len(model)
    print(
        f"{config.detector}, {config.dataset}: one image on one core, milliseconds; images a second"
        " in batches"
    )
    print(f"{'':12}{'median':>9}{'99%':>9}{'1 core':>10}{'all cores':>11}{'MB':>8}")
    for name, row in rows.items():
        one, *every = row["images_per_second"].values()
        print(
            f"{name:12}{row['latency_ms']:9.2f}{row['latency_p99_ms']:9.2f}{one:10.0f}"
            f"{(every or [one])[-1]:11.0f}{sizes[name] / 1e6:8.2f}"
        )
    print(json.dumps({"dataset": config.dataset, "rows": rows}))


if __name__ == "__main__":
    app.run(main)
