"""Tables of speeds, beside those of others, in the same precision and in any."""

import json
import platform

import numpy as np

PRECISIONS = ("float32", "bfloat16")
PRODUCT = "matrix product"
MATRIX = 2048

# Of the times of a matrix product within a run, 10% to 90%, relative to their median: above it the
# machine did other work, and ratios would say more of that than of what is compared.
MOST_SPREAD = 0.15


def spread(values):
    """Of times, `[rounds]`: see `MOST_SPREAD`."""
    low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
    return (high - low) / median


def matrix_products():
    """Alternatives, one for each precision, by which the others are judged."""
    return {
        f"{PRODUCT}, {precision}": lambda precision=precision: _matrix_product(precision)
        for precision in PRECISIONS
    }


def _matrix_product(precision):
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal([MATRIX, MATRIX], seed=[0, 0]), precision)
    product = tf.function(lambda a: tf.reduce_max(a @ a))
    return lambda: product(matrix).numpy()


def report(title, seconds, images, flops):
    """Prints a table of the alternatives, and a line of JSON.

    Args:
        seconds: `{name: [rounds]}`, per call; names end in the precision. Those of the
            `matrix_products` are among them. Ours begin with "tf_ssae".
        images: per call.
        flops: of an image; the limit is how many of them the matrix product's speed allows. None:
            unknown.
    """
    seconds = dict(seconds)
    products = {p: seconds.pop(f"{PRODUCT}, {p}") for p in PRECISIONS}
    gflops = {p: 2 * MATRIX**3 / np.median(values) / 1e9 for p, values in products.items()}
    spreads = {p: spread(values) for p, values in products.items()}
    disturbed = max(spreads.values()) > MOST_SPREAD
    speeds = {name: images / values for name, values in seconds.items()}
    medians = {name: np.median(values) for name, values in speeds.items()}
    others = [name for name in speeds if not name.startswith("tf_ssae")]
    best = {
        p: max((name for name in others if name.endswith(p)), key=medians.get, default=None)
        for p in PRECISIONS
    }
    best_of_all = max(others, key=medians.get, default=None)

    print(title)
    for precision in PRECISIONS:
        print(
            f"Matrix product in {precision}: {gflops[precision]:.0f} GFLOP/s, 10% to 90% of its"
            f" times within {spreads[precision]:.0%} of their median."
        )
    print(
        f"{'':38}{'images/s':>10}{'10% to 90%':>16}{'of the limit':>14}"
        f"{'best of others, same':>22}{'any precision':>15}"
    )
    rows = {}
    for name, values in speeds.items():
        low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
        precision = next(p for p in PRECISIONS if name.endswith(p))
        share = f"{median * flops / gflops[precision] / 1e9:.0%}" if flops else ""
        # Within rounds: what slowed one of them down slowed the other.
        ratios = [
            None if disturbed or other is None else float(np.median(values / speeds[other]))
            for other in (best[precision], best_of_all)
        ]
        same, of_all = ("" if ratio is None else f"{ratio:.2f}" for ratio in ratios)
        print(
            f"{name:38}{median:10.0f}{f'{low:.0f} to {high:.0f}':>16}{share:>14}{same:>22}"
            f"{of_all:>15}"
        )
        rows[name] = {
            "images_per_second": round(median, 1),
            "p10": round(low, 1),
            "p90": round(high, 1),
            "to_best_of_others_in_its_precision": ratios[0],
            "to_best_of_others": ratios[1],
        }
    if disturbed:
        print(
            "No ratios: the machine did other work, since the times of one matrix product spread by"
            f" {max(spreads.values()):.0%} of their median; the bound is {MOST_SPREAD:.0%}."
        )
    print(
        json.dumps(
            {
                "title": title,
                "matrix_product_gflops": {p: round(value, 1) for p, value in gflops.items()},
                "matrix_product_spread": {p: round(value, 3) for p, value in spreads.items()},
                "machine": platform.machine(),
                "rows": rows,
            }
        )
    )
