"""Trains a detector on images of which one class is the anomaly, and prints how well its scores
find it.

    python train.py --dataset=cifar10 --anomaly=5

Every flag but --model_dir is a field of tf_ssae.config.Config; presets are those of the data set
and the detector there.
"""

import dataclasses
import sys

from absl import app, flags

from tf_ssae import config
from tf_ssae.detectors.health import TrainingFailed
from tf_ssae.detectors.registry import preset
from tf_ssae.training import run as training

_DEFINE = {
    str: flags.DEFINE_string,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    bool: flags.DEFINE_bool,
}
_SETTINGS = {
    field.name: _DEFINE[field.type](field.name, None, config.flag_help(field))
    for field in dataclasses.fields(config.Config)
}
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder to write. Default: runs/DATASET-anomaly-K-DETECTOR-seed-S."
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(
            f"Unexpected arguments: {' '.join(argv[1:])}. Flags look like --name=value."
        )
    given = {name: flag.value for name, flag in _SETTINGS.items() if flag.value is not None}
    try:
        settings = preset(given.pop("dataset", "digits"), **given)
        model_dir = _MODEL_DIR.value or training.default_model_dir(settings)
        training.train(settings, model_dir)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    except TrainingFailed as error:
        sys.exit(
            f"Error: {error} Other settings need another --model_dir, or {model_dir}.partial"
            " removed."
        )
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from the last finished epoch.")


if __name__ == "__main__":
    app.run(main)
