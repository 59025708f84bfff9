"""Before a run trains: its images, its split, an untrained detector, and the check that they belong
to the folder that it writes.
"""

import dataclasses
import pathlib

from tf_ssae.config import Config
from tf_ssae.data import pipeline, protocols, sources
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split
from tf_ssae.detectors import registry
from tf_ssae.detectors.base import Detector
from tf_ssae.runs import provenance, training_images
from tf_ssae.runs.folder_contents import contents
from tf_ssae.runs.run_folder import RunFolder
from tf_ssae.training.strategies import Strategy
from tf_ssae.training.warm_start import WarmStart

_CACHE = "images.cache"
_PRECISION = "precision"


@dataclasses.dataclass(frozen=True)
class Begun:
    """A run about to train.

    Attributes:
        split: its images.
        detector: untrained.
        steps: per epoch.
        cache: a file that the images may be read from while the run lasts.
        start: the run whose weights it begins with, if any.
    """

    split: Split
    detector: Detector
    steps: int
    cache: pathlib.Path
    start: WarmStart | None


def begin(
    config: Config,
    folder: RunFolder,
    data: LabelledImages | None,
    strategy: Strategy | None = None,
) -> Begun:
    """Loads the images, splits them, makes the detector.

    If that fails, the folder is left as it was before.

    Raises:
        ValueError, OSError: for settings, data or a run folder that cannot work.
    """
    try:
        cache = folder.partial / _CACHE
        start = WarmStart.of(config)
        found = {} if data else contents(config)
        data = data or sources.load(config, cache)
        trained_before = training_images.among(data, start.trained) if start else None
        split = protocols.split(data, config, trained_before)
        steps = pipeline.steps_per_epoch(len(split.train.index), config)
        if config.steps:
            config = dataclasses.replace(config, epochs=max(1, round(config.steps / steps)))
        # Another machine may be faster in another one; a run is trained in one.
        precision = folder.began_with().get(_PRECISION, config.precision)
        config = dataclasses.replace(config, precision=precision)
        detector = registry.make(config, data.image_shape)
        if start:
            start.give(detector)
            training_images.write_before(folder.partial, start.trained)
        environment = {
            **provenance.environment(),
            "split_fingerprint": split.fingerprint(),
            _PRECISION: detector.config.precision,
            **({"strategy": strategy.described()} if strategy else {}),
            **found,
        }
        folder.require_same_images(environment["split_fingerprint"])
    except BaseException:
        folder.abandon()
        raise
    folder.write_environment(environment)
    return Begun(split, detector, steps, cache, start)
