"""What the report of a real run shows."""

import base64
import io
import re

import numpy as np
from conftest import QUICK, read_page
from PIL import Image

from tf_ssae.data import protocols
from tf_ssae.detectors.registry import preset


def test_report_shows_the_first_test_images_above_their_reconstructions(quick_run, digit_images):
    page = read_page(quick_run / "report.html")
    section = re.search(r"<h2>Reconstructions</h2>(.*?)</section>", page, re.S).group(1)
    assert re.findall("<h3>(.*?)</h3>", section) == ["Normal images", "Anomalies"]
    split = protocols.split(digit_images, preset("digits", **QUICK))
    strips = re.findall(r'src="data:image/png;base64,(.*?)"', section)
    for strip, is_anomaly in zip(strips, (False, True), strict=True):
        drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(strip))))
        expected = split.test.images[split.test.is_anomaly == is_anomaly][:12, ..., 0]
        # Enlarged from 8 pixels to 32, side by side, above a line of two pixels.
        enlarged = np.kron(np.concatenate(list(expected), axis=1), np.ones([4, 4], np.uint8))
        np.testing.assert_array_equal(drawn[:32], enlarged)
        assert drawn.shape == (66, 12 * 32) and drawn[34:].std() > 0
