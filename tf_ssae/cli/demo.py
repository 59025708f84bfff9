"""`tf-ssae demo`: a first run, on images that need no network."""

from absl import flags

from tf_ssae.cli.train import STOPPED, train
from tf_ssae.cli.verb import Verb

_FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "model_dir",
    None,
    "Folder to write. Default: runs/digits-anomaly-0-ssae-seed-0.",
    flag_values=_FLAGS,
)


def _run(arguments: list[str]) -> None:
    train({"dataset": "digits"}, _FLAGS.model_dir)


VERB = Verb(
    name="demo",
    summary="Train on scikit-learn's handwritten digits, about a minute: a first look",
    example="",
    flag_values=_FLAGS,
    first={"The run": ("model_dir",)},
    run=_run,
    stopped=STOPPED,
)
