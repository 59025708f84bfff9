"""Whether OURS is better than each other system: differences paired by configuration and split.

    python -m thesis.significance --scale=full

Both systems of a pair saw the same images, with the same seed. Differences are averaged over the
seeds of a configuration, then over configurations. The 95% interval is the expanded percentile
bootstrap interval over configurations, of 10,000 draws with replacement: T. Hesterberg, What
Teachers Should Know About the Bootstrap, The American Statistician 69 (2015). Plain percentiles are
too narrow for few values: of normal noise, 10% of those of ten configurations and 17% of those of
five leave out 0; of these, 5% and 8%.
"""

import dataclasses

import numpy as np
from absl import app
from scipy import stats

from thesis import reading
from thesis.systems import BY_NAME, OTHERS, OURS
from thesis.thesis import DATASET_NAMES

_DRAWS = 10_000
_CONFIDENCE = 0.95
# All draws from values of one sign have that sign, and of four values of noise one in eight is of
# one sign.
_FEWEST = 5
_WORDS = {
    "better": "better than",
    "worse": "worse than",
    "undecided": "undecided against",
    "untested": "too few configurations to compare with",
}
COMPARED = ("OURS A_ws", "OURS A_max")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A mean difference over configurations.

    Attributes:
        configurations: how many it rests on.
        low, high: of the 95% interval; None with fewer than five configurations.
    """

    difference: float
    low: float | None
    high: float | None
    configurations: int

    @property
    def verdict(self):
        """`better` or `worse`; `undecided` where the interval holds 0; `untested` where there is
        none.
        """
        if self.low is None:
            return "untested"
        if self.low <= 0 <= self.high:
            return "undecided"
        return "better" if self.low > 0 else "worse"


def compare(ours, other):
    """The Comparison of `{(anomaly, seed): value}` with another such dict, over the keys of both;
    None if they share none.
    """
    return mean_with_interval({key: ours[key] - other[key] for key in ours.keys() & other.keys()})


def mean_with_interval(values):
    """The Comparison of the mean of `{(anomaly, seed): value}` with 0; None of no values."""
    if not values:
        return None
    by_configuration = np.array([np.mean(found) for found in of_configurations(values).values()])
    mean = float(by_configuration.mean())
    if len(by_configuration) < _FEWEST:
        return Comparison(mean, None, None, len(by_configuration))
    tail = _expanded_tail(len(by_configuration))
    low, high = np.quantile(bootstrap_means(by_configuration), [tail, 1 - tail])
    return Comparison(mean, float(low), float(high), len(by_configuration))


def _expanded_tail(count):
    """The share of the draws that lies below the interval: 0.025 for many values, less for few.

    So widened, the interval of normal values is about Student's: the bootstrap takes its width from
    the deviation with divisor n instead of n - 1, and the normal distribution in place of Student's
    t.
    """
    widened = np.sqrt(count / (count - 1)) * stats.t.ppf((1 - _CONFIDENCE) / 2, count - 1)
    return float(stats.norm.cdf(widened))


def of_configurations(values):
    """`{(anomaly, seed): value} -> {anomaly: [value of each seed]}`, in the order of both."""
    found = {}
    for anomaly, seed in sorted(values):
        found.setdefault(anomaly, []).append(values[anomaly, seed])
    return found


def bootstrap_means(values, draws=_DRAWS):
    """The means of `draws` samples of `[n]` values with replacement, n each: `[draws]`. The same
    values give the same means.
    """
    chosen = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    # Rounding must not set apart the means of equal values.
    return values[0] + (values - values[0])[chosen].mean(axis=1)


def rows(stored, compared=COMPARED):
    """`(dataset, our system, other system, Comparison)` of every pair of which there is something
    to compare.
    """
    return [
        (dataset, ours, other, comparison)
        for dataset in stored.datasets
        for ours in (BY_NAME[name] for name in compared)
        for other in OTHERS
        if (comparison := compare(*(stored.of_system(system, dataset) for system in (ours, other))))
    ]


def markdown(stored):
    """A table in Markdown: a row for each other system, a column for each data set and score of
    ours.
    """
    found = {
        (dataset, ours.name, other.name): comparison
        for dataset, ours, other, comparison in rows(stored)
    }
    columns = list(dict.fromkeys((dataset, ours) for dataset, ours, _ in found))
    lines = [
        "| | "
        + " | ".join(
            f"{DATASET_NAMES[dataset]}, {BY_NAME[ours].markdown}" for dataset, ours in columns
        )
        + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for other in OTHERS:
        cells = [found.get((*column, other.name)) for column in columns]
        if any(cells):
            lines.append(
                f"| {other.markdown} | " + " | ".join(_cell(cell, "**") for cell in cells) + " |"
            )
    return "\n".join(lines)


def sentences(stored):
    """What may be claimed of each data set: whom each score of ours beats, and who beats it, where
    the sign is sure.

    Where it is not, or where that cannot be told, the others are named as well.
    """
    said = {}
    for dataset, ours, other, comparison in rows(stored):
        said.setdefault((dataset, ours), {}).setdefault(comparison.verdict, []).append(
            other.markdown
        )
    return [
        f"{DATASET_NAMES[dataset]}, {ours.markdown}: "
        + "; ".join(
            f"{_WORDS[verdict]} {', '.join(found[verdict])}"
            for verdict in _WORDS
            if verdict in found
        )
        + "."
        for (dataset, ours), found in said.items()
    ]


def text(stored, compared=COMPARED):
    """The same for a terminal, a line a pair."""
    lines = [
        f"Mean difference in average precision at scale {stored.scale.name}, 95% interval over"
        " configurations:"
    ]
    for dataset, ours, other, comparison in rows(stored, compared):
        lines.append(
            f"{DATASET_NAMES[dataset]:14} {ours.name:11} against {other.name:9}"
            f" {_cell(comparison):26} {comparison.verdict}, {comparison.configurations}"
            " configurations"
        )
    return "\n".join(lines)


def _cell(comparison, mark=""):
    """`+0.034 (+0.010, +0.051)`, between marks if its sign is sure."""
    if comparison is None:
        return "–"
    if comparison.low is None:
        return f"{comparison.difference:+.3f} (no interval)"
    mark = mark if comparison.verdict in ("better", "worse") else ""
    return (
        f"{mark}{comparison.difference:+.3f}{mark} ({comparison.low:+.3f}, {comparison.high:+.3f})"
    )


def main(argv):
    del argv
    print(text(reading.load(), [system.name for system in OURS]))


if __name__ == "__main__":
    reading.define_flags()
    app.run(main)
