"""The settings of a calibration. Light to import: they are checked before any work."""

import dataclasses
import os

# As operating_points.CHOICES, which needs NumPy; a test compares them.
CHOICES = ("zero_miss", "zero_false_alarm", "min_cost")


@dataclasses.dataclass(frozen=True)
class Wish:
    """How the threshold is to be set.

    Attributes:
        target_fpr, review_fpr: see `Config`; None: those of the run.
        threshold: by hand; it promises nothing.
        known_defects: a folder, from which `choose` chooses.
        choose: see `calibration.operating_points.choose`; None: from `target_fpr`.
        cost_miss, cost_false_alarm: see there.

    Raises:
        ValueError: on construction, for wishes that contradict each other.
    """

    target_fpr: float | None = None
    review_fpr: float | None = None
    threshold: float | None = None
    known_defects: str | os.PathLike[str] | None = None
    choose: str | None = None
    cost_miss: float = 1.0
    cost_false_alarm: float = 1.0

    def __post_init__(self) -> None:
        ways = {"target_fpr": self.target_fpr, "threshold": self.threshold, "choose": self.choose}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: expected one of them to set the threshold.")
        if self.target_fpr is not None and not 0 < self.target_fpr < 1:
            raise ValueError(f"target_fpr={self.target_fpr}: expected between 0 and 1.")
        if self.choose is not None:
            if self.choose not in CHOICES:
                raise ValueError(f"choose={self.choose!r}: expected one of {', '.join(CHOICES)}.")
            if self.known_defects is None:
                raise ValueError(f"choose={self.choose!r} needs known_defects.")
        if min(self.cost_miss, self.cost_false_alarm) <= 0:
            raise ValueError("cost_miss and cost_false_alarm: expected more than 0.")
