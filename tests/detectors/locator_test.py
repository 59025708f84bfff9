"""The detector with three tasks: what its combined score weighs, and a user's own defects."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_ssae.data import pipeline
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset

SETTINGS = dict(detector="locator", image_size=32)
WHOLE = ("a_rec", "a_log", "a_area", "a_fea", "a_tex")


def losses(detector, digit_images, steps=2):
    batches = pipeline.training_batches(digit_images.images, np.arange(60), detector.config)
    batches = detector.prepare(batches, steps)
    return [float(detector.train_step(batch)["loss"]) for batch in batches.take(steps)]


@pytest.fixture
def cut_outs(tmp_path):
    folder = tmp_path / "cut_outs"
    folder.mkdir()
    photo = np.zeros([64, 64, 4], np.uint8)
    photo[20:40, 20:30] = 255
    Image.fromarray(photo, "RGBA").save(folder / "a.png")
    return folder


def test_the_combined_score_weighs_windows_most(digit_images):
    detector = registry.make(preset("digits", **SETTINGS), digit_images.image_shape)
    normal = np.random.default_rng(0).normal(size=400)
    names = (*WHOLE, "a_peak", "a_win")
    detector.fit_normalisation({name: normal for name in names})
    high = tf.constant([float(np.quantile(normal, 0.9))])
    tail = -np.log(0.1)

    def combined(*above):
        low = tf.constant([-10.0])
        outputs = {name: high if name in above else low for name in names}
        return float(detector.combine(outputs)["a_all"][0])

    # The curve begins where one in ten images scores lower.
    start = -np.log(0.9)
    assert combined("a_win") == pytest.approx(tail - start, rel=1e-3)
    assert combined("a_peak") == pytest.approx(0.25 * (tail - start), rel=1e-3)
    assert combined("a_tex") == pytest.approx(0.05 * (tail - start), rel=1e-3)
    assert combined(*names) == pytest.approx(1.5 * (tail - start), rel=1e-3)


def test_it_learns_from_known_defects(digit_images, cut_outs):
    shape = digit_images.image_shape
    with_them = preset("digits", **SETTINGS, defects=str(cut_outs))
    found, again = (losses(registry.make(with_them, shape), digit_images) for _ in range(2))
    assert found == again and np.isfinite(found).all()
    assert found != losses(registry.make(preset("digits", **SETTINGS), shape), digit_images)


def test_it_is_loaded_without_the_folder_of_its_defects(digit_images, tmp_path):
    gone = preset("digits", **SETTINGS, defects=str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="No such folder: .*gone"):
        registry.make(gone, digit_images.image_shape)
    assert registry.find("locator")(gone, digit_images.image_shape).score_names
