"""Every figure is drawn, says what it lacks, and is the same file again."""

import importlib

import pytest
from PIL import Image

from thesis.figures import drawing, figure_1_1, figure_5_1, figure_5_4, figure_5_5
from thesis.grids import GRIDS, Run


def words(figure):
    """All that a figure says outside its axes."""
    return " ".join(text.get_text() for text in (figure._suptitle, figure._supxlabel)).replace(
        "\n", " "
    )


@pytest.mark.parametrize(
    "name, lacks",
    [
        ("figure_1_1", ""),
        ("figure_5_1", ""),
        ("figure_5_2", "No result: OURS in configuration 3."),
        ("figure_5_3", "OURS in configuration 8."),
        ("figure_5_5", ""),
    ],
)
def test_from_one_seed(one_seed, name, lacks):
    module = importlib.import_module(f"thesis.figures.{name}")
    figures = module.draw(one_seed.load())
    expected = {
        "figure_1_1": [
            "figure_1_1",
            "figure_1_1_classes",
            "figure_1_1_ae",
            "figure_1_1_ae_classes",
        ],
        "figure_5_5": ["figure_5_5"],
    }.get(name, [f"{name}{panel}" for panel in "abc"])
    assert list(figures) == expected
    for figure in figures.values():
        assert words(figure).startswith(
            f"Figure {name[7:].replace('_', '.')}"
        ) and "All normals, full length." in words(figure)
        assert ("No result" in words(figure)) == bool(lacks) or "AE" in words(figure)
    assert lacks in words(figures[expected[0]])
    assert f"python -m {module.__name__} " in module.__doc__


def test_deviation_over_seeds(store):
    for seed in (0, 1):
        store.add(Run("mnist", 2, "ssae", seed), 0.5 + 0.1 * seed)
    figures = figure_5_1.draw(store.load())
    assert (
        "Mean and standard deviation over the stored seeds, up to 2. No result: AE, Rotation and A*"
        " in any configuration;" in words(figures["figure_5_1c"])
    )


def test_figure_1_1_has_a_row_for_each_configuration_there_is(store):
    for anomaly in (2, 7):
        store.add(Run("mnist", anomaly, "ssae", 0), 0.5)
    figure = figure_1_1.draw(store.load())["figure_1_1"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["2", "7"]
    assert "No result: OURS in configuration 0, 1, 3, 4, 5, 6, 8, 9." in words(figure)


def test_figure_5_4_rests_on_whole_configurations(store):
    runs = GRIDS["figure_5_4"].runs
    store.add(runs[0], 0.5, grid="figure_5_4")
    assert "No result of 20 of the 21 settings." in words(
        figure_5_4.draw(store.load("figure_5_4"))["figure_5_4"]
    )
    for run in runs[1:30]:
        store.add(run, 0.6, grid="figure_5_4")
    said = words(figure_5_4.draw(store.load("figure_5_4"))["figure_5_4"])
    assert (
        "mean over 1 of 10 configurations" in said
        and "Configuration 2, one seed. Left out" in said
        and "6." in said
    )


def test_without_results_the_command_is_named(store):
    store.add(Run("cifar10", 2, "ssae", 0), 0.5)
    for module in (figure_1_1, figure_5_1, figure_5_5):
        with pytest.raises(
            ValueError,
            match="To train: python -m thesis.run --grid=table_5_1 --dataset=mnist",
        ):
            module.draw(store.load())


def test_saved_files_are_whole_and_the_same_again(one_seed, tmp_path):
    for folder in ("first", "second"):
        drawing.save(
            figure_5_5.draw(one_seed.load())["figure_5_5"], tmp_path / folder, "figure_5_5"
        )
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == [
        "figure_5_5.png",
        "figure_5_5.svg",
    ]
    assert Image.open(tmp_path / "first" / "figure_5_5.png").size == (1350, 1350)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
