"""Cut-outs of known defects: read at the size of a photo, pasted anywhere."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_ssae.data import cutouts, defects
from tf_ssae.data.draws import Draws


def save(path, rows=slice(20, 30), columns=slice(100, 140), colour=(200, 40, 0)):
    """A photo of 100x200 pixels that is transparent but for a rectangle."""
    photo = np.zeros([100, 200, 4], np.uint8)
    photo[..., :3] = 99
    photo[rows, columns] = (*colour, 255)
    Image.fromarray(photo, "RGBA").save(path)


def test_a_defect_is_shrunk_as_its_photo_is_and_lies_in_the_middle(tmp_path):
    save(tmp_path / "a.png")
    (found,) = cutouts.load(str(tmp_path), 50, 3)
    assert found.shape == (50, 50, 4) and found.dtype == np.uint8
    rows, columns = np.nonzero(found[..., 3])
    # 10 by 40 pixels at half the size.
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (5, 20)
    assert abs(rows.mean() - 24.5) <= 0.5 and abs(columns.mean() - 24.5) <= 0.5
    assert (found[25, 25] == (200, 40, 0, 255)).all() and not found[0].any()
    assert cutouts.load(str(tmp_path), 50, 1).shape == (1, 50, 50, 2)


def test_what_is_half_transparent_is_half_pasted(tmp_path):
    photo = np.zeros([64, 64, 4], np.uint8)
    photo[16:48, 16:48] = (100, 100, 100, 128)
    Image.fromarray(photo, "RGBA").save(tmp_path / "a.png")
    known = cutouts.load(str(tmp_path), 64, 1)
    white = tf.ones([8, 64, 64, 1])
    pasted = cutouts.paste(Draws(tf.constant([1, 2])), white, known, tf.ones([8, 1, 1, 1]))
    values, expected = pasted.numpy(), 0.5 * (100 / 255) + 0.5
    inside = values[values < 0.99]
    assert inside.min() > expected - 0.02 and abs(np.median(inside) - expected) < 0.02


@pytest.mark.parametrize("where, rows", [("nowhere", slice(None)), ("everywhere", slice(0))])
def test_what_is_no_cut_out_is_refused_by_name(tmp_path, where, rows):
    save(tmp_path / "a.png", rows, slice(None))
    with pytest.raises(ValueError, match=f"a.png: {where} transparent; expected a photo that is"):
        cutouts.load(str(tmp_path), 50, 3)


def test_a_damaged_file_is_refused_by_name(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match="--defects: .*a.png: "):
        cutouts.load(str(tmp_path), 50, 3)


def test_it_is_pasted_all_over_the_image_where_wanted_and_nowhere_else(tmp_path):
    save(tmp_path / "a.png")
    known = cutouts.load(str(tmp_path), 50, 3)
    grey = tf.fill([200, 50, 50, 3], 0.5)
    wanted = tf.reshape(tf.cast(tf.range(200) % 2, tf.float32), [-1, 1, 1, 1])
    pasted = cutouts.paste(Draws(tf.constant([1, 2])), grey, known, wanted).numpy()
    np.testing.assert_array_equal(pasted[::2], grey[::2])
    marked = (np.abs(pasted[1::2] - 0.5) > 0.05).any(axis=3)
    # Some lie partly outside; the others have about the 100 pixels of the cut-out.
    areas = marked.sum(axis=(1, 2))
    assert areas.max() < 100 * 1.25**2 + 60 and np.median(areas) > 60
    assert marked.any(axis=0).mean() > 0.95
    reds = pasted[1::2][marked][:, 0]
    assert np.quantile(reds, 0.9) == pytest.approx(200 / 255, abs=0.01)


def test_what_was_pasted_is_marked(tmp_path):
    save(tmp_path / "a.png")
    known = cutouts.load(str(tmp_path), 64, 1)
    random = np.random.default_rng(0)
    images = tf.constant(random.uniform(0.4, 0.6, (32, 64, 64, 1)), tf.float32)
    seed = tf.constant([3, 4])
    without, _ = defects.tamper(images, seed, share=0.9)
    tampered, change = defects.tamper(images, seed, share=0.9, known=known)
    more = np.abs(tampered - without).max(axis=3) > 0.2
    assert 0.2 < more.any(axis=(1, 2)).mean() < 0.7
    assert np.asarray(change)[more].min() > 0
