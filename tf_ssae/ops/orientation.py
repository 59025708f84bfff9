"""An image as its file stores it, from the image as it is to be seen: EXIF's orientation undone."""

import numpy as np


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """A view of `[H, W, ...]` in the order of the file's own pixels.

    `orientation`: of the file's EXIF, 1..8, by which a viewer turns it upright; what is none of
    these leaves it as it is, as viewers do.
    """
    # 5 to 8 exchange rows and columns.
    match orientation:
        case 2:
            return upright[:, ::-1]
        case 3:
            return upright[::-1, ::-1]
        case 4:
            return upright[::-1]
        case 5:
            return upright.swapaxes(0, 1)
        case 6:
            return upright.swapaxes(0, 1)[::-1]
        case 7:
            return upright[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return upright.swapaxes(0, 1)[:, ::-1]
    return upright
