import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from tf_ssae.evaluation.pixel_metrics import pixel_metrics


def random_maps(random, levels=None):
    """Maps and masks of five images of different sizes, the first normal; scores of few `levels`
    have ties.
    """
    maps, masks = [], []
    for i, shape in enumerate([(5, 7), (6, 6), (4, 9), (7, 3), (8, 8)]):
        masks.append(random.random(shape) < 0.25 * (i > 0))
        scores = random.normal(size=shape) + masks[-1]
        maps.append(scores if levels is None else np.round(scores * levels) / levels)
    return maps, masks


def aupro_over_all_thresholds(maps, masks):
    """The definition, one threshold at a time."""
    curve = [(0.0, 0.0)]
    for threshold in np.unique(np.concatenate([scores.ravel() for scores in maps]))[::-1]:
        overlaps, false_positives, normals = [], 0, 0
        for scores, mask in zip(maps, masks):
            regions, count = ndimage.label(mask, np.ones([3, 3]))
            overlaps += [
                (scores[regions == region] >= threshold).mean() for region in range(1, count + 1)
            ]
            false_positives += (scores[~mask] >= threshold).sum()
            normals += (~mask).sum()
        curve.append((false_positives / normals, np.mean(overlaps)))
    area = 0.0
    for (x, y), (next_x, next_y) in zip(curve, curve[1:]):
        if x < 0.3 and next_x > 0.3:
            next_x, next_y = 0.3, y + (0.3 - x) / (next_x - x) * (next_y - y)
        if next_x <= 0.3:
            area += (next_x - x) * (y + next_y) / 2
    return area / 0.3


def test_pixel_metrics_are_those_computed_by_hand():
    # A region of 4 pixels, one of 1, and 10 normal pixels. From the top: the large region; 2
    # normals; the small region; 8 normals.
    mask = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 1], [0, 0, 0, 0, 0]], bool)
    scores = np.array([[9, 8, 5, 4, 1.5], [7, 6, 1, 1, 3], [1, 1, 1, 1, 1]])
    result = pixel_metrics([scores], [mask])
    # 4 of 5 anomalous pixels are above all normals, the fifth is above 8 of 10.
    assert result["pixel_auroc"] == pytest.approx((4 + 0.8) / 5)
    # Half of the regions are found up to a rate of 0.2, both from there to 0.3.
    assert result["aupro"] == pytest.approx((0.2 * 0.5 + 0.1 * 1.0) / 0.3)


def test_a_small_region_weighs_as_much_as_a_large_one():
    mask = np.array([[1, 1, 1, 1, 0, 0, 0, 1]], bool)
    large_found, small_found = 1.0 * (np.arange(8) < 4)[None], 1.0 * (np.arange(8) == 7)[None]
    # The curves rise to the share found at a rate of 0 and then straight to 1 at a rate of 1, where
    # 0.3 is three tenths on.
    half = (0.5 + 0.65) / 2
    assert pixel_metrics([large_found], [mask]) == pytest.approx(
        {"pixel_auroc": (0.8 + 1) / 2, "aupro": half}
    )
    assert pixel_metrics([small_found], [mask]) == pytest.approx(
        {"pixel_auroc": (0.2 + 1) / 2, "aupro": half}
    )


def test_pixels_that_touch_at_a_corner_are_one_region():
    mask = np.array([[1, 0, 0, 0], [0, 1, 0, 1]], bool)
    scores = np.array([[1, 0, 0, 0], [0, 1, 0, 0]])
    # One of two regions at a rate of 0, not two of three.
    assert pixel_metrics([scores], [mask])["aupro"] == pytest.approx((0.5 + 0.65) / 2)


def test_regions_of_all_images_count_alike_and_normal_images_add_false_positives():
    masks = [np.eye(2, dtype=bool), np.array([[1, 0, 1]], bool), np.zeros([1, 7], bool)]
    maps = [np.eye(2), np.zeros([1, 3]), np.array([[2, 0, 0, 0, 0, 0, 0]])]
    # 3 regions, 10 normal pixels. One false positive, then one region, then all the rest together.
    at_limit = 1 / 3 + 2 / 9 * 2 / 3
    area = 0.1 * 0 + 0.2 * (1 / 3 + at_limit) / 2
    assert pixel_metrics(maps, masks)["aupro"] == pytest.approx(area / 0.3)
    assert pixel_metrics(iter(maps), iter(masks)) == pixel_metrics(maps, masks)


def test_a_perfect_map():
    _, masks = random_maps(np.random.default_rng(0))
    assert pixel_metrics([mask * 1.0 for mask in masks], masks) == pytest.approx(
        {"pixel_auroc": 1, "aupro": 1}
    )
    # The worst has found nothing at a rate of 0.3: all normal pixels come before the first
    # anomalous one.
    assert pixel_metrics([~mask * 1.0 for mask in masks], masks) == {
        "pixel_auroc": 0,
        "aupro": pytest.approx(0),
    }


def test_a_constant_map():
    # All pixels are found together, so the curve is the diagonal: 0.3 * 0.3 / 2 of area, divided by
    # 0.3.
    _, masks = random_maps(np.random.default_rng(0))
    result = pixel_metrics([np.full(mask.shape, 7.0) for mask in masks], masks)
    assert result == pytest.approx({"pixel_auroc": 0.5, "aupro": 0.15})


def test_the_limit_on_a_point_of_the_curve():
    # 10 normal pixels, all scores different: the curve has a point at 0.3, on which the second
    # region is found.
    mask = np.array([[1] + [0] * 3 + [1] + [0] * 7], bool)
    assert pixel_metrics([-np.arange(12.0)[None]], [mask])["aupro"] == pytest.approx(0.5)


@pytest.mark.parametrize("levels", [None, 1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_definitions(seed, levels):
    maps, masks = random_maps(np.random.default_rng(seed), levels)
    result = pixel_metrics(maps, masks)
    all_masks, all_scores = [
        np.concatenate([image.ravel() for image in images]) for images in (masks, maps)
    ]
    assert result["pixel_auroc"] == pytest.approx(roc_auc_score(all_masks, all_scores))
    assert result["aupro"] == pytest.approx(aupro_over_all_thresholds(maps, masks))


def test_only_the_order_of_scores_counts():
    maps, masks = random_maps(np.random.default_rng(0), levels=4)
    assert pixel_metrics([np.exp(scores) for scores in maps], masks) == pixel_metrics(maps, masks)


def test_what_cannot_be_measured_is_refused():
    scores, mask = np.zeros([2, 3]), np.array([[True, False, False]] * 2)
    with pytest.raises(ValueError, match="2 maps and 1 masks"):
        pixel_metrics([scores, scores], [mask])
    with pytest.raises(ValueError, match=r"Map 1 has shape \(2, 3\), its mask \(3, 2\)"):
        pixel_metrics([scores, scores], [mask, mask.T])
    with pytest.raises(ValueError, match=r"Map 0 has shape \(2, 3, 1\)"):
        pixel_metrics([scores[..., None]], [mask[..., None]])
    with pytest.raises(ValueError, match="2 of the 6 pixels of map 1 are NaN or infinite"):
        pixel_metrics([scores, np.array([[np.nan, np.inf, 0], [0, 0, 0]])], [mask, mask])
    with pytest.raises(ValueError, match="0 anomalous and 6 normal"):
        pixel_metrics([scores], [np.zeros_like(mask)])
    with pytest.raises(ValueError, match="6 anomalous and 0 normal"):
        pixel_metrics([scores], [np.ones_like(mask)])
    with pytest.raises(ValueError, match="0 anomalous and 0 normal"):
        pixel_metrics([], [])
