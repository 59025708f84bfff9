"""From values to the coordinates of a chart: scales, SVG path data, and ticks at round numbers."""

from collections.abc import Callable, Iterable

import numpy as np

_POINTS = 300

Scale = Callable[[float], str]


def scale(start: float, end: float, length: int) -> Scale:
    """From a value to its coordinate: `start` lies at 0, `end` at `length`."""
    return lambda value: f"{(value - start) / (end - start) * length:z.1f}".removesuffix(".0")


def labelled(scale: Scale, values: Iterable[float]) -> list[tuple[str, str]]:
    """Coordinates of values, and what to write there."""
    return [(scale(value), number(value)) for value in values]


def line(x: Scale, y: Scale, xs: np.ndarray, ys: np.ndarray) -> str:
    """Straight from point to point: `xs` and `ys`, `[n]`, `->` SVG path data."""
    return "M" + "L".join(f"{x(a)} {y(b)}" for a, b in zip(xs, ys, strict=True))


def steps(x: Scale, y: Scale, xs: np.ndarray, ys: np.ndarray) -> str:
    """From each point sideways to the next one's x, then up or down."""
    return f"M{x(xs[0])} {y(ys[0])}" + "".join(
        f"H{x(a)}V{y(b)}" for a, b in zip(xs[1:], ys[1:], strict=True)
    )


def stairs(x: Scale, y: Scale, edges: np.ndarray, heights: np.ndarray) -> str:
    """Up or down to each height, then sideways to the edge that ends it."""
    return "".join(f"V{y(height)}H{x(edge)}" for edge, height in zip(edges, heights, strict=True))


def widened(low: float, high: float) -> tuple[float, float]:
    """A range that is no point."""
    margin = 0 if high > low else 0.5 * abs(low) or 0.5
    return float(low - margin), float(high + margin)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most _POINTS points of a curve, both ends among them, evenly along its length."""
    if len(x) <= _POINTS:
        return x, y
    way = np.concatenate(
        [[0.0], np.cumsum(np.hypot(np.diff(x) / np.ptp(x), np.diff(y) / (np.ptp(y) or 1.0)))]
    )
    chosen = np.unique(np.searchsorted(way, np.linspace(0, way[-1], _POINTS)))
    return x[chosen], y[chosen]


def number(value: float) -> str:
    """A number in few characters."""
    return f"{value:,.0f}" if 1000 <= abs(value) < np.inf else f"{value:z.4g}"


def ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """The multiples, within [low, high], of the finest step that gives at most six: 1, 2, 2.5 or 5
    times a power of ten, with `whole` a whole number. `[low]` if the range is a point.
    """
    if high == low:
        return [low]
    power = 10.0 ** np.floor(np.log10((high - low) / 6))
    for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power):
        multiples = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
        if len(multiples) <= 6 and not (whole and step % 1):
            break
    return [step * multiple for multiple in multiples.tolist()]
