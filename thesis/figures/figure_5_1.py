"""Figure 5.1 a, b, c: average precision in the ten configurations of MNIST.

    python -m thesis.run --grid=table_5_1 --dataset=mnist
    python -m thesis.figures.figure_5_1 --scale=full

Drawing takes 3 seconds.
"""

import functools

from thesis.figures import bars, drawing

draw = functools.partial(bars.draw, dataset="mnist", number="5.1")

if __name__ == "__main__":
    drawing.main(draw, __doc__)
