"""Writes the README's section of results, between its two markers, from stored results alone.

    python -m thesis.readme

Draw the figures first: it shows those that lie beside the results.
"""

import dataclasses
import json
import os
import pathlib
import re
import sys

from absl import app, flags

from thesis import chance, results, significance, table
from thesis.systems import OURS, SYSTEMS
from thesis.thesis import DATASET_NAMES
from thesis.worker import duration

BEGIN = "<!-- written by python -m thesis.readme: change that, not this -->"
END = "<!-- the end of what it wrote -->"

_DIFFERENCES = """\
* The thesis prints "PR-AUC" and does not say how it is computed. What is printed here is average precision;
  `thesis.table` gives the other reading with `--metric=pr_auc_trapezoid`.
* The thesis does not describe its split. This is the one of EGBAD's and GANomaly's code (`--protocol=pooled`): train and test
  images together, 80% of the normals train, the others and all anomalies test. All systems and seeds of a configuration have
  the same split, and no image is in both sets.
* The last epoch counts. We chose no epoch, seed or constant by test labels. (lambda_E and w_rec of MNIST and Fashion-MNIST are
  the thesis', which found them "empirically".)
* lambda_E and w_rec of CIFAR-10, and whether L_rec is a sum or a mean, were chosen on training normals ("How it is built").
* All four rotations of an image are in every step, unless a heading or a command says "sampled": the thesis samples one.
* The CIFAR-10 at hand was stored as JPEG files, which are lossy.
* The two GANs are built anew after their papers; the thesis used its own versions, with a learning rate of 1e-4 and 25 epochs
  "for all experiments". GANomaly keeps its paper's learning rate, 2e-4, and its 15 epochs, EGBAD its batch of 100; EGBAD's
  learning rate is the thesis', since its paper's, 1e-5, takes far more steps than these. EGBAD's networks for MNIST serve
  all three data sets."""

_QUICK_LOOK = """\
A look at a smaller scale than the thesis', whose numbers beside ours are of all normals and 25 epochs, three seeds. Compare the
systems with each other, not with its numbers."""

# What says most of a detector's training; the rest is in each result's file.
_SETTINGS = (
    "epochs",
    "max_train_images",
    "max_test_images",
    "batch_size",
    "learning_rate",
    "beta_1",
    "latent_depth",
)
_OF_GANOMALY = ("latent_error",)
_OURS = (
    "rotations",
    "lambda_e",
    "w_rec",
    "w_cls",
    "alpha",
    "reconstruction_reduction",
    "output_activation",
)


def section(root):
    """All of it, without the markers."""
    parts = []
    for scale in results.scales(root, "table_5_1"):
        parts += _table(results.load(root, "table_5_1", scale))
    for scale in results.scales(root, "figure_5_4"):
        stored = results.load(root, "figure_5_4", scale)
        parts += [
            f"### Figure 5.4, {_title(stored.scale)}",
            _runs(stored),
            _settings(stored),
            *_figures(stored),
        ]
    if not parts:
        return f"Nothing has been run yet: `{results.run_command('table_5_1', results.Scale())}`."
    parts += [_single_runs(root), "### What differs from the thesis at every scale", _DIFFERENCES]
    return "\n\n".join(part for part in parts if part)


def _table(stored):
    return [
        f"### Table 5.1, {_title(stored.scale)}",
        # Which rotations are in a step makes a run no smaller.
        _QUICK_LOOK if dataclasses.replace(stored.scale, rotations="") != results.Scale() else "",
        _runs(stored),
        table.markdown(stored),
        "\n".join(f"* {note}" for note in table.notes(stored)),
        (
            "The difference in average precision between OURS and each other system, the mean over"
            " configurations of pairs that saw the same images, with a 95% bootstrap interval over"
            " configurations (widened, because they are few); bold where the interval leaves out 0."
            " Each interval is of one comparison, and with one seed it does not include the"
            " variation between seeds:"
        ),
        significance.markdown(stored),
        "\n".join(f"* {sentence}" for sentence in significance.sentences(stored)),
        "In how many configurations each system is better than chance, and by how much on average:",
        chance.markdown(stored),
        "\n".join(f"* {sentence}" for sentence in chance.doubts(stored)),
        _settings(stored),
        *_figures(stored),
    ]


def _title(scale):
    return scale.in_words + (" (full scale)" if scale == results.Scale() else "")


def _runs(stored):
    """How many runs, where they are, what made them, and the command that makes them again or goes
    on.
    """
    there = {
        name: [str(value) for value in dict.fromkeys(getattr(run, name) for run in stored.runs)]
        for name in ("dataset", "anomaly", "detector", "seed")
    }
    in_grid = {name: {str(getattr(run, name)) for run in stored.grid.runs} for name in there}
    filters = {
        name: ",".join(values) for name, values in there.items() if set(values) < in_grid[name]
    }
    command = results.run_command(stored.grid.name, stored.scale, **filters)
    kinds = [f"configuration {', '.join(there['anomaly'])}"] if "anomaly" in filters else []
    kinds.append(f"{'seed' if len(there['seed']) == 1 else 'seeds'} {', '.join(there['seed'])}")
    rest = (
        f" Without {', '.join(f'`--{name}`' for name in filters)} it goes on with the rest of the"
        " grid."
        if filters
        else ""
    )
    hours = duration(sum(run.seconds for run in stored.runs))
    return (
        f"{len(stored.runs)} runs ({'; '.join(kinds)}), {hours} summed over them, in"
        f" `{stored.folder.as_posix()}`; {_versions(stored)}. `{command}` trains those that are not"
        f" there.{rest}"
    )


