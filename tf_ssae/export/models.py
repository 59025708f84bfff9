"""Every model file of an export, written and compared with the trained model."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tf_ssae.data.decode import with_channels
from tf_ssae.data.reader import TileReader
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.export import openvino_ir, parity, saved_model, tflite, timing, warmup
from tf_ssae.export.in_float32 import in_float32
from tf_ssae.ops.batched import joined
from tf_ssae.ops.limits import Limits
from tf_ssae.ops.tiles import Layout
from tf_ssae.scoring import description_file
from tf_ssae.scoring import saved_model as exported

_REPRESENTATIVE_IMAGES = 300
_WARMUP_IMAGES = 4
_WARMUP_SIDES = (512, 1024, 2048)  # pixels


def check(openvino: bool) -> None:
    """Raises ValueError if a package that `write` would need is not installed."""
    if openvino:
        openvino_ir.require()


def check_limits(limits: Limits, image_shape: tuple[int, ...]) -> None:
    """Raises ValueError if a detector's own tiles `(S, S, C)` would be refused."""
    if image_shape[0] ** 2 > limits.pixels:
        raise ValueError(
            f"largest_image={limits.largest_image:g} megapixels would refuse the detector's own"
            f" tiles of {image_shape[0]}x{image_shape[0]} pixels."
        )


def write(
    detector: Detector,
    split: Split,
    name: str,
    folder: pathlib.Path,
    tflite_batch_size: int,
    test_images: int,
    openvino: bool,
    limits: Limits,
    photos: pathlib.Path,
    own_calibration: bool,
) -> parity.Parity:
    """Writes all models into `folder`, and scores the run's test images with each. Returns how they
    compare with the trained model: one that computes in bfloat16 is first brought to float32, and
    it is said how these two compare.

    Args:
        split: the run's, its images uint8.
        photos: the folder of its images, if it is one.
        own_calibration: whether its images calibrated the detector, and no later ones.
        name: the model's, for clients.
        tflite_batch_size, test_images, openvino, limits: see `publish.export`.
    """
    trained, data, test = detector, split.data, split.test.first(test_images)
    if trained.config.precision != "float32":
        print("Calibrating in float32 ...", flush=True)
        detector = in_float32(trained, split if own_calibration else None)
    few = split.train.index[: max(_REPRESENTATIVE_IMAGES, tflite_batch_size)]
    representative, thresholds = data.images[few], detector.calibration.thresholds

    def scores(function: Callable) -> dict[str, np.ndarray]:
        found = tflite.scores_of(function, test, detector.description.at_once)
        return {name: test.worst(values) for name, values in found.items()}

    compared = parity.Parity(
        name,
        scores(detector),
        scores(lambda tiles: detector(parity.nudged(tiles, detector.roi is not None))),
        detector.calibration,
        test.is_anomaly,
    )

    if trained is not detector:
        compared.add_trained(
            trained.config.precision, scores(trained), trained.calibration.thresholds
        )

    print("SavedModel ...", flush=True)
    saved_model.write(detector, folder, limits)
    description_file.write(
        folder / exported.DESCRIPTION,
        detector.description,
        exported.digest(folder),
        class_names=data.class_names,
        limits=dataclasses.asdict(limits),
    )
    warmup.write(folder, name, _for_warmup(detector, test))
    speed = timing.of_saved_model(folder, data.image_shape)
    found = scores(exported.load(folder)[0])
    compared.add("saved_model", found, thresholds, timing.size(folder), speed)

    # It has an image decoder of its own, and is the signature that clients ask.
    decide = exported.load_decide(folder)
    png = tf.io.encode_png
    if detector.roi is None:
        found = scores(lambda tiles: decide([png(tile).numpy() for tile in tiles]))
    else:
        # It cuts the region out of the whole photo: a tile is none.
        found = joined(decide([png(photo).numpy()]) for photo in _photos(detector, test, photos))
    compared.require("decide", found)

    edge = folder / "tflite"
    edge.mkdir()
    for kind in tflite.KINDS:
        if kind == "int8" and not detector.survives_int8:
            print(f"TFLite int8: left out, since {detector.config.detector} loses too much by it.")
            continue
        print(f"TFLite {kind} ...", flush=True)
        calibrated = detector
        model = tflite.convert(detector, kind, representative, tflite_batch_size)
        if kind == "int8":
            calibrated = tflite.recalibrated(detector, model, split)
            model = tflite.convert(calibrated, kind, representative, tflite_batch_size)
        path = edge / f"{kind}.tflite"
        path.write_bytes(model)
        tflite.describe(path, calibrated, kind, data.class_names)
        found = scores(tflite.scorer(model))
        own = calibrated.calibration.thresholds
        compared.add(kind, found, own, timing.size(path), timing.of_tflite(model))

    if openvino:
        print("OpenVINO ...", flush=True)
        path = folder / "openvino" / "float32.xml"
        found = scores(openvino_ir.write(detector, path, data.class_names))
        speed = timing.of_openvino(path, data.image_shape)
        compared.add("openvino", found, thresholds, timing.size(path), speed)

    return compared


def _photos(detector: Detector, test: Subset, root: pathlib.Path) -> Iterator[np.ndarray]:
    """Yields the test images, uint8 `[H, W, C]`, whole, read as the run read them."""
    config, channels = detector.config, test.data.image_shape[-1]
    reader = TileReader.of(detector.description, config.limits, config.accept_damaged)
    for name in test.names:
        yield with_channels(reader.pixels((root / name).read_bytes())[0], channels)


def _for_warmup(detector: Detector, test: Subset) -> np.ndarray:
    """Images of one size, uint8 `[N, H, W, C]`, that the model takes."""
    if detector.roi is None:
        return test.data.images[test.index[:_WARMUP_IMAGES]]
    config, (size, _, channels) = detector.config, detector.image_shape
    for longest in (*_WARMUP_SIDES, max(detector.roi.mask.shape)):
        scale = min(1.0, longest / max(detector.roi.mask.shape))
        height, width = (round(scale * side) for side in detector.roi.mask.shape)
        layout = Layout.of(height, width, config.crop, config.tile_size, detector.roi, size)
        # A small photo may leave nothing of a fine mask.
        if len(layout):
            break
    return np.full([1, height, width, channels], 127, np.uint8)
