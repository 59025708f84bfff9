"""`tf-ssae score`: a table and a report from image files, or a table that grows as they arrive."""

import pathlib
import sys

from absl import flags

from tf_ssae.cli import plugins, quiet, reading
from tf_ssae.cli.verb import Failed, Verb
from tf_ssae.data import find
from tf_ssae.scoring import places

_FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "model_dir",
    None,
    "A run's folder, an exported version (EXPORTED/NAME/VERSION) or a .tflite file.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "images",
    None,
    "A folder (with those below it), a pattern in quotes such as 'parts/*.png', a .txt file with"
    " one path per line, or one image.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "output",
    None,
    "Table to write: .csv, .jsonl or .parquet; or .json: the regions alone, as in COCO. The report"
    " is written beside it, as .html. -: JSON lines to the standard output, without a report.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "maps",
    None,
    "A new folder for two pictures of every anomaly, at the photo's own resolution:"
    " NAME_overlay.png, the photo with its map and regions over it, and NAME_mask.png.",
    flag_values=_FLAGS,
)
flags.DEFINE_bool(
    "mask_values",
    False,
    "Masks hold the values of the map, 16 bits (10000: the level of the regions), in place of 0"
    " and 255.",
    flag_values=_FLAGS,
)
flags.DEFINE_bool(
    "strict", False, "Exit with status 1 if a file could not be read.", flag_values=_FLAGS
)
flags.DEFINE_bool(
    "watch",
    False,
    "Score what lies in the folder, then whatever arrives there, until stopped: a row at once, in a"
    " table for each day (.csv or .jsonl), without a report.",
    flag_values=_FLAGS,
)
reading.define_accept_damaged(_FLAGS)
reading.define_limits(_FLAGS)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    limits = reading.limits(_FLAGS)
    if _FLAGS.maps and _FLAGS.watch:
        raise Failed(
            "--maps is not written while a folder is watched: score its photos afterwards."
        )
    if _FLAGS.maps:
        places.require_new_maps(
            pathlib.Path(_FLAGS.maps), _FLAGS.images, pathlib.Path(_FLAGS.output)
        )
    places.require_model(pathlib.Path(_FLAGS.model_dir))
    if not _FLAGS.watch:
        find.require(_FLAGS.images)
    if _FLAGS.output != "-" and not _FLAGS.watch:
        places.require_new(pathlib.Path(_FLAGS.output))
    # A .tflite file's interpreter prints a notice of its own.
    with quiet.native_code():
        if _FLAGS.watch:
            from tf_ssae.scoring import watch

            watch.watch(
                _FLAGS.model_dir,
                _FLAGS.images,
                _FLAGS.output,
                said=_say,
                limits=limits,
                accept_damaged=_FLAGS.accept_damaged,
            )
            return
        from tf_ssae.scoring import run as scoring

        result = scoring.score(
            _FLAGS.model_dir,
            _FLAGS.images,
            _FLAGS.output,
            _FLAGS.maps,
            _FLAGS.mask_values,
            limits,
            _FLAGS.accept_damaged,
        )
    _say(
        f"{result.scored} images scored, {result.anomalies} of them anomalies"
        f"{f', {result.reviews} for review' if result.reviews else ''};"
        f" {len(result.unreadable)} unreadable."
    )
    for warning in result.warnings:
        _say(f"WARNING: {warning}")
    if _FLAGS.output != "-":
        page = pathlib.Path(_FLAGS.output).with_suffix(".html")
        print(f"Scores: {_FLAGS.output}\nReport: {page}")
    if _FLAGS.maps and result.anomalies + result.reviews:
        _say(f"Maps: {_FLAGS.maps}")
    if _FLAGS.strict and result.unreadable:
        raise Failed(f"{len(result.unreadable)} files could not be read (--strict).")


def _say(text: str) -> None:
    """Prints a line, where no row is printed."""
    print(text, file=sys.stderr if _FLAGS.output == "-" else sys.stdout, flush=True)


VERB = Verb(
    name="score",
    summary="Score image files with a trained detector: a row per image, and a report",
    example="--model_dir=runs/parts-ssae-seed-0 --images=parts/test --output=scores.csv",
    flag_values=_FLAGS,
    first={
        "What to score": ("model_dir", "images", "accept_damaged"),
        "Where to": ("output", "maps", "mask_values", "watch", "strict"),
    },
    run=_run,
    required=("model_dir", "images", "output"),
    hint="Quote a pattern: --images='parts/*.png'.",
    stopped="Stopped. Run the same command to resume.",
)