def _versions(stored):
    """The revisions of this code that trained the runs, and TensorFlow's versions."""
    found = dict.fromkeys(run.stored.get("git_revision") for run in stored.runs)
    revisions = [_short(revision) for revision in found]
    versions = dict.fromkeys(run.stored["versions"]["tensorflow"] for run in stored.runs)
    return f"revision {', '.join(revisions)}, TensorFlow {', '.join(versions)}"


def _short(revision):
    """The first seven digits of a revision, and whether files had been changed since; None is one
    that is not known.
    """
    return (
        revision[:7] + ("-dirty" if revision.endswith("-dirty") else "") if revision else "unknown"
    )


def _settings(stored):
    """A line a detector: its settings, one value for each data set where they differ."""
    differ = (
        "where data sets differ, in the order of the table; " if len(stored.datasets) > 1 else ""
    )
    lines = [f"Settings ({differ}0 images: all):", ""]
    # The others of the grid's detectors do not know them.
    of_some = {name for run in stored.runs for name in run.settings}
    for detector in dict.fromkeys(run.detector for run in stored.runs):
        configs = {
            run.dataset: run.stored["config"] for run in stored.runs if run.detector == detector
        }
        parts = []
        for name in _SETTINGS + {"egbad": (), "ganomaly": _OF_GANOMALY}.get(detector, _OURS):
            varied = sorted(
                {
                    run.settings[name]
                    for run in stored.runs
                    if run.detector == detector and name in run.settings
                }
            )
            values = [config[name] for config in configs.values() if name in config]
            if varied:
                parts.append(f"{name} {' or '.join(map(_shown, varied))}")
            elif values and name not in of_some:
                parts.append(
                    f"{name}"
                    f" {' / '.join(map(_shown, values[:1] if len(set(values)) == 1 else values))}"
                )
        names = [
            f"`{detector}`",
            *(system.markdown for system in SYSTEMS if system.detector == detector),
        ]
        lines.append(
            f"* {', '.join(names)} ({', '.join(DATASET_NAMES[name] for name in configs)}):"
            f" {', '.join(parts)}."
        )
    return "\n".join(lines)


def _shown(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def _single_runs(root):
    """A table of the run folders that lie beside the grids, and what made each."""
    rows, made = [], []
    for folder in sorted(path.parent for path in pathlib.Path(root).glob("*/metrics.json")):
        metrics, environment = (
            json.loads((folder / name).read_text()) for name in ("metrics.json", "environment.json")
        )
        scores = [metrics["scores"][system.score]["average_precision"] for system in OURS]
        rows.append(
            f"| `{folder.name}` | "
            + " | ".join(f"{value:.4f}" for value in (*scores, metrics["share"]))
            + " |"
        )
        made.append(
            f"* `{folder.name}`: `{environment['command']}`; revision"
            f" {_short(environment['git_revision'])}, TensorFlow"
            f" {environment['versions']['tensorflow']}; {duration(metrics['training_seconds'])} of"
            " training."
        )
    if not rows:
        return ""
    titles = "".join(f" {system.markdown} |" for system in OURS)
    return "\n".join(
        [
            "### Single runs",
            "",
            (
                "Run folders, with all settings, versions and plots, each of the revision that is"
                " named: another may give slightly other figures. Average precision, and that of a"
                " useless score:"
            ),
            "",
            f"| |{titles} chance |",
            "|---" * (len(OURS) + 2) + "|",
            *rows,
            "",
            *made,
        ]
    )


def _figures(stored):
    """The main figure, and links to all others that are drawn."""
    files = {
        file.stem: file.as_posix()
        for file in sorted((stored.folder / "figures").glob("figure_*.png"))
    }
    main = [
        f"![Figure {_figure(name)}]({files.pop(name)})"
        for name in ("figure_5_1a", "figure_5_4")
        if name in files
    ]
    return main + (
        [f"Figures {', '.join(f'[{_figure(name)}]({file})' for name, file in files.items())}."]
        if files
        else []
    )


def _figure(name):
    """`figure_5_1a -> 5.1a`, `figure_1_1_ae_classes -> 1.1 (ae, classes)`."""
    parts = name.split("_")
    return ".".join(parts[1:3]) + (f" ({', '.join(parts[3:])})" if parts[3:] else "")


def replaced(readme, text):
    """The text of a README with `text` between its markers. Raises ValueError if it does not have
    both.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    if not pattern.search(readme):
        raise ValueError(f"It has no line '{BEGIN}' followed by a line '{END}'.")
    return pattern.sub(lambda match: f"{BEGIN}\n\n{text}\n\n{END}", readme)


def main(argv):
    del argv
    path = pathlib.Path(flags.FLAGS.readme)
    try:
        text = replaced(path.read_text(), section(flags.FLAGS.results))
    except (OSError, ValueError) as error:
        sys.exit(f"Error: {path}: {error}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)


if __name__ == "__main__":
    flags.DEFINE_string("readme", "README.md", "The file to write into.")
    flags.DEFINE_string(
        "results", results.DEFAULT, "Folder of all results, as the README is to name it."
    )
    app.run(main)
