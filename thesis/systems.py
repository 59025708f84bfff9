"""The seven systems of table 5.1, ten rows, and which training and score each is.

Four trainings a configuration and seed give all ten rows. The `ensemble` trains an auto-encoder and
a rotation classifier that share nothing, on the same batches and from the same weights as each
alone would: its `a_rec` is the thesis' row AE, its `a_cls` the row Rotation, and its `a_max` and
`a_ws` the rows A*.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class System:
    """A row of table 5.1.

    Attributes:
        name: as the thesis prints it.
        label: the same for matplotlib.
        markdown: the same for Markdown.
        colour: in every figure.
    """

    name: str
    detector: str
    score: str
    label: str
    markdown: str
    colour: str


def _combined(name, star, detector, score, colour):
    index = score.removeprefix("a_")
    return System(
        name,
        detector,
        score,
        (f"$\\mathcal{{A}}^*_{{{index}}}$" if star else f"OURS $\\mathcal{{A}}_{{{index}}}$"),
        f"A\\*<sub>{index}</sub>" if star else f"OURS A<sub>{index}</sub>",
        colour,
    )


SYSTEMS = (
    System("BIGAN", "egbad", "a_egbad", "BIGAN", "BIGAN (EGBAD)", "#bbbbbb"),
    System("GANomaly", "ganomaly", "a_ganomaly", "GANomaly", "GANomaly", "#777777"),
    System("AE", "ensemble", "a_rec", "AE", "AE", "#ccbb44"),
    System("Rotation", "ensemble", "a_cls", "Rotation", "Rotation", "#228833"),
    _combined("A*_max", True, "ensemble", "a_max", "#66ccee"),
    _combined("A*_ws", True, "ensemble", "a_ws", "#4477aa"),
    _combined("OURS A_rec", False, "ssae", "a_rec", "#eecc88"),
    _combined("OURS A_cls", False, "ssae", "a_cls", "#99cc99"),
    _combined("OURS A_max", False, "ssae", "a_max", "#ee6677"),
    _combined("OURS A_ws", False, "ssae", "a_ws", "#aa3377"),
)

BY_NAME = {system.name: system for system in SYSTEMS}
OURS = tuple(system for system in SYSTEMS if system.detector == "ssae")
OTHERS = tuple(system for system in SYSTEMS if system.detector != "ssae")
