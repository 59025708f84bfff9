"""`tf-ssae export`: files for TF Serving and TFLite from a finished run."""

import dataclasses
import pathlib

from absl import flags

from tf_ssae.cli import plugins, quiet, reading
from tf_ssae.cli.verb import Failed, Verb
from tf_ssae.data import there
from tf_ssae.export.published import published_at
from tf_ssae.runs import run_folder
from tf_ssae.scoring import openvino_ir

_FLAGS = flags.FlagValues()
flags.DEFINE_string("model_dir", None, "Folder of a finished run.", flag_values=_FLAGS)
flags.DEFINE_string(
    "export_dir",
    None,
    "Folder to write to; what it already holds is kept.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "name",
    None,
    "Name of the model for clients. Default: the name of the run's folder.",
    flag_values=_FLAGS,
)
flags.DEFINE_integer(
    "version",
    None,
    "Version, an integer. Default: the next free one.",
    lower_bound=1,
    flag_values=_FLAGS,
)
flags.DEFINE_integer(
    "tflite_batch_size",
    1,
    "Fixed batch size of the TFLite files.",
    lower_bound=1,
    flag_values=_FLAGS,
)
flags.DEFINE_integer(
    "test_images", 2000, "Number of test images to compare on.", lower_bound=20, flag_values=_FLAGS
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Where the run's data set is now. Default: where it was in training.",
    flag_values=_FLAGS,
)
flags.DEFINE_bool(
    "openvino",
    False,
    "Write an OpenVINO IR too; needs pip install 'tf_ssae[openvino]'.",
    flag_values=_FLAGS,
)
reading.define_limits(_FLAGS)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    limits = reading.limits(_FLAGS)
    if _FLAGS.openvino:
        openvino_ir.require()
    model_dir = pathlib.Path(_FLAGS.model_dir)
    run_folder.require_finished(model_dir)
    export_dir = pathlib.Path(_FLAGS.export_dir)
    published_at(model_dir, export_dir, _FLAGS.name, _FLAGS.version)
    config = run_folder.read_config(model_dir)
    there.require(dataclasses.replace(config, data_dir=_FLAGS.data_dir or config.data_dir))
    with quiet.native_code():
        from tf_ssae.export import publish

        try:
            publish.export(
                _FLAGS.model_dir,
                _FLAGS.export_dir,
                name=_FLAGS.name,
                version=_FLAGS.version,
                tflite_batch_size=_FLAGS.tflite_batch_size,
                test_images=_FLAGS.test_images,
                data_dir=_FLAGS.data_dir,
                openvino=_FLAGS.openvino,
                limits=limits,
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
        "What a server refuses": reading.LIMITS,
    },
    run=_run,
    required=("model_dir", "export_dir"),
)
