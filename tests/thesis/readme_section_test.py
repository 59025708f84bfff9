import json

import pytest
from conftest import ROOT
from stored_results import SCORES

from thesis import readme
from thesis.grids import GRIDS, Run, Scale

README = (ROOT / "README.md").read_text()


def test_the_readme_holds_what_the_stored_results_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert readme.replaced(README, readme.section("results")) == README


def test_it_says_all_of_a_scale(one_seed):
    text = readme.section(one_seed.root)
    assert "### Table 5.1, all normals, full length (full scale)" in text
    assert (
        "118 runs (seed 0), 1 h 58 min summed over them" in text
        and "revision 0123456, TensorFlow 2.21.0" in text
    )
    assert (
        "`python -m thesis.run --grid=table_5_1 --seed=0` trains those that are not there" in text
    )
    assert "smaller scale" not in text
    assert "| OURS A<sub>ws</sub> | " in text and "Incomplete: 118 of the grid's 360 runs" in text
    assert "* `ganomaly`, GANomaly (MNIST, Fashion-MNIST, CIFAR-10): epochs 5" in text
    assert (
        "A<sub>ws</sub> (MNIST, Fashion-MNIST, CIFAR-10): epochs 5, max_train_images 0, batch_size"
        " 64, learning_rate 0.0001" in text
    )
    assert "* MNIST, OURS A<sub>ws</sub>: " in text and "JPEG" in text


def test_its_command_goes_on_with_what_was_begun(store):
    store.add(Run("mnist", 2, "ssae", 0), 0.5, scale=Scale(rotations="sampled"))
    text = readme.section(store.root)
    assert "### Table 5.1, all normals, full length, sampled rotations" in text
    assert (
        "run --grid=table_5_1 --rotations=sampled --dataset=mnist --anomaly=2 --detector=ssae"
        " --seed=0` trains those" in text
    )
    assert (
        "1 runs (configuration 2; seed 0)" in text
        and "Without `--dataset`, `--anomaly`, `--detector`, `--seed` it goes" in text
    )


def test_what_a_grid_varies_is_among_its_settings(store):
    for run in GRIDS["figure_5_4"].select(anomalies=[2]):
        store.add(run, 0.5, grid="figure_5_4", scale=Scale(epochs=5))
    text = readme.section(store.root)
    assert "lambda_e 0.1 or 0.5 or 1 or 2, w_rec 1 or 10 or 100 or 1000" in text
    (autoencoder,) = [line for line in text.splitlines() if line.startswith("* `autoencoder`")]
    assert "epochs 5" in autoencoder and "lambda_e" not in autoencoder


def test_single_runs_are_those_beside_the_grids(store):
    store.add(Run("mnist", 2, "ssae", 0), 0.5)
    folder = store.root / "mnist-2"
    folder.mkdir()
    scores = {
        name: {"average_precision": value}
        for name, value in zip(SCORES["ssae"], (0.1, 0.2, 0.3, 0.4))
    }
    (folder / "metrics.json").write_text(
        json.dumps({"scores": scores, "share": 0.357, "training_seconds": 600})
    )
    environment = {
        "command": "python train.py",
        "git_revision": "0123456789",
        "versions": {"tensorflow": "2.21.0"},
    }
    (folder / "environment.json").write_text(json.dumps(environment))
    text = readme.section(store.root)
    titles = next(
        line
        for line in text.splitlines()
        if line.startswith("| | OURS A<sub>rec</sub> | OURS A<sub>cls</sub> |")
    )
    row = next(line for line in text.splitlines() if line.startswith("| `mnist-2` |"))
    by_title = dict(zip(titles.split(" | "), row.split(" | ")))
    assert (
        by_title["OURS A<sub>ws</sub>"] == "0.3000" and by_title["OURS A<sub>max</sub>"] == "0.4000"
    )
    assert (
        "* `mnist-2`: `python train.py`; revision 0123456, TensorFlow 2.21.0; 10 min of training."
        in text
    )


def test_without_results_it_says_so(tmp_path):
    assert (
        readme.section(tmp_path)
        == "Nothing has been run yet: `python -m thesis.run --grid=table_5_1`."
    )


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="It has no line '<!-- written by"):
        readme.replaced("# A README", "text")
