"""Detectors with both primary scores, and the two overall scores made of them."""

import numpy as np

from tf_ssae import scores
from tf_ssae.batched import batched
from tf_ssae.detectors.base import Detector


class CombinedDetector(Detector):
    """A detector whose subclass gives `a_rec` and `a_cls`; their combinations and the normalisation are here."""

    score_names = ("a_rec", "a_cls", "a_ws", "a_max")
    reported = ("l_rec", "l_cls", "rotation_accuracy")
    trained_on_rotations = True
    reconstructs = True

    def __init__(self, config, image_shape, **kwargs):
        super().__init__(config, image_shape, **kwargs)
        self.normalise_a_rec = scores.MinMax(name="normalise_a_rec")
        self.normalise_a_cls = scores.MinMax(name="normalise_a_cls")

    def explain_primary(self, images):
        """As `explain`, without `a_ws` and `a_max`."""
        raise NotImplementedError

    def explain(self, images):
        explained = self.explain_primary(images)
        a_rec, a_cls = self.normalise_a_rec(explained["a_rec"]), self.normalise_a_cls(explained["a_cls"])
        return {
            **explained,
            "a_ws": scores.a_ws(a_rec, a_cls, self.config.alpha),
            "a_max": scores.a_max(a_rec, a_cls, self.config.alpha),
        }

    def calibrate(self, normal_batches):
        """Fits the min-max normalisation, Eq. 3.14. Raises ValueError for a score that is the same for all images."""

        def primary_scores(images):
            explained = self.explain_primary(images)
            return {name: explained[name] for name in ("a_rec", "a_cls")}

        extremes = {"a_rec": [np.inf, -np.inf], "a_cls": [np.inf, -np.inf]}
        for batch in batched(primary_scores, normal_batches, self.config.jit_compile):
            for name, values in batch.items():
                extremes[name] = [min(extremes[name][0], values.min()), max(extremes[name][1], values.max())]
        self.normalise_a_rec.fit(*extremes["a_rec"])
        self.normalise_a_cls.fit(*extremes["a_cls"])
