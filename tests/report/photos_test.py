"""Photos as an inspector sees them."""

import numpy as np

from tf_ssae.calibration import Calibration, Description
from tf_ssae.report import photos
from tf_ssae.report.content import Photo


def test_a_page_asks_for_no_more_photos_once_their_tiles_are_many(monkeypatch):
    monkeypatch.setattr(photos, "_TILES", 10)
    asked, explained = [], 0

    def suspects():
        for i in range(6):
            asked.append(i)
            photo = Photo(name=f"{i}.png", score=1.0)
            yield photo, np.zeros([4, 8, 8, 1], np.uint8), lambda: np.full([8, 24, 1], 7, np.uint8)

    def explain(tiles):
        nonlocal explained
        explained += len(tiles)
        return {"a": np.zeros(len(tiles))}

    calibration = Calibration.fit(
        {"a": np.arange(9.0)}, 0.1, deciding_score="a", parts=("a",), reason="", held_out=True,
        rotation_accuracy=None,
    )  # fmt: skip
    description = Description((8, 8, 1), "tiles", calibration, 16)
    made = list(photos.pictured(suspects(), explain, description))
    assert asked == [0, 1, 2] and explained == 12
    assert [photo.name for photo in made] == ["0.png", "1.png", "2.png"]
    assert all(photo.picture.shape == (8, 24, 1) for photo in made)
