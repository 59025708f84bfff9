"""Exports a trained detector for TF Serving and for TFLite, and compares every file with the
trained model.

python export.py --model_dir=runs/mnist-anomaly-2-ssae-seed-0 --export_dir=exported
"""

import sys

from absl import app, flags

from tf_ssae.export import publish

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "Folder of a finished run.", required=True)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Folder to write; what it holds already is left alone.", required=True
)
_NAME = flags.DEFINE_string(
    "name", None, "Name of the model for clients. Default: the name of the run's folder."
)
_VERSION = flags.DEFINE_integer(
    "version", None, "Version, an integer. Default: the next free one.", lower_bound=1
)
_TFLITE_BATCH_SIZE = flags.DEFINE_integer(
    "tflite_batch_size", 1, "Fixed batch size of the TFLite files.", lower_bound=1
)
_TEST_IMAGES = flags.DEFINE_integer(
    "test_images", 2000, "How many test images to compare on.", lower_bound=20
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the run's data set lies now. Default: where it lay in training."
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(
            f"Unexpected arguments: {' '.join(argv[1:])}. Flags look like --name=value."
        )
    try:
        publish.export(
            _MODEL_DIR.value,
            _EXPORT_DIR.value,
            name=_NAME.value,
            version=_VERSION.value,
            tflite_batch_size=_TFLITE_BATCH_SIZE.value,
            test_images=_TEST_IMAGES.value,
            data_dir=_DATA_DIR.value,
        )
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    app.run(main)
