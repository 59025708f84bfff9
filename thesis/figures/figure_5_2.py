"""Figure 5.2 a, b, c: average precision in the ten configurations of Fashion-MNIST.

    python -m thesis.run --grid=table_5_1 --dataset=fashion_mnist
    python -m thesis.figures.figure_5_2 --scale=full

Drawing takes 3 seconds.
"""

from absl import app

from thesis.figures import bars, drawing


def draw(stored):
    return bars.draw(stored, "fashion_mnist", "5.2")


if __name__ == "__main__":
    drawing.define_flags()
    app.run(lambda argv: drawing.main(draw))
