"""Detectors with both primary scores, and the two overall scores made of them."""

from tf_ssae.detectors.base import Detector
from tf_ssae.ops import scores


class CombinedDetector(Detector):
    """A detector whose subclass gives `a_rec` and `a_cls`; their combinations and the normalisation
    are here.
    """

    score_names = ("a_rec", "a_cls", "a_ws", "a_max")
    reported = ("l_rec", "l_cls", "rotation_accuracy")
    trained_on_rotations = True
    reconstructs = True

    def __init__(self, config, image_shape, **kwargs):
        super().__init__(config, image_shape, **kwargs)
        self.normalise_a_rec = scores.MinMax(name="normalise_a_rec")
        self.normalise_a_cls = scores.MinMax(name="normalise_a_cls")

    def all_scores(self, primary):
        a_rec, a_cls = (
            self.normalise_a_rec(primary["a_rec"]),
            self.normalise_a_cls(primary["a_cls"]),
        )
        return {
            **primary,
            "a_ws": scores.a_ws(a_rec, a_cls, self.config.alpha),
            "a_max": scores.a_max(a_rec, a_cls, self.config.alpha),
        }

    def score(self, images, name):
        if name == "a_rec":
            # One pass through E1 and D: half the work of all four scores.
            return scores.a_rec(self.preprocess(images), self.reconstruct(images))
        return super().score(images, name)

    def fit_normalisation(self, primary):
        """Eq. 3.14. Raises ValueError for a score that is the same for all images."""
        self.normalise_a_rec.fit(primary["a_rec"].min(), primary["a_rec"].max())
        self.normalise_a_cls.fit(primary["a_cls"].min(), primary["a_cls"].max())
