"""A run that begins with the weights of another: `--init_from`."""

import dataclasses
import pathlib
from typing import Any, Self

import numpy as np

from tf_ssae import runs
from tf_ssae.config import Config
from tf_ssae.data import roi
from tf_ssae.data.protocols import subset_of
from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation import predictions
from tf_ssae.ops.region_of_interest import RegionOfInterest
from tf_ssae.runs import run_folder, trained_weights, training_images
from tf_ssae.training.calibrate import ask

# Settings that make other networks, and those that cut an image into other tiles, by which the
# images that trained could not be told.
_OF_NETWORKS = ("detector", "image_size", "latent_depth", "side_latent_depth", "output_activation")
_OF_TILES = ("crop", "tile_size")


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """The run that another begins with.

    Attributes:
        run: its folder.
        weights: see `runs.trained_weights`.
        trained, held_out: hashes of its images (see `runs.training_images`).
    """

    run: pathlib.Path
    weights: list[np.ndarray]
    trained: set[int]
    held_out: set[int]

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """The run that these settings name, if any; its detector is not loaded yet.

        Raises:
            FileNotFoundError: it is no finished run, or of an earlier version.
            ValueError: it has other networks, or is damaged.
        """
        if not config.init_from:
            return None
        run = pathlib.Path(config.init_from)
        run_folder.require_finished(run)
        before = run_folder.read_config(run)
        for names, consequence in (
            (_OF_NETWORKS, "its networks differ"),
            (_OF_TILES, "it cut images otherwise, so that those which trained it cannot be told"),
        ):
            different = [
                f"{name}={getattr(before, name)!r} (now {getattr(config, name)!r})"
                for name in names
                if getattr(before, name) != getattr(config, name)
            ]
            if names is _OF_TILES and _region(before, run) != roi.of(config):
                different.append("the region of interest")
            if different:
                raise ValueError(
                    f"--init_from={run}: {consequence}: {', '.join(different)}. Pass its settings,"
                    " or train from the start."
                )
        weights = trained_weights.read(run)
        trained, held_out = training_images.read(run), training_images.read_held_out(run)
        if trained is None or held_out is None:
            raise FileNotFoundError(
                f"--init_from={run}: {training_images.FILE} or {training_images.HELD_OUT} is"
                " missing, by which the images that trained it are told."
            )
        return cls(run, weights, trained, held_out)

    def give(self, detector: Detector) -> None:
        """Gives its weights to an untrained detector. Raises ValueError if they do not fit."""
        before = runs.load(self.run).image_shape
        if before != detector.image_shape:
            raise ValueError(
                f"--init_from={self.run}: it takes images of shape {list(before)}, and these are"
                f" {list(detector.image_shape)}: {_kind(before)} and {_kind(detector.image_shape)}."
                " Train from the start."
            )
        variables = detector.network_variables
        if [tuple(v.shape) for v in variables] != [w.shape for w in self.weights]:
            raise ValueError(
                f"--init_from={self.run}: its networks differ from those that are to be trained."
                " Train from the start."
            )
        for variable, value in zip(variables, self.weights):
            variable.assign(value)
        # Again: what is derived from the weights, such as their average, begins with these.
        detector.compile_from_settings()

    def moved(self, detector: Detector, split: Split) -> dict[str, Any]:
        """How the scores of the images that it held out have moved, as JSON values: of those that
        do not train the calibrated `detector` either.

        `run`; `held_out`, how many it held out, of which `train` train now and `images` are
        compared; and `before` and `now`: the deciding `score`, its `median`, its `threshold`, and
        how many are `above` it.
        """
        data = split.data
        chosen = training_images.among(data, self.held_out)
        chosen &= ~split.anomalous[data.labels[data.first_tiles]]
        train = np.zeros(len(chosen), bool)
        train[split.train.ids] = True
        found: dict[str, Any] = {
            "run": str(self.run),
            "held_out": len(self.held_out),
            "train": int(np.sum(chosen & train)),
            "images": int(np.sum(chosen & ~train)),
        }
        if not found["images"]:
            return found
        subset = subset_of(data, np.flatnonzero(chosen & ~train), split.anomalous)
        for when, asked in (("before", runs.load(self.run)), ("now", detector)):
            scores = predictions.evaluate(asked, ask(asked, subset), subset).scores
            name = asked.calibration.deciding_score
            found[when] = {
                "score": name,
                "median": float(np.median(scores[name])),
                "threshold": asked.calibration.threshold,
                "above": int(asked.calibration.is_anomaly(scores).sum()),
            }
        return found


def _region(config: Config, run: pathlib.Path) -> RegionOfInterest | None:
    """The region of interest that a run kept, if it has one."""
    return roi.load(str(run / run_folder.ROI)) if config.roi else None


def in_words(found: dict[str, Any]) -> str:
    """What `WarmStart.moved` found, as sentences."""
    begun = f"Begun with the weights of {found['run']}."
    if not found["images"]:
        why = "all of those that are here train now" if found["train"] else "none of them is here"
        return (
            f"{begun} How the scores of the {found['held_out']:,} images that it held out have"
            f" moved cannot be said: {why}."
        )
    before, now = found["before"], found["now"]
    return (
        f"{begun} Of the {found['held_out']:,} images that it held out, {found['images']:,} do not"
        f" train this run either. Their median {now['score']} is {now['median']:.4g}, with a"
        f" threshold of {now['threshold']:.4g} and {now['above']:,} above it; before, their median"
        f" {before['score']} was {before['median']:.4g}, with {before['threshold']:.4g} and"
        f" {before['above']:,}."
    )


def _kind(image_shape: tuple[int, ...]) -> str:
    side, _, channels = image_shape
    return f"{'colour' if channels == 3 else 'grey'} of {side} pixels"
