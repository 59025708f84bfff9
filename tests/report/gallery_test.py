import numpy as np

from tf_ssae.report import gallery

DESCRIPTION = {
    "scores": ["a_rec", "a_ws"],
    "decision": "a_ws",
    "thresholds": {"a_rec": 1.0, "a_ws": 0.5},
    "held_out": True,
    "held_out_images": 3,
    "held_out_scores": {"a_rec": [0.0, 0.1, 0.2], "a_ws": [0.1, 0.2, 0.5]},
    "map_scale": 0.25,
}
SCORES = {"a_rec": np.array([2.0, 0.0]), "a_ws": np.array([0.5, 0.6])}
TILES = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8, 1)


def cards(outputs, tiles=TILES, **changes):
    return gallery.cards(
        outputs, tiles, ["a.png", "b.png"], ["", "tile 2 of 3"], {**DESCRIPTION, **changes}
    )


def test_scores_alone_make_cards_with_decisions_and_p_values():
    first, second = cards(SCORES)
    assert (first.name, first.note, first.scores) == ("a.png", "", {"a_rec": 2.0, "a_ws": 0.5})
    assert (second.name, second.note, second.scores) == (
        "b.png",
        "tile 2 of 3",
        {"a_rec": 0.0, "a_ws": 0.6},
    )
    # A score that equals the threshold is not above it, and a_rec has no say.
    assert (first.decision, second.decision) == ("normal", "anomaly")
    # One of three held-out scores is as high as 0.5, none as high as 0.6: (1 + k) / (3 + 1).
    assert (first.p_value, second.p_value) == (0.5, 0.25)
    np.testing.assert_array_equal(second.tile, TILES[1])
    assert first.reconstruction is first.error_map is first.rotation_probabilities is None


def test_no_p_value_without_held_out_images():
    assert cards(SCORES, held_out=False)[0].p_value is None


def test_tile_reconstruction_and_error_map_lie_on_one_another():
    outputs = {
        **SCORES,
        "reconstruction": np.full([2, 32, 32, 1], 0.5, np.float32),
        "squared_error": np.full([2, 32, 32, 1], 0.75, np.float32),
        "rotation_probabilities": np.array([[0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1]]),
    }
    first, _ = cards(outputs)
    # Enlarged four times, as the networks see it.
    np.testing.assert_array_equal(first.tile, TILES[0].repeat(4, axis=0).repeat(4, axis=1))
    assert first.reconstruction.dtype == np.uint8 and (first.reconstruction == 128).all()
    # Smoothing leaves a constant error alone; it is three times the scale.
    np.testing.assert_allclose(first.error_map, 3.0, rtol=1e-5)
    np.testing.assert_array_equal(first.rotation_probabilities, [0.1, 0.2, 0.3, 0.4])


def test_tiles_may_be_floats():
    first, _ = cards(SCORES, tiles=(TILES / 255).astype(np.float32))
    np.testing.assert_array_equal(first.tile, TILES[0])
