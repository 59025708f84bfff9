"""Whether each system is better than chance, and where that is not sure, what is known of it."""

import itertools

import numpy as np

from tf_ssae.config import preset
from thesis import results, significance, thesis
from thesis.systems import SYSTEMS
from thesis.thesis import DATASET_NAMES

# A mean of ten configurations so little above the share of anomalies says that the thesis' system
# was useless as well.
_NEAR = 0.05


def above_chance(stored, system, dataset):
    """How far its average precision lies above the share of anomalies, which is that of a useless
    score.

    Returns:
        In how many configurations it does, and the significance.Comparison of the difference; None
        if nothing is stored.
    """
    shares = {
        (run.anomaly, run.seed): run.share for run in stored.of_detector(system.detector, dataset)
    }
    excess = {key: value - shares[key] for key, value in stored.of_system(system, dataset).items()}
    if not excess:
        return None
    above = sum(np.mean(found) > 0 for found in significance.of_configurations(excess).values())
    return int(above), significance.mean_with_interval(excess)


def text(stored):
    """A line for each data set and system, and then the `doubts`."""
    lines = []
    for dataset, system in itertools.product(stored.datasets, SYSTEMS):
        if found := above_chance(stored, system, dataset):
            above, excess = found
            lines.append(
                f"{DATASET_NAMES[dataset]:14} {system.name:11} above chance in {above} of"
                f" {excess.configurations} configurations, by {excess.difference:+.3f} on"
                f" average{_interval(excess)}"
            )
    return "\n".join([*lines, *doubts(stored, named="name")])


def markdown(stored):
    """A table: in how many configurations each system is above chance, and by how much
    on average.
    """
    lines = ["| | " + " | ".join(DATASET_NAMES[dataset] for dataset in stored.datasets) + " |"]
    lines.append("|---" * (len(stored.datasets) + 1) + "|")
    for system in SYSTEMS:
        found = [above_chance(stored, system, dataset) for dataset in stored.datasets]
        if any(found):
            lines.append(
                f"| {system.markdown} | "
                + " | ".join(_cell(*pair) if pair else "–" for pair in found)
                + " |"
            )
    return "\n".join(lines)


def doubts(stored, named="markdown"):
    """Sentences: which systems are not surely better than chance, a data set and a cause each.

    `named`: the attribute of a System that names it.
    """
    doubted = {}
    for dataset, system in itertools.product(stored.datasets, SYSTEMS):
        found = above_chance(stored, system, dataset)
        if found and found[1].low is not None and found[1].low <= 0:
            key = (dataset, _known(stored.of_detector(system.detector, dataset), dataset))
            doubted.setdefault(key, []).append(
                getattr(system, named) + _beside_thesis(stored, system, dataset)
            )
    return [
        f"{DATASET_NAMES[dataset]}, not surely better than chance: {', '.join(names)}. {known}"
        for (dataset, known), names in doubted.items()
    ]


def _known(runs, dataset):
    """How long the runs of a detector were, and what went wrong in them."""
    trained, full = runs[0].stored["config"], preset(dataset, detector=runs[0].detector)
    steps = trained["epochs"] * (runs[0].stored["metrics"]["train_images"] // trained["batch_size"])
    of_images = (
        f", on {trained['max_train_images']:,} images in place of all"
        if trained["max_train_images"]
        else ""
    )
    length = (
        f"Runs of {steps:,} steps: {trained['epochs']} of the {full.epochs} epochs of the"
        f" preset{of_images}."
    )
    return f"{length} {results.warnings(runs)}".rstrip()


def _beside_thesis(stored, system, dataset):
    printed = thesis.TABLE_5_1[system.name].get(dataset)
    if printed is None:
        return ""
    near = ", near chance too" if printed - stored.share(dataset) < _NEAR else ""
    return f" (thesis {printed:.4f}{near})"


def _cell(count, excess):
    return f"{count} of {excess.configurations}, {excess.difference:+.3f}{_interval(excess)}"


def _interval(excess):
    return "" if excess.low is None else f" ({excess.low:+.3f}, {excess.high:+.3f})"
