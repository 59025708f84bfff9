"""`tf-ssae score`: a table and a report from image files, or a table that grows as they arrive."""

import pathlib
import sys
from typing import TYPE_CHECKING

from absl import flags

from tf_ssae.cli import cluster, plugins, quiet, reading
from tf_ssae.cli.verb import Failed, UsageError, Verb
from tf_ssae.data import find
from tf_ssae.ops.limits import Limits
from tf_ssae.scoring import places
from tf_ssae.system.text import printable

if TYPE_CHECKING:
    from tf_ssae.scoring.rows import Summary

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
    " one path per line, or one image. With --cluster also a URI such as s3://bucket/photos, or a"
    " .parquet file with a column path.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "output",
    None,
    "Table to write: .csv, .jsonl or .parquet; or .json: the regions alone, as in COCO. The report"
    " is written beside it, as .html. -: JSON lines to the standard output, without a report. With"
    " --cluster: a folder for a table in parts, NAME.parquet or NAME.jsonl, here or as a URI.",
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
cluster.define(_FLAGS, "the images")
reading.define_accept_damaged(_FLAGS)
reading.define_limits(_FLAGS)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    limits = reading.limits(_FLAGS)
    if _FLAGS.cluster is not None:
        _score_on_cluster(limits)
        return
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
    _say_summary(result)
    if _FLAGS.output != "-":
        page = pathlib.Path(_FLAGS.output).with_suffix(".html")
        print(f"Scores: {_FLAGS.output}\nReport: {page}")
    if _FLAGS.maps and result.anomalies + result.reviews:
        _say(f"Maps: {_FLAGS.maps}")
    _require_readable(result)


def _score_on_cluster(limits: Limits) -> None:
    cluster.require_ray()
    for name in ("maps", "watch", "mask_values"):
        if _FLAGS[name].value:
            raise UsageError(f"--{name} is not for --cluster: it is for one machine.")
    if _FLAGS.plugin:
        raise UsageError("--plugin is not for --cluster: export the model, which needs no plugin.")
    from tf_ssae.cluster import uri
    from tf_ssae.cluster.connection import LOCAL, require_answer
    from tf_ssae.cluster.parts import require_parts

    require_parts(_FLAGS.output)
    places.require_model(pathlib.Path(_FLAGS.model_dir))
    if _FLAGS.cluster != LOCAL:
        require_answer(_FLAGS.cluster)
    with quiet.native_code():
        from tf_ssae.cluster import score as cluster_score

        result = cluster_score.score(
            _FLAGS.model_dir,
            _FLAGS.images,
            _FLAGS.output,
            _FLAGS.cluster,
            _FLAGS.cpus,
            limits,
            _FLAGS.accept_damaged,
        )
    _say_summary(result.rows)
    for name, of_node in sorted(result.nodes.items()):
        print(
            f"{printable(name)}: {of_node.images:,} images,"
            f" {of_node.images / of_node.seconds:.1f} a second and process;"
            f" {of_node.waited / of_node.seconds:.0%} of the time waited for files to be read and"
            " decoded."
        )
    images = sum(of_node.images for of_node in result.nodes.values())
    if images:
        print(f"{images / result.seconds:.1f} images a second in all, {result.seconds:.0f} s.")
    print(f"Scores: {uri.shown(_FLAGS.output)}")
    _require_readable(result.rows)


def _say_summary(result: "Summary") -> None:
    _say(
        f"{result.scored} images scored, {result.anomalies} of them anomalies"
        f"{f', {result.reviews} for review' if result.reviews else ''};"
        f" {len(result.unreadable)} unreadable."
    )
    for warning in result.warnings:
        _say(f"WARNING: {warning}")


def _require_readable(result: "Summary") -> None:
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
        "On many machines": ("cluster", "cpus"),
    },
    run=_run,
    required=("model_dir", "images", "output"),
    hint="Quote a pattern: --images='parts/*.png'.",
    stopped="Stopped. Run the same command to resume.",
)
