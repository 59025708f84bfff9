"""Figure 5.2 a, b, c: average precision in the ten configurations of Fashion-MNIST.

    python -m thesis.run --grid=table_5_1 --dataset=fashion_mnist
    python -m thesis.figures.figure_5_2 --scale=full

Drawing takes 3 seconds.
"""

import functools

from thesis.figures import bars, drawing

draw = functools.partial(bars.draw, dataset="fashion_mnist", number="5.2")

if __name__ == "__main__":
    drawing.main(draw, __doc__)
