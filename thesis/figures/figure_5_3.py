"""Figure 5.3 a, b, c: average precision in the ten configurations of CIFAR-10.

    python -m thesis.run --grid=table_5_1 --dataset=cifar10
    python -m thesis.figures.figure_5_3 --scale=full

Drawing takes 3 seconds.
"""

import functools

from thesis.figures import bars, drawing

draw = functools.partial(bars.draw, dataset="cifar10", number="5.3")

if __name__ == "__main__":
    drawing.main(draw, __doc__)
