"""The grids of runs as data: data set x configuration x detector x seed (x setting), and the scales
they are run at.
"""

import dataclasses
import itertools
from collections.abc import Collection
from typing import Any

DATASETS = ("mnist", "fashion_mnist", "cifar10")
CONFIGURATIONS = tuple(range(10))
SEEDS = (0, 1, 2)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        settings: `(name, value)` pairs, the fields of Config that vary inside the grid beside the
            four above them.
    """

    dataset: str
    anomaly: int
    detector: str
    seed: int
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        """`mnist-2-ssae-seed-0`, `mnist-2-ssae-seed-0-lambda_e-0.1-w_rec-10`: unique in its grid,
        the stem of its file.
        """
        varied = "".join(f"-{name}-{value:g}" for name, value in self.settings)
        return f"{self.dataset}-{self.anomaly}-{self.detector}-seed-{self.seed}{varied}"


def _cut(default: Any, help: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(frozen=True)
class Scale:
    """What a run is cut down to. 0 and "" leave a field of Config as its preset has it; with
    nothing cut it is full scale.

    Results of different scales are in different folders, so that they are never averaged together.
    """

    max_train_images: int = _cut(0, "Train on at most this many images. 0: all.")
    epochs: int = _cut(0, "Passes over them. 0: as in each detector's preset.")
    max_test_images: int = _cut(
        0, "Test on at most this many, with the same share of anomalies. 0: all."
    )
    rotations: str = _cut("", "all or sampled, as in train.py; empty: as in the preset.")

    @property
    def name(self) -> str:
        """`full`, or what differs from it, such as `6000-images-5-epochs-4000-test`: the name of
        its folder.
        """
        words = ("images", "epochs", "test", "rotations")
        parts = [f"{v}-{word}" for v, word in zip(dataclasses.astuple(self), words) if v]
        return "-".join(parts) or "full"

    @property
    def in_words(self) -> str:
        """Such as `6,000 normals, 5 epochs, 4,000 test images`."""
        parts = [
            f"{self.max_train_images:,} normals" if self.max_train_images else "all normals",
            f"{self.epochs} epochs" if self.epochs else "full length",
            f"{self.max_test_images:,} test images" if self.max_test_images else "",
            f"{self.rotations} rotations" if self.rotations else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of Config that differ from the preset."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


@dataclasses.dataclass(frozen=True)
class Grid:
    """Runs in the order in which they are trained.

    Attributes:
        settings: fields of Config that all its runs share, on top of their presets.
    """

    name: str
    runs: tuple[Run, ...]
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def select(self, **wanted: Collection[Any]) -> list[Run]:
        """The runs that have one of the wanted values of each attribute, such as `anomaly=[2, 6]`
        or `["2", "6"]`; no value is any. Raises ValueError for values that no run has.
        """
        runs = list(self.runs)
        for attribute, values in wanted.items():
            there = {str(getattr(run, attribute)) for run in self.runs}
            if unknown := [str(value) for value in values if str(value) not in there]:
                known = f" It has {', '.join(sorted(there))}." if len(there) < 20 else ""
                raise ValueError(
                    f"Grid {self.name} has no run with {attribute} {', '.join(unknown)}.{known}"
                )
            of = {str(value) for value in values} or there
            runs = [run for run in runs if str(getattr(run, attribute)) in of]
        return runs

    def config_settings(self, run: Run, scale: Scale) -> dict[str, Any]:
        """The arguments of `preset` for one of the runs."""
        own = {name: getattr(run, name) for name in ("dataset", "anomaly", "detector", "seed")}
        return {**self.settings, **scale.settings, **dict(run.settings), **own}


# One seed of everything comes first, so that a grid stopped half-way has something of every cell.
TABLE_5_1 = Grid(
    "table_5_1",
    tuple(
        Run(dataset, anomaly, detector, seed)
        for seed, dataset, anomaly, detector in itertools.product(
            SEEDS, DATASETS, CONFIGURATIONS, ("ssae", "ensemble", "ganomaly", "egbad", "locator")
        )
    ),
)

# The thesis' caption names the axes, not their values. lambda_E 0.1 is a_2 = 1 (section 5.4), 1 is
# two encoders of one depth. The auto-encoder knows no lambda_E, the classifier no w_rec.
LAMBDA_E = (0.1, 0.5, 1.0, 2.0)
W_REC = (1.0, 10.0, 100.0, 1000.0)
_SETTINGS = (
    ("autoencoder", ()),
    *(("rotation", (("lambda_e", value),)) for value in LAMBDA_E),
    *(("ssae", tuple(zip(("lambda_e", "w_rec"), v))) for v in itertools.product(LAMBDA_E, W_REC)),
)
# First the configurations of `systems.LARGEST_IMPROVEMENTS`.
FIGURE_5_4 = Grid(
    "figure_5_4",
    tuple(
        Run("mnist", anomaly, detector, 0, settings)
        for anomaly in (2, 6, 7, 0, 1, 3, 4, 5, 8, 9)
        for detector, settings in _SETTINGS
    ),
)

# Seconds per run, no download: to see that everything works. Its numbers mean nothing.
SMOKE = Grid(
    "smoke",
    tuple(
        Run("digits", anomaly, detector, 0)
        for anomaly in (0, 1)
        for detector in ("ssae", "ensemble")
    ),
    dict(
        max_train_images=256,
        max_test_images=200,
        epochs=3,
        batch_size=16,
        learning_rate=1e-3,
        rotations="sampled",
        output_activation="sigmoid",
    ),
)

GRIDS = {grid.name: grid for grid in (TABLE_5_1, FIGURE_5_4, SMOKE)}
