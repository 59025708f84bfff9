"""What a program does before and after a `.tflite` or OpenVINO file, which takes tiles and gives
the scores of tiles, so that it decides as this package does. `examples/edge` does it.
"""

from typing import Any

from tf_ssae.calibration import Description
from tf_ssae.export.image_files import LUMA, WHOLE
from tf_ssae.ops import tiles


def preparation(description: Description) -> dict[str, Any]:
    """From an image file to the tiles of `input`, and from their scores to a decision, in order;
    JSON values: numbers where a program needs them, else sentences.
    """
    size, _, channels = description.image_shape
    return {
        "orientation": "turned upright, as the EXIF orientation says",
        "alpha": "dropped",
        "bits": "8; of 16-bit grey the upper 8; a palette becomes RGB",
        "channels": channels,
        "grey": {"weights_of_rgb": list(LUMA), "add": WHOLE // 2, "divide_by": WHOLE}
        if channels == 1
        else "repeated as red, green and blue",
        "tiles": {
            "crop": description.crop,
            "tile_size": description.tile_size,
            "overlap": tiles.OVERLAP if description.tile_size else 0,
            "side": "the image's shorter side, or tile_size if that is above 0 and smaller",
            "least_overlap": "side // overlap; 0 if overlap is 0",
            "count": "per axis ceil((length - least_overlap) / (side - least_overlap)); for crop"
            " centre one, which starts at (length - side) // 2",
            "start": "of the i-th of n: ceil(i * (length - side) / (n - 1)) if 2 * i < n, else the"
            " mirror image, length - side less the start of the (n - 1 - i)-th",
        },
        "resize": {
            "size": size,
            "filter": "triangle (bilinear), as wide as the tile is shrunk: antialiased",
            "centres": "of pixels at half numbers; what is beyond the tile has no weight",
            "rounding": "once, after both axes: to the nearest, halves to even, 0 to 255",
            "if_equal": "a tile of that size is left as it is",
        },
        "values": "0 to 255, rows of pixels of channels, RGB; the file scales them itself",
        "score_of_an_image": "the largest of its tiles, each score by itself",
        "anomaly": "the calibration's deciding_score is above its threshold, not equal to it",
        "review": "if there is a review_threshold: no anomaly, but above that",
    }
