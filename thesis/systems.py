"""The rows of table 5.1: which training and score each is, and what the thesis prints of it (W.
Kim, *Self-supervised auto-encoder for anomaly detection*, POSTECH 2019); below its ten, two of ours
beyond the thesis.

Five trainings per configuration and seed give all rows. The `ensemble` trains an auto-encoder
and a rotation classifier that share nothing, on the same batches and from the same weights as each
alone would: its `a_rec` is the thesis' row AE, its `a_cls` the row Rotation, and its `a_max` and
`a_ws` the rows A*.
"""

import dataclasses
import re

DATASET_NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "digits": "digits",
}

# The configurations of MNIST in figure 5.5 and section 5.4: those that its method improves most.
LARGEST_IMPROVEMENTS = (2, 6, 7)


@dataclasses.dataclass(frozen=True)
class System:
    """A row of table 5.1.

    Attributes:
        name: as the thesis prints it.
        detector, score: what of this package it is.
        colour: in every figure.
        thesis: PR-AUC by data set, as printed (section 5.3): the mean over ten configurations,
            three seeds each, without deviations; empty for what is beyond the thesis.
    """

    name: str
    detector: str
    score: str
    colour: str
    thesis: dict[str, float]

    @property
    def markdown(self) -> str:
        """`OURS A<sub>ws</sub>`."""
        name = self.name.replace("BIGAN", "BIGAN (EGBAD)").replace("*", r"\*")
        return re.sub(r"_(\w+)", r"<sub>\1</sub>", name)

    @property
    def label(self) -> str:
        r"""The same for matplotlib: `OURS $\mathcal{A}_{ws}$`."""
        name = re.sub(r"A\*_(\w+)", r"$\\mathcal{A}^*_{\1}$", self.name)
        return re.sub(r"A_(\w+)", r"$\\mathcal{A}_{\1}$", name)


def _row(name: str, detector: str, score: str, colour: str, *thesis: float) -> System:
    return System(name, detector, score, colour, dict(zip(DATASET_NAMES, thesis)))


SYSTEMS = (
    _row("BIGAN", "egbad", "a_egbad", "#bbbbbb", 0.4738, 0.4827, 0.3722),
    _row("GANomaly", "ganomaly", "a_ganomaly", "#777777", 0.5645, 0.5264, 0.3678),
    _row("AE", "ensemble", "a_rec", "#ccbb44", 0.7350, 0.5278, 0.3696),
    _row("Rotation", "ensemble", "a_cls", "#228833", 0.5165, 0.5723, 0.4279),
    _row("A*_max", "ensemble", "a_max", "#66ccee", 0.6567, 0.5740, 0.4277),
    _row("A*_ws", "ensemble", "a_ws", "#4477aa", 0.7173, 0.5896, 0.4134),
    _row("OURS A_rec", "ssae", "a_rec", "#eecc88", 0.7201, 0.5327, 0.3692),
    _row("OURS A_cls", "ssae", "a_cls", "#99cc99", 0.6175, 0.5953, 0.4340),
    _row("OURS A_max", "ssae", "a_max", "#ee6677", 0.7534, 0.5925, 0.4332),
    _row("OURS A_ws", "ssae", "a_ws", "#aa3377", 0.7403, 0.6034, 0.4133),
    # Beyond the thesis: a third task, and texture. Its best single score, and the one that decides.
    _row("LOCATOR A_win", "locator", "a_win", "#44bb99"),
    _row("LOCATOR A_all", "locator", "a_all", "#117733"),
)
BY_NAME = {system.name: system for system in SYSTEMS}
OURS = tuple(system for system in SYSTEMS if system.detector == "ssae")
OTHERS = tuple(system for system in SYSTEMS if system.detector != "ssae")
