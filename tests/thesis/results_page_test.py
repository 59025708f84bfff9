import json
import re

from conftest import ROOT
from stored_results import SCORES

from thesis import results_page
from thesis.grids import GRIDS, Run, Scale


def test_the_committed_page_is_what_the_stored_results_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert results_page.page("results") == results_page.OUTPUT.read_text(encoding="utf-8")


def test_its_prose_is_wrapped_and_its_links_lead_somewhere():
    path = ROOT / results_page.OUTPUT
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|^\|.*?$|\[.*?\]\(.*?\)", "", text, flags=re.S | re.M)
    assert max(map(len, prose.splitlines())) <= 100 and "\n\n\n" not in text
    links = re.findall(r"\]\((.*?)\)", text)
    assert len(links) > 20
    assert all((path.parent / link).is_file() for link in links if link.startswith("../"))


def test_it_says_all_of_a_scale(one_seed):
    text = results_page.page(one_seed.root)
    assert "## Table 5.1: all normals, full length (full scale)" in text
    said = " ".join(text.split())
    assert "148 runs (seed 0), 2 h 28 min summed over them" in said
    assert "revision 0123456, TensorFlow 2.21.0" in said
    assert "\npython -m thesis.run --grid=table_5_1 --seed=0\n" in text
    assert "smaller scale" not in text
    assert "| OURS A<sub>ws</sub> " in text and "Incomplete: 148 of the grid's 450 runs" in text
    settings = {
        cells[1].strip(): cells[2:6] for cells in map(split, text.splitlines()) if cells[5:]
    }
    assert [cell.strip() for cell in settings["learning_rate"]] == ["0.0001"] * 4
    assert [cell.strip() for cell in settings["epochs"]] == ["5"] * 4
    assert "* MNIST, OURS A<sub>ws</sub>: " in text and "JPEG" in text


def split(row):
    return row.split("|")


def test_its_command_trains_the_runs_that_are_missing(store):
    store.add(Run("mnist", 2, "ssae", 0), 0.5, scale=Scale(rotations="sampled"))
    text = results_page.page(store.root)
    assert "## Table 5.1: all normals, full length, sampled rotations" in text
    assert (
        "run --grid=table_5_1 --rotations=sampled --dataset=mnist --anomaly=2 --detector=ssae"
        " --seed=0\n" in text
    )
    said = " ".join(text.split())
    assert "1 run (configuration 2; seed 0)" in said
    assert "(without `--dataset`, `--anomaly`, `--detector`, `--seed`: all of the grid)" in said


def test_what_a_grid_varies_is_among_its_settings(store):
    for run in GRIDS["figure_5_4"].select(anomaly=[2]):
        store.add(run, 0.5, grid="figure_5_4", scale=Scale(epochs=5))
    rows = [
        [cell.strip() for cell in split(row)] for row in results_page.page(store.root).splitlines()
    ]
    (titles,) = [row[1:-1] for row in rows if "`autoencoder`" in row]
    settings = {row[1]: row[1:-1] for row in rows if len(row) == len(titles) + 2}
    assert titles == ["", "`autoencoder`", "`rotation`", "`ssae`"]
    assert settings["lambda_e"][1:] == ["–", "0.1, 0.5, 1, 2", "0.1, 0.5, 1, 2"]
    assert settings["w_rec"][1:] == ["–", "–", "1, 10, 100, 1000"]
    assert settings["epochs"][1:] == ["5", "5", "5"]


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
    text = results_page.page(store.root)
    titles = next(
        row for row in text.splitlines() if "OURS A<sub>rec</sub> |" in row and "chance" in row
    )
    row = next(row for row in text.splitlines() if row.startswith("| `mnist-2` "))
    names, values = ([cell.strip() for cell in split(line)] for line in (titles, row))
    by_title = dict(zip(names, values))
    assert by_title["OURS A<sub>ws</sub>"] == "0.3000"
    assert by_title["OURS A<sub>max</sub>"] == "0.4000" and by_title["chance"] == "0.3570"
    assert (
        "* `mnist-2`: `python train.py`; revision 0123456, TensorFlow 2.21.0; 10 min of training."
        in text
    )


def test_without_results_it_says_so(tmp_path):
    text = results_page.page(tmp_path)
    assert "Nothing has been run yet: `python -m thesis.run --grid=table_5_1`." in text
    assert "## Table 5.1" not in text and "## What differs from the thesis" in text
