"""The grids of runs as data: data set x configuration x detector x seed (x setting), and the scales
they are run at.
"""

import dataclasses
import itertools

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
    settings: tuple = ()

    @property
    def name(self):
        """`mnist-2-ssae-seed-0`, `mnist-2-ssae-seed-0-lambda_e-0.1-w_rec-10`: unique in its grid,
        the stem of its file.
        """
        varied = [f"-{name}-{value:g}" for name, value in self.settings]
        return f"{self.dataset}-{self.anomaly}-{self.detector}-seed-{self.seed}" + "".join(varied)


@dataclasses.dataclass(frozen=True)
class Scale:
    """What a run is cut down to. 0 and "" leave a field of Config as its preset has it; with
    nothing cut it is full scale.

    Results of different scales lie in different folders, so that they are never averaged together.
    """

    max_train_images: int = 0
    epochs: int = 0
    max_test_images: int = 0
    rotations: str = ""

    @property
    def name(self):
        """`full`, or what differs from it, such as `6000-images-5-epochs-4000-test`: the name of
        its folder.
        """
        parts = [
            f"{self.max_train_images}-images" if self.max_train_images else "",
            f"{self.epochs}-epochs" if self.epochs else "",
            f"{self.max_test_images}-test" if self.max_test_images else "",
            f"{self.rotations}-rotations" if self.rotations else "",
        ]
        return "-".join(part for part in parts if part) or "full"

    @property
    def in_words(self):
        """Such as `6,000 normals, 5 epochs, 4,000 test images`."""
        parts = [
            f"{self.max_train_images:,} normals" if self.max_train_images else "all normals",
            f"{self.epochs} epochs" if self.epochs else "full length",
            f"{self.max_test_images:,} test images" if self.max_test_images else "",
            f"{self.rotations} rotations" if self.rotations else "",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def settings(self):
        """The fields of Config that differ from the preset."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


@dataclasses.dataclass(frozen=True)
class Grid:
    """Runs in the order in which they are trained.

    Attributes:
        settings: fields of Config that all its runs share, on top of their presets.
    """

    name: str
    runs: tuple
    settings: dict = dataclasses.field(default_factory=dict)

    def select(self, datasets=(), anomalies=(), detectors=(), seeds=(), names=()):
        """The runs that have one of each; an empty filter lets all through. Raises ValueError for
        values that no run has.
        """
        runs = self.runs
        for attribute, wanted in (
            ("dataset", datasets),
            ("anomaly", anomalies),
            ("detector", detectors),
            ("seed", seeds),
            ("name", names),
        ):
            there = {getattr(run, attribute) for run in self.runs}
            unknown = [str(value) for value in wanted if value not in there]
            if unknown:
                known = (
                    f" It has {', '.join(map(str, sorted(there)))}." if attribute != "name" else ""
                )
                raise ValueError(
                    f"Grid {self.name} has no run with {attribute} {', '.join(unknown)}.{known}"
                )
            if wanted:
                runs = [run for run in runs if getattr(run, attribute) in wanted]
        return list(runs)

    def config_settings(self, run, scale):
        """The arguments of `config.preset` for one of the runs."""
        return {
            **self.settings,
            **scale.settings,
            **dict(run.settings),
            "dataset": run.dataset,
            "anomaly": run.anomaly,
            "detector": run.detector,
            "seed": run.seed,
        }


# Four trainings a configuration and seed are the seven systems of table 5.1; see `systems`. One
# seed of everything comes first, so that a grid stopped half-way has something of every cell.
TABLE_5_1 = Grid(
    "table_5_1",
    tuple(
        Run(dataset, anomaly, detector, seed)
        for seed, dataset, anomaly, detector in itertools.product(
            SEEDS, DATASETS, CONFIGURATIONS, ("ssae", "ensemble", "ganomaly", "egbad")
        )
    ),
)

# The thesis' caption names the axes, not their values. lambda_E 0.1 is a_2 = 1 (section 5.4), 1 is
# two encoders of one depth.
LAMBDA_E = (0.1, 0.5, 1.0, 2.0)
W_REC = (1.0, 10.0, 100.0, 1000.0)
# Configurations 2, 6, 7 first: `thesis.LARGEST_IMPROVEMENTS`. The auto-encoder knows no lambda_E,
# the classifier no w_rec.
FIGURE_5_4 = Grid(
    "figure_5_4",
    tuple(
        Run("mnist", anomaly, detector, 0, settings)
        for anomaly in (2, 6, 7, 0, 1, 3, 4, 5, 8, 9)
        for detector, settings in (
            ("autoencoder", ()),
            *(("rotation", (("lambda_e", lambda_e),)) for lambda_e in LAMBDA_E),
            *(
                ("ssae", (("lambda_e", lambda_e), ("w_rec", w_rec)))
                for lambda_e in LAMBDA_E
                for w_rec in W_REC
            ),
        )
    ),
)

# Seconds a run, no download: to see that everything works. Its numbers mean nothing.
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
