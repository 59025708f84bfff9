"""A photo with its map, contours and boxes."""

import numpy as np
from PIL import Image

from tf_ssae.evaluation.regions import regions
from tf_ssae.report.overlay import layer, overlay

PHOTO = np.full([60, 90, 1], 100, np.uint8)


def test_a_photo_without_anomalous_pixels_is_shown_as_it_is():
    drawn = overlay(PHOTO, np.full([60, 90], 0.5))
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, np.repeat(PHOTO, 3, axis=2))


def test_what_is_above_the_level_is_seen_tinted_within_a_line_within_a_box():
    anomaly_map = np.zeros([60, 90])
    anomaly_map[20:30, 40:60] = 3
    drawn = overlay(PHOTO, anomaly_map, regions(anomaly_map))
    # Redder than the photo, which still shows through.
    red, green, blue = drawn[25, 50].astype(int)
    assert red > green and abs(red - 100) < 60
    along = [tuple(pixel) for pixel in drawn[25, :41]]
    assert along[39] == (227, 26, 28), "the line runs outside of the region"
    assert along[37] == (255, 255, 255) and along[36] == (0, 0, 0)
    np.testing.assert_array_equal(drawn[25, :36], 100)


def test_a_region_at_the_edge_and_a_colour_photo_are_drawn_in_place():
    anomaly_map = np.zeros([60, 90])
    anomaly_map[:3, :3] = 2
    photo = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    before = photo.copy()
    drawn = overlay(photo, anomaly_map, regions(anomaly_map))
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(drawn[20:], photo[20:])
    assert tuple(drawn[3, 0]) == (227, 26, 28)


def test_the_layer_laid_over_a_photo_is_the_overlay_without_its_lines():
    photo = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    anomaly_map = np.linspace(0, 3, 90)[np.newaxis].repeat(60, axis=0)
    found = layer(anomaly_map)
    assert found.dtype == np.uint8 and not found[:, :10, 3].any()
    laid = Image.fromarray(photo).convert("RGBA")
    laid.alpha_composite(Image.fromarray(found))
    difference = np.asarray(laid.convert("RGB")).astype(int) - overlay(photo, anomaly_map)
    assert np.abs(difference).max() <= 2
