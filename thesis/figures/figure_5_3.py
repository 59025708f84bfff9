"""Figure 5.3 a, b, c: average precision in the ten configurations of CIFAR-10.

    python -m thesis.run --grid=table_5_1 --dataset=cifar10
    python -m thesis.figures.figure_5_3 --scale=full

Drawing takes 3 seconds.
"""

from absl import app

from thesis.figures import bars, drawing


def draw(stored):
    return bars.draw(stored, "cifar10", "5.3")


if __name__ == "__main__":
    drawing.define_flags()
    app.run(lambda argv: drawing.main(draw))
