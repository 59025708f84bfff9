"""How many of so many, and the interval of that share."""

import dataclasses
from typing import Self

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Share:
    """So many of so many.

    Attributes:
        count: how many.
        of: of how many, at least 1.
        low, high: the bounds of the 95% interval of the share, 0..1.
    """

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def among(cls, chosen: np.ndarray) -> Self:
        """That of True in bool `[n]`, n at least 1, with the exact interval (Clopper and Pearson,
        1934).
        """
        count, of = int(np.sum(chosen)), len(chosen)
        interval = stats.binomtest(count, of).proportion_ci(CONFIDENCE, "exact")
        return cls(count, of, float(interval.low), float(interval.high))

    @property
    def share(self) -> float:
        """0..1."""
        return self.count / self.of

    def __str__(self) -> str:
        """ "1 of 10, 10.0% (0.3% to 44.5%)"."""
        return f"{self.count} of {self.of}, {self.share:.1%} ({self.low:.1%} to {self.high:.1%})"
