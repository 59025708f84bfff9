"""`tf-ssae export`: a finished run in, files for TF Serving and TFLite out."""

from absl import flags

from tf_ssae.cli import plugins, quiet
from tf_ssae.cli.verb import Failed, Verb

_FLAGS = flags.FlagValues()
_MODEL_DIR = flags.DEFINE_string("model_dir", None, "Folder of a finished run.", flag_values=_FLAGS)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir",
    None,
    "Folder to write; what it holds already is left alone.",
    flag_values=_FLAGS,
)
_NAME = flags.DEFINE_string(
    "name",
    None,
    "Name of the model for clients. Default: the name of the run's folder.",
    flag_values=_FLAGS,
)
_VERSION = flags.DEFINE_integer(
    "version",
    None,
    "Version, an integer. Default: the next free one.",
    lower_bound=1,
    flag_values=_FLAGS,
)
_TFLITE_BATCH_SIZE = flags.DEFINE_integer(
    "tflite_batch_size",
    1,
    "Fixed batch size of the TFLite files.",
    lower_bound=1,
    flag_values=_FLAGS,
)
_TEST_IMAGES = flags.DEFINE_integer(
    "test_images", 2000, "How many test images to compare on.", lower_bound=20, flag_values=_FLAGS
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Where the run's data set lies now. Default: where it lay in training.",
    flag_values=_FLAGS,
)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    with quiet.native_code():
        from tf_ssae.export import publish

        try:
            publish.export(
                str(_MODEL_DIR.value),
                str(_EXPORT_DIR.value),
                name=_NAME.value,
                version=_VERSION.value,
                tflite_batch_size=_TFLITE_BATCH_SIZE.value,
                test_images=_TEST_IMAGES.value,
                data_dir=_DATA_DIR.value,
            )
        except publish.ParityError as error:
            raise Failed(str(error)) from error


VERB = Verb(
    name="export",
    summary="Write a trained detector for TF Serving and TFLite, and prove that all score alike",
    example="--model_dir=runs/parts-ssae-seed-0 --export_dir=exported",
    flag_values=_FLAGS,
    first={
        "What to export": ("model_dir", "data_dir"),
        "Where to": ("export_dir", "name", "version"),
    },
    run=_run,
    required=("model_dir", "export_dir"),
)
