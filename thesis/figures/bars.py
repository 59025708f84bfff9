"""The bars of figures 5.1 to 5.3: average precision in every configuration of a data set, three
panels.

The thesis' captions name what each panel compares. They are taken to mean: (a) the baselines BIGAN
and GANomaly, the base models AE and Rotation, and the two overall scores of OURS; (b) the base
models and the components of OURS, its two primary scores; (c) the overall scores without joint
learning, A*, and with it.
"""

from typing import Any

from matplotlib.figure import Figure

from thesis.figures import drawing
from thesis.results import Results
from thesis.systems import BY_NAME, DATASET_NAMES

_PANELS = {
    "a": (
        "Baseline vs base model vs OURS",
        ("BIGAN", "GANomaly", "AE", "Rotation", "OURS A_max", "OURS A_ws"),
    ),
    "b": ("Base model vs OURS components", ("AE", "Rotation", "OURS A_rec", "OURS A_cls")),
    "c": ("Without joint learning vs OURS", ("A*_max", "A*_ws", "OURS A_max", "OURS A_ws")),
}
_CLASS_NAMES = {
    "mnist": "0,1,2,3,4,5,6,7,8,9",
    "fashion_mnist": "T-shirt,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot",
    "cifar10": "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck",
}


def draw(stored: Results, dataset: str, number: str) -> dict[str, Figure]:
    """`{"figure_5_1a": Figure, ...}` for a data set; `number` is "5.1". Raises ValueError if
    nothing is stored of the data set.
    """
    if dataset not in stored.datasets:
        what = f"Nothing is stored of {DATASET_NAMES[dataset]}"
        raise drawing.nothing(stored, what, dataset=dataset)
    return {
        f"figure_{number.replace('.', '_')}{panel}": _panel(
            stored, dataset, f"Figure {number}{panel}: {caption}", names
        )
        for panel, (caption, names) in _PANELS.items()
    }


def _panel(stored: Results, dataset: str, caption: str, names: tuple[str, ...]) -> Figure:
    classes = _CLASS_NAMES[dataset].split(",")
    figure = drawing.new(11, 4)
    axes = figure.add_subplot()
    width, seeds, absent = 0.84 / len(names), set(), set()
    for i, system in enumerate(BY_NAME[name] for name in names):
        values = stored.of_system(system, dataset)
        seeds |= set(values.index.unique("seed"))
        found = values.groupby("anomaly").agg(["mean", "std"])
        absent |= {(system.detector, k) for k in range(len(classes)) if k not in found.index}
        if found.empty:
            continue
        found.index += (i - (len(names) - 1) / 2) * width
        look: dict[str, Any] = dict(color=system.colour, label=system.label, zorder=2)
        axes.bar(found.index, found["mean"], 0.94 * width, **look)
        several = found.dropna()
        if len(several):
            look = dict(fmt="none", ecolor="0.15", elinewidth=1, zorder=3)
            axes.errorbar(several.index, several["mean"], several["std"], **look)
    share = stored.share(dataset)
    axes.axhline(
        share, color="0.4", linestyle="--", linewidth=1, label=f"chance, {share:.3f}", zorder=4
    )
    # Slanted where they are words that would touch.
    slant = dict(rotation=20, ha="right", rotation_mode="anchor") if len(classes[-1]) > 2 else {}
    axes.set_xticks(range(len(classes)), classes, **slant)  # type: ignore[arg-type]
    axes.set(xlabel="anomalous class", ylabel="average precision")
    axes.set(ylim=(0, 1), xlim=(-0.6, len(classes) - 0.4))
    axes.grid(axis="y", color="0.9", zorder=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    drawing.title(
        figure,
        f"{caption}, {DATASET_NAMES[dataset]}",
        drawing.scale(stored),
        f"Mean and standard deviation over the stored seeds, up to {len(seeds)}."
        if len(seeds) > 1
        else "One seed, so no deviation.",
        drawing.missing(sorted(absent)),
    )
    return figure
