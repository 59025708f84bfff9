"""The outline of what is above a level in an anomaly map, as SVG path data."""

import numpy as np


def contour(anomaly_map: np.ndarray, level: float = 1.0) -> str:
    """The edges between pixels above the level and others: float `[h, w]` -> path data in pixels,
    (0, 0) the upper left corner; empty if none is above.

    Edges that follow one another in a row or a column are one line.
    """
    above = np.pad(np.asarray(anomaly_map) > level, 1)
    if not above.any():
        return ""
    return _lines(above, "M{1} {0}h{2}") + _lines(above.T, "M{0} {1}v{2}")


def _lines(above: np.ndarray, line: str) -> str:
    """The lines along the rows; `line` is formatted with row, start and length."""
    edges = (above[1:] != above[:-1])[:, 1:-1]
    change = np.diff(edges.astype(np.int8), axis=1, prepend=0, append=0)
    rows, starts = np.nonzero(change > 0)
    _, stops = np.nonzero(change < 0)
    return "".join(
        line.format(row, start, stop - start) for row, start, stop in zip(rows, starts, stops)
    )
