"""Every setting of a run, as one frozen dataclass with a JSON round trip, and the presets of each
data set.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self

from tf_ssae.ops.limits import LARGEST_FILE, LARGEST_IMAGE, MOST_SCANS, Limits

# Sides of the square images that networks take, in pixels.
IMAGE_SIZES = (32, 64, 128)

# The thesis' own, whose results are compared with its table: everything is as it has it.
THESIS_DATASETS = ("mnist", "fashion_mnist", "cifar10")

# How an image that is not square is cut: see `ops.tiles.cut`.
CROPS = ("tiles", "centre")
_SMALLEST_TILE = 8  # pixels of a photo


def _setting(default: Any, help: str, choices: tuple | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices})


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of one run. `detectors.registry.preset` fills in the thesis' constants; a
    field's help text is its flag's as well.

    Raises:
        ValueError: on construction, naming the field, what was found and what was expected.
    """

    dataset: str = _setting(
        "digits",
        "Images to use; folder: your own, in --data_dir.",
        ("digits", *THESIS_DATASETS, "folder"),
    )
    anomaly: int = _setting(
        0,
        "The class that is the ANOMALY; all other classes are normal. (GEOM and Deep SVDD name the"
        " normal class.) Ignored for a folder.",
    )
    detector: str = _setting(
        "ssae",
        "Method: ssae, the thesis' own; locator, beyond the thesis, a folder's preset; ensemble,"
        " autoencoder and rotation, what it is compared with there; egbad and ganomaly, two GANs,"
        " which ignore rotations, lambda_e, w_cls, w_rec, reconstruction_reduction,"
        " output_activation and alpha; or your own, from --plugin.",
    )
    protocol: str = _setting(
        "pooled",
        "pooled: official train and test images together, every class cut to the size of the"
        " smallest; 80% of the normal images train, the others and all anomalies test. official:"
        " the official split, anomalies removed from its training part.",
        ("pooled", "official"),
    )
    data_dir: str = _setting(
        "",
        "Folder of prepared tensorflow-datasets; empty: the one in TFDS_DATA_DIR, or the default"
        " folder, downloading what is missing. With --dataset=folder: the folder of images.",
    )
    split_seed: int = _setting(0, "Seed of the train/test split; the model has its own, --seed.")
    max_train_images: int = _setting(
        0,
        "Train on at most this many of the split's normal images, including those held out."
        " 0: all.",
    )
    max_test_images: int = _setting(
        0,
        "Test on at most this many of the split's test images, with the same share of anomalies;"
        " the same images for every method. 0: all.",
    )

    crop: str = _setting(
        "tiles",
        "How an image that is not square is cut (folders only). tiles: into square tiles that cover"
        " it; it scores as its most anomalous tile. centre: to the square in its middle.",
        CROPS,
    )
    tile_size: int = _setting(
        0,
        "Side, in pixels of the photo, of the square tiles that it is cut into (folders only), for"
        " defects too small to be seen when the whole photo is shrunk to --image_size. Neighbours"
        " overlap. 0: the photo's shorter side.",
    )
    accept_damaged: bool = _setting(
        False,
        "Take damaged JPEG and TIFF files as their decoder repairs them, and name them; otherwise"
        " they are left out.",
    )
    largest_image: float = _setting(
        LARGEST_IMAGE, "Images of more megapixels are left out; at most 100."
    )
    largest_file: float = _setting(LARGEST_FILE, "Files of more megabytes are left out.")
    most_scans: int = _setting(
        MOST_SCANS, "JPEG files of more scans, which take long to decode, are left out."
    )
    roi: str = _setting(
        "",
        "Image file with the region of interest (folders only): white where photos count, black"
        " elsewhere; one mask for all, upright, scaled to each. What is black is never looked at.",
    )
    calibration_share: float = _setting(
        0.1,
        "Share of the normal training images that is held out, never trained on, to set the"
        " threshold. 0: the threshold is set on the training images and guarantees nothing.",
    )
    target_fpr: float = _setting(0.01, "Share of normal images that may score above the threshold.")
    review_fpr: float = _setting(
        0.0,
        "Share of normal images that may score above the review threshold: between it and the"
        " threshold an image is for a person to look at. 0: no such band.",
    )
    decision: str = _setting(
        "auto",
        "Name of the score that decides. auto: the detector chooses, from held-out normal images "
        "alone.",
    )

    defects: str = _setting(
        "",
        "Folder of cut-outs of known defects, which locator pastes into normal images beside its"
        " synthetic ones: photos that are transparent but for the defect.",
    )
    init_from: str = _setting(
        "",
        "Folder of a finished run whose weights this one begins with, for a folder that has grown;"
        " everything else is new. What trained it trains again: no threshold is set and no test"
        " made on it.",
    )
    seed: int = _setting(
        0, "Seed of the weights, the order of the images, the sampled rotations, and a GAN's noise."
    )
    epochs: int = _setting(25, "Passes over the training images.")
    steps: int = _setting(
        0,
        "Training steps, rounded to whole passes over the training images. 0: as many as --epochs"
        " gives.",
    )
    batch_size: int = _setting(
        64,
        "Images per step, before rotation. (egbad's preset: 100; 32 where images are few.)",
    )
    learning_rate: float = _setting(1e-4, "Adam's learning rate.")
    beta_1: float = _setting(0.5, "Adam's beta_1.")
    rotations: str = _setting(
        "all",
        "all: the four rotations of every image in every step, the expectation of Eq. 3.8 exactly. "
        "sampled: one random rotation per image, as in the thesis, about two thirds of the work.",
        ("all", "sampled"),
    )
    precision: str = _setting(
        "float32",
        "What the networks compute in. bfloat16: faster in training and scoring, with scores that"
        " differ a little; losses, statistics and scores stay in float32. auto: bfloat16 where this"
        " machine multiplies in it (amx_bf16 or avx512_bf16 among the processor's flags, or a GPU"
        " that has it), else float32.",
        ("float32", "bfloat16", "auto"),
    )
    jit_compile: bool = _setting(
        False, "Compile the training steps, and the scoring in a run, with XLA; slower on CPUs."
    )

    image_size: int = _setting(
        32,
        "Size of the square images that the networks see, in pixels: 32, 64 or 128; for"
        " locator any multiple of 32 up to 512.",
    )
    latent_depth: int = _setting(
        16, "a_1, the depth of encoder E1's last layer; for a GAN, the depth of its latent."
    )
    lambda_e: float = _setting(
        0.1, "lambda_E: side encoder E2's depth is a_2 = max(1, floor(lambda_E * a_1))."
    )
    w_cls: float = _setting(1.0, "Weight of the classification loss, Eq. 3.10.")
    w_rec: float = _setting(100.0, "Weight of the reconstruction loss, Eq. 3.10.")
    reconstruction_reduction: str = _setting(
        "mean",
        "Reconstruction loss over an image's pixels and channels: sum is Eq. 3.7 as written.",
        ("sum", "mean"),
    )
    output_activation: str = _setting(
        "relu",
        "Activation of the decoder's last layer. relu: as in the thesis; sigmoid: its gradient"
        " cannot vanish everywhere.",
        ("relu", "sigmoid"),
    )
    alpha: float = _setting(
        0.5, "Weight of the reconstruction score in the combined ones, Eq. 3.12 and 3.13."
    )
    latent_error: str = _setting(
        "squared",
        "ganomaly's score. squared: the mean of squares, as in the authors' code; absolute: the L1"
        " norm of the paper's text.",
        ("squared", "absolute"),
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata["choices"]
            if type(value) is not field.type:
                expected = getattr(field.type, "__name__", field.type)
                raise ValueError(
                    f"{field.name}={value!r}: expected {expected}, got {type(value).__name__}."
                )
            if choices and value not in choices:
                raise ValueError(
                    f"{field.name}={value!r}: expected one of {', '.join(map(str, choices))}."
                )
            if field.type is float and not math.isfinite(value):
                raise ValueError(f"{field.name}={value!r}: expected a finite number.")
        for name in (
            "epochs",
            "image_size",
            "batch_size",
            "latent_depth",
            "learning_rate",
            "lambda_e",
        ):
            self._require(name, getattr(self, name) > 0, "more than 0")
        for name in (
            "anomaly",
            "max_train_images",
            "max_test_images",
            "steps",
            "tile_size",
            "seed",
            "split_seed",
            "w_cls",
            "w_rec",
        ):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        # Larger is a slip of the keyboard, and would fill the memory.
        for name in ("latent_depth", "lambda_e", "side_latent_depth"):
            self._require(name, getattr(self, name) <= 2**16, "at most 65,536")
        self._require(
            "tile_size",
            not self.tile_size or (self.tile_size >= _SMALLEST_TILE and self.crop == "tiles"),
            f"0, or {_SMALLEST_TILE} or more with crop='tiles'",
        )
        self._require("roi", not self.roi or self.dataset == "folder", "none without a folder")
        self._require("beta_1", 0 <= self.beta_1 < 1, "0 up to, not including, 1")
        self._require(
            "calibration_share", 0 <= self.calibration_share < 1, "0 up to, not including, 1"
        )
        self._require("target_fpr", 0 < self.target_fpr < 1, "between 0 and 1")
        self._require(
            "review_fpr",
            self.review_fpr == 0 or self.target_fpr < self.review_fpr < 1,
            f"0, or more than target_fpr={self.target_fpr} and less than 1",
        )
        _ = self.limits  # they raise for themselves
        self._require("alpha", 0 <= self.alpha <= 1, "0 to 1")
        # BatchNorm over a single 1x1 feature has variance 0, which maps every image to the same
        # point.
        self._require("batch_size", self.batch_size >= 2, "2 or more")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ValueError(f"{name}={getattr(self, name)!r}: expected {expected}.")

    @property
    def limits(self) -> Limits:
        """Which files are left out."""
        return Limits(self.largest_image, self.largest_file, self.most_scans)

    @property
    def side_latent_depth(self) -> int:
        """a_2, the depth of side encoder E2's last layer."""
        # The product is rounded first: 0.29 * 100 is 28.999999999999996, which is meant to be 29.
        return max(1, int(round(self.lambda_e * self.latent_depth, 9)))

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values that `from_dict` turns back into an equal Config."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError for settings that this version does not know."""
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(
                f"Unknown settings {', '.join(unknown)}: written by another version of tf_ssae?"
            )
        return cls(**values)


# lambda_E and w_rec are the thesis' (sections 5.1 and 5.2); it gives neither for CIFAR-10, nor the
# reductions. On its data sets nothing is held out, as in the thesis, so that results compare.
PRESETS: dict[str, dict[str, Any]] = {
    "digits": dict(learning_rate=3e-4, epochs=12),
    "mnist": dict(latent_depth=16, lambda_e=0.1, w_rec=100.0, calibration_share=0.0),
    "fashion_mnist": dict(
        latent_depth=16,
        lambda_e=2.0,
        w_rec=0.01,
        reconstruction_reduction="sum",
        calibration_share=0.0,
    ),
    "cifar10": dict(latent_depth=200, lambda_e=1.0, w_rec=10.0, calibration_share=0.0),
    # A folder holds hundreds of images, not tens of thousands: more passes and larger steps; and a
    # decoder that cannot die, as one with a ReLU at its end can. The detector was chosen with a
    # look at solar cells (PyPI's elpv-dataset) and the made-up cloth of examples/.
    "folder": dict(
        detector="locator",
        image_size=64,
        epochs=60,
        learning_rate=1e-3,
        latent_depth=64,
        lambda_e=1.0,
        w_rec=100.0,
        output_activation="sigmoid",
    ),
}
