"""Files of masks to defective pixels. A mask is not a photograph: what counts is what is stored,
whatever its bit depth or colours.
"""

import pathlib

import numpy as np
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, opened

# A mask has a few values, one or one per kind of defect; more are soft edges or a lossy format.
_MOST_VALUES = 8


def decode_mask(data: bytes) -> tuple[np.ndarray, str]:
    """The defective pixels of a mask file, bool `[H, W]`, and a remark, or an empty string.

    A pixel is defective if its stored value is not zero: of grey any number of bits, of colour any
    channel; of a palette the index, or the colour if black is among them. Where there is opacity
    and the visible pixels have one colour, the opaque ones are defective. In a lossy format, values
    above half of the largest count.

    Raises:
        UnreadableImage: it cannot be read, or marks no pixel, all of them, or seems inverted.
    """
    with opened(data) as image:
        values = _values(image)
    lossy = data.startswith((b"\xff\xd8", b"RIFF"))
    distinct = len(np.unique(values))
    soft = distinct > _MOST_VALUES
    mask = values > (values.max() / 2 if soft and lossy else 0)
    share = mask.mean()
    if not mask.any():
        raise UnreadableImage("a mask without a defective pixel, of a bad image: all are 0")
    if mask.all():
        raise UnreadableImage("a mask with every pixel defective: expected 0 where all is good")
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if share > 0.5 and border.all():
        raise UnreadableImage(
            f"a mask of {share:.0%} of the image, its border included: it seems inverted; expected"
            " 0 where all is good"
        )
    remark = ""
    if soft:
        counted = "those above half of the largest count" if lossy else "all but 0 count"
        remark = f"{distinct} different values, as of soft edges or a lossy format: {counted}"
    return mask, remark


def looks_like_a_mask(path: pathlib.Path) -> bool:
    """Whether a file has so few different values as only masks have."""
    try:
        with opened(path.read_bytes()) as image:
            return len(np.unique(_values(image))) <= _MOST_VALUES
    # Why it cannot be read is reported when it is read as an image.
    except (OSError, UnreadableImage):
        return False


def _values(image: Image.Image) -> np.ndarray:
    """`[H, W]`, 0 where a mask file marks nothing."""
    if image.mode in ("P", "PA"):
        return _palette_values(image)
    if image.mode in ("RGBA", "LA", "La", "RGBa"):
        return _with_alpha(np.asarray(image))
    if image.mode == "CMYK":
        image = image.convert("RGB")
    values = np.asarray(image)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise UnreadableImage("a mask with values that are not numbers")
    values = np.abs(values) if values.dtype.kind in "if" else values
    return values.max(axis=2) if values.ndim == 3 else values


def _palette_values(image: Image.Image) -> np.ndarray:
    index = np.asarray(image if image.mode == "P" else image.getchannel(0))
    if image.mode == "P" and "transparency" in image.info:
        with_alpha = np.asarray(image.convert("RGBA"))
        if np.ptp(with_alpha[..., 3]):
            return _with_alpha(with_alpha)
    colours = np.asarray(image.convert("RGB"))
    # Where black is used it is the ground, whatever its index.
    return colours.max(axis=2) if (colours == 0).all(axis=2).any() else index


def _with_alpha(pixels: np.ndarray) -> np.ndarray:
    """`[H, W, C + 1]`, opacity last."""
    colours, alpha = pixels[..., :-1], pixels[..., -1]
    value = colours.max(axis=2)
    if not np.ptp(alpha):
        return value
    visible = colours[alpha > 0]
    # One colour with holes: the shape is in the opacity alone.
    return alpha if (visible == visible[0]).all() else np.where(alpha > 0, value, 0)
