"""Figure 5.1 a, b, c: average precision in the ten configurations of MNIST.

    python -m thesis.run --grid=table_5_1 --dataset=mnist
    python -m thesis.figures.figure_5_1 --scale=full

Drawing takes 3 seconds.
"""

from absl import app

from thesis.figures import bars, drawing


def draw(stored):
    return bars.draw(stored, "mnist", "5.1")


if __name__ == "__main__":
    drawing.define_flags()
    app.run(lambda argv: drawing.main(draw))
