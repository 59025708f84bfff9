"""Files of masks, as tools write them: every one marks the same block."""

import io

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data.decode import UnreadableImage
from tf_ssae.data.mask_pixels import decode_mask

BLOCK = np.zeros((24, 32), bool)
BLOCK[8:16, 8:24] = True


def encoded(image, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def grey(inside, dtype=np.uint8, outside=0):
    return Image.fromarray(np.where(BLOCK, inside, outside).astype(dtype))


def colour(inside, outside, mode):
    values = np.where(BLOCK[..., None], inside, outside).astype(np.uint8)
    return Image.fromarray(values, mode)


def palette(*colours, index=BLOCK):
    image = Image.fromarray(index.astype(np.uint8), "P")
    image.putpalette([value for one in colours for value in one])
    return image


GOOD_ONES = {
    "8 bits": encoded(grey(255)),
    "one": encoded(grey(1)),
    "1 bit": encoded(Image.fromarray(BLOCK)),
    "16 bits": encoded(grey(1, np.uint16)),
    "16 bits, large": encoded(grey(65535, np.uint16)),
    "32 bits": encoded(grey(7, np.int32), "TIFF"),
    "float": encoded(grey(0.5, np.float32), "TIFF"),
    "bmp": encoded(grey(255), "BMP"),
    "blue": encoded(colour([0, 0, 9], [0, 0, 0], "RGB")),
    "alpha alone": encoded(colour([0, 0, 0, 255], [0, 0, 0, 0], "RGBA")),
    "red on clear white": encoded(colour([255, 0, 0, 255], [255, 255, 255, 0], "RGBA")),
    "black on clear white": encoded(colour([0, 0, 0, 255], [255, 255, 255, 0], "RGBA")),
    "opaque": encoded(colour([255, 0, 0, 255], [0, 0, 0, 255], "RGBA")),
    "grey and alpha": encoded(colour([200, 255], [0, 255], "LA")),
    "palette": encoded(palette([0, 0, 0], [128, 0, 0])),
    "white ground": encoded(palette([255, 255, 255], [255, 0, 0])),
    "black is not first": encoded(palette([255, 0, 0], [0, 0, 0], index=~BLOCK)),
    "two colours, black": encoded(palette([9, 9, 9], [0, 0, 0])),
}


@pytest.mark.parametrize("kind", [kind for kind in GOOD_ONES if "two colours" not in kind])
def test_the_stored_values_mark_the_defect(kind):
    mask, remark = decode_mask(GOOD_ONES[kind])
    np.testing.assert_array_equal(mask, BLOCK)
    assert remark == ""


@pytest.mark.parametrize(
    "image, reason",
    [
        (grey(0), "all are 0"),
        (grey(9, outside=9), "every pixel defective"),
        (grey(0, outside=255), "83% of the image, its border included: it seems inverted"),
        (palette([9, 9, 9], [0, 0, 0]), "it seems inverted"),
    ],
)
def test_what_marks_nothing_or_too_much_is_refused(image, reason):
    with pytest.raises(UnreadableImage, match=reason):
        decode_mask(encoded(image))


def test_soft_edges_are_said_and_a_lossy_format_does_not_add_to_the_defect():
    soft = np.asarray(grey(255).resize((64, 48), Image.Resampling.BICUBIC))
    mask, remark = decode_mask(encoded(Image.fromarray(soft)))
    assert remark.endswith("as of soft edges or a lossy format: all but 0 count")
    np.testing.assert_array_equal(mask, soft > 0)
    # Not along the blocks of JPEG, which would keep it exact.
    moved = np.roll(BLOCK, (3, 3), (0, 1))
    image = Image.fromarray(255 * moved.astype(np.uint8))
    mask, remark = decode_mask(encoded(image, "JPEG", quality=60))
    assert "those above half of the largest count" in remark
    assert (mask != moved).mean() < 0.02
