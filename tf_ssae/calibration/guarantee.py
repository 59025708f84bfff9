"""What a threshold guarantees about false alarms on normal images like the held-out ones."""

import dataclasses

import numpy as np
from scipy import stats

from tf_ssae.calibration import conformal
from tf_ssae.calibration.share import CONFIDENCE


@dataclasses.dataclass(frozen=True)
class Guarantee:
    """The share of normal images to be expected above a threshold (see `conformal`).

    Attributes:
        target_fpr: the share that was asked for.
        images: n, the held-out images.
        expected_fpr: k / (n + 1).
        low, high: the bounds of the 95% interval of the share of false alarms.
    """

    target_fpr: float
    images: int
    expected_fpr: float
    low: float
    high: float

    @classmethod
    def of(cls, images: int, target_fpr: float) -> "Guarantee":
        """What a threshold fitted to so many held-out images guarantees."""
        k = conformal.rank(images, target_fpr)
        tail = (1 - CONFIDENCE) / 2
        low, high = stats.beta.ppf([tail, 1 - tail], k, images + 1 - k)
        return cls(target_fpr, images, k / (images + 1), float(low), float(high))

    @property
    def holds(self) -> bool:
        """Whether `expected_fpr` is at most `target_fpr`: whether enough images were held out."""
        return self.expected_fpr <= self.target_fpr * (1 + 1e-9)

    def __str__(self) -> str:
        text = (
            f"{self.expected_fpr:.2%} of normal images are expected above the threshold "
            f"(95% interval {self.low:.2%} to {self.high:.2%}, from {self.images} held-out images)"
        )
        if self.holds:
            return f"{text}."
        needed = int(np.ceil(1 / self.target_fpr)) - 1
        return (
            f"{text}: MORE THAN THE {self.target_fpr:.2%} ASKED FOR. The threshold is the largest"
            f" held-out score; to guarantee {self.target_fpr:.2%}, at least {needed} held-out"
            " images are needed."
        )
