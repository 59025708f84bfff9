"""The bars of figures 5.1 to 5.3: average precision in every configuration of a data set, three
panels.

The thesis' captions name what each panel compares. They are taken to mean: (a) the baselines BIGAN
and GANomaly, the base models AE and Rotation, and the two overall scores of OURS; (b) the base
models and the components of OURS, its two primary scores; (c) the overall scores without joint
learning, A*, and with it.
"""

import numpy as np

from thesis import results
from thesis.figures import drawing
from thesis.significance import of_configurations
from thesis.systems import BY_NAME
from thesis.thesis import CLASS_NAMES, DATASET_NAMES

PANELS = {
    "a": (
        "Baseline vs base model vs OURS",
        ("BIGAN", "GANomaly", "AE", "Rotation", "OURS A_max", "OURS A_ws"),
    ),
    "b": ("Base model vs OURS components", ("AE", "Rotation", "OURS A_rec", "OURS A_cls")),
    "c": ("Without joint learning vs OURS", ("A*_max", "A*_ws", "OURS A_max", "OURS A_ws")),
}


def draw(stored, dataset, number):
    """`{"figure_5_1a": Figure, ...}` for a data set; `number` is "5.1".

    Raises:
        ValueError: nothing is stored of the data set.
    """
    if dataset not in stored.datasets:
        raise ValueError(
            f"Nothing is stored of {DATASET_NAMES[dataset]} in {stored.folder}. To train: "
            f"{results.run_command(stored.grid.name, stored.scale, dataset=dataset)}"
        )
    return {
        f"figure_{number.replace('.', '_')}{panel}": _panel(
            stored, dataset, f"Figure {number}{panel}: {caption}", names
        )
        for panel, (caption, names) in PANELS.items()
    }


def _panel(stored, dataset, caption, names):
    classes, systems = CLASS_NAMES[dataset], [BY_NAME[name] for name in names]
    figure = drawing.new(11, 4)
    axes = figure.add_subplot()
    width, seeds, absent = 0.84 / len(systems), set(), {}
    for i, system in enumerate(systems):
        values = stored.of_system(system, dataset)
        seeds |= {seed for _, seed in values}
        found = of_configurations(values)
        absent |= dict.fromkeys((system.detector, k) for k in range(len(classes)) if k not in found)
        if not found:
            continue
        places = np.array(list(found)) + (i - (len(systems) - 1) / 2) * width
        means = [np.mean(seeds_of_one) for seeds_of_one in found.values()]
        axes.bar(places, means, 0.94 * width, color=system.colour, label=system.label, zorder=2)
        several = [
            (x, y, np.std(s, ddof=1))
            for x, y, s in zip(places, means, found.values())
            if len(s) > 1
        ]
        if several:
            x, y, deviation = zip(*several)
            axes.errorbar(x, y, deviation, fmt="none", ecolor="0.15", elinewidth=1, zorder=3)
    share = stored.share(dataset)
    axes.axhline(
        share, color="0.4", linestyle="--", linewidth=1, label=f"chance, {share:.3f}", zorder=4
    )
    # Slanted where they are words that would touch.
    slant = {} if len(classes[-1]) < 3 else dict(rotation=20, ha="right", rotation_mode="anchor")
    axes.set_xticks(range(len(classes)), classes, **slant)
    axes.set(
        xlabel="anomalous class",
        ylabel="average precision",
        ylim=(0, 1),
        xlim=(-0.6, len(classes) - 0.4),
    )
    axes.grid(axis="y", color="0.9", zorder=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    drawing.title(
        figure,
        f"{caption}, {DATASET_NAMES[dataset]}",
        [
            drawing.scale(stored),
            f"Mean and standard deviation over the stored seeds, up to {len(seeds)}."
            if len(seeds) > 1
            else "One seed, so no deviation.",
            drawing.missing(sorted(absent)),
        ],
    )
    return figure
