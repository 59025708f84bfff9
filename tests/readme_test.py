"""The README and the manual say what the project does now: their figures are those stored, their
programs run, their links, files and flags exist.
"""

import collections
import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import real_photos
from conftest import ROOT, code, run_python
from PIL import Image

from tf_ssae.config import Config

MANUAL = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *MANUAL, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
README, OWN_IMAGES, SERVING, CONTRIBUTING = (
    (ROOT / path).read_text()
    for path in ("README.md", "docs/own_images.md", "docs/serving.md", "CONTRIBUTING.md")
)
STORED = ROOT / "results" / "readme"


def named(path):
    return path.relative_to(ROOT).as_posix()


# Its form.


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_ci_runs_its_test_command():
    command = code(README, "the test command", "sh").strip()
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_what_a_new_user_runs_first_is_one_line():
    first = re.search(r"```sh\n(.*?)```", README, re.S).group(1)
    install = "python3 -m venv .venv && .venv/bin/pip install -q -e ."
    assert first == f"{install} && .venv/bin/python train.py\n"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert links or page.name in ("glossary.md", "CHANGELOG.md")
    for link in links:
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
            slugs = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
            assert heading in slugs, link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_prose_has_at_most_100_columns(page):
    if page.name == "results.md":
        pytest.skip("a program writes it")
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    long = [line for line in prose.splitlines() if len(line) > 100 and not line.startswith("|")]
    assert not long


def defined_flags():
    """The names of all flags: a run's settings, and what the programs define."""
    defined = {field.name for field in dataclasses.fields(Config)} | {"help"}
    for folder in (".", "tf_ssae", "thesis", "benchmarks", "examples"):
        for source in (ROOT / folder).glob("*.py" if folder == "." else "**/*.py"):
            text = source.read_text()
            defined |= set(re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", text))
            defined |= set(re.findall(r"add_argument\(\s*\"--(\w+)\"", text))
    return defined


@pytest.mark.parametrize("page", PAGES[:-2], ids=named)
def test_every_flag_it_names_exists(page):
    # Of other programs' flags, those with a hyphen inside are told, and Ray's by their command.
    own = re.sub(r"^ray .*$", "", page.read_text(), flags=re.M)
    flags = set(re.findall(r"(?<![\w-])--([a-z]\w*)(?![\w-])", own))
    assert flags <= defined_flags(), flags - defined_flags()


@pytest.mark.parametrize("page", PAGES[:-1], ids=named)
def test_every_file_and_module_it_names_exists(page):
    text = page.read_text()
    files = re.findall(r"(?<![\w/])((?:\w+/)+\w+\.py)\b", text)
    roots = (ROOT, ROOT / "tf_ssae")
    assert [path for path in files if not any((root / path).is_file() for root in roots)] == []
    modules = re.findall(r"python -m ((?:tf_ssae|thesis)\.[\w.]+[\w])", text)
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


# Its figures.


@pytest.mark.parametrize(
    "page, name", [(README, "digits"), (OWN_IMAGES, "textures")], ids=["digits", "textures"]
)
def test_tables_are_what_the_stored_runs_printed(page, name):
    table = code(page, f"printed by the run in results/readme/{name}", "")
    assert table == (STORED / name / "printed.txt").read_text()
    metrics = json.loads((STORED / name / "metrics.json").read_text())
    lines = table.splitlines()[1 : 1 + len(metrics["scores"])]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows == {
        score: [f"{value:.4f}" for value in values.values()]
        for score, values in metrics["scores"].items()
    }
    decision, accuracy = metrics["decision"], metrics["rotation_accuracy"]
    for figure in (
        f"{metrics['test_images']} test images, {metrics['share']:.3f} of them",
        f"{decision['threshold']:.4g}:",
        f"{decision['false_alarm_rate']:.1%} of",
        f"{decision['detection_rate']:.1%} of",
        f"{accuracy['normal']:.3f} on normal, {accuracy['anomalous']:.3f} on anomalous",
    ):
        assert figure in table, figure


def test_the_first_table_looks_as_a_run_prints_it_now(digits_run):
    printed = digits_run[1].stdout

    def without_figures(text):
        return re.sub(r"-?\d[\d.]*", "#", text)

    table = code(README, "printed by the run in results/readme/digits", "")
    assert without_figures(table) in without_figures(printed)


def test_false_alarms_of_the_first_run_are_those_stored():
    metrics = json.loads((STORED / "digits" / "metrics.json").read_text())
    normals = round(metrics["test_images"] * (1 - metrics["share"]))
    rate = metrics["decision"]["false_alarm_rate"]
    sentence = f"{round(rate * normals)} of {normals} normal test images raise a false alarm"
    assert f"{sentence}, {rate:.1%}" in README


def test_what_is_found_on_photos_is_what_is_stored():
    assert real_photos.table() in README and real_photos.replaced(README) == README


def test_what_is_found_on_the_textures_is_what_is_stored():
    called = json.loads((STORED / "textures" / "called_anomalies.json").read_text())
    new, normal, defects = called["new"], called["test"].pop("good"), called["test"]
    found, images = (sum(d[key] for d in defects.values()) for key in ("anomalies", "images"))
    kinds = [
        f"{d['anomalies']} of {d['images']} {kind}{'es' if kind[-1] == 'h' else 's'}"
        for kind, d in sorted(defects.items())
    ]
    text = OWN_IMAGES.replace("\n", " ")
    for sentence in (
        f"Of {new['images']:,} new normal images, drawn with another seed, {new['anomalies']} were",
        f"called {found} of the {images} defects anomalies",
        f"{', '.join(kinds[:-1])} and {kinds[-1]}",
        f"{normal['anomalies']} of the {normal['images']} good test images",
    ):
        assert sentence in text, sentence


def test_average_precisions_are_those_stored():
    stored = collections.defaultdict(list)
    scale = ROOT / "results" / "table_5_1" / "6000-images-5-epochs-4000-test"
    for path in scale.glob("*-ssae-seed-0.json"):
        run = json.loads(path.read_text())
        value = run["metrics"]["scores"]["a_ws"]["average_precision"]
        stored[run["config"]["dataset"]].append(value)
    assert {name: len(values) for name, values in stored.items()} == dict.fromkeys(stored, 10)
    mnist, fashion, cifar = (
        f"{np.mean(stored[name]):.3f}" for name in ("mnist", "fashion_mnist", "cifar10")
    )
    assert f"is {mnist}, {fashion} and {cifar} (a useless score" in README.replace("\n", " ")


@pytest.mark.parametrize(
    "title, run",
    [("MNIST", "mnist-anomaly-2-8000-images"), ("CIFAR-10", "cifar10-anomaly-5-6000-images")],
)
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_exports_are_those_stored(title, run, kind):
    files = json.loads((ROOT / "results" / run / "parity.json").read_text())["files"]
    entry, scores = files[kind], files[kind]["scores"]
    cells = [f"{title}, {kind}", f"{entry['bytes'] / 1e6:.2f} MB", f"{entry['latency_ms']:.2f} ms"]
    cells += [
        f"{scores[name]['average_precision']:.4f}" for name in ("a_rec", "a_cls", "a_ws", "a_max")
    ]
    assert f"| {' | '.join(cells)} |" in SERVING.splitlines()


def test_the_largest_differences_of_exports_are_those_stored():
    largest = collections.defaultdict(float)
    for path in (ROOT / "results").glob("*/parity.json"):
        for kind, entry in json.loads(path.read_text())["files"].items():
            for score in entry["scores"].values():
                largest[kind] = max(largest[kind], score["largest_relative_difference"])
    exact = max(largest["saved_model"], largest["float32"])
    said = f"at most {exact:.0e} of the largest score, float16 by {largest['float16']:.0e}"
    assert said.replace("e-0", "e-") in SERVING.replace("\n", " ")


# Its programs.


def test_its_python_runs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code(README, "the program that a test runs", "python")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "shape=(3,)" in done.stdout and (tmp_path / "runs" / "mine" / "metrics.json").is_file()


def test_the_program_that_decides_runs(exported, digit_images, tmp_path):
    program = code(SERVING, "the program that decides", "python")
    Image.fromarray(digit_images.images[0, ..., 0]).save(tmp_path / "part.png")
    program = program.replace("exported/textures-locator-seed-0/1", str(exported))
    done = run_python("-c", program, cwd=tmp_path)
    assert re.fullmatch(r"(True|False) -?[\d.]+\n", done.stdout), done.stderr


def test_a_detector_of_your_own_trains_scores_and_exports(digit_images, tmp_path):
    program = code(CONTRIBUTING, "the detector that a test trains", "python")
    assert len(program.splitlines()) <= 40
    (tmp_path / "nearest.py").write_text(program)
    (tmp_path / "images").mkdir()
    for i in range(3):
        Image.fromarray(digit_images.images[i, ..., 0]).save(tmp_path / "images" / f"{i}.png")
    model = "--model_dir=runs/digits-anomaly-0-nearest-seed-0"
    for command in (
        ["train.py", "--detector=nearest", "--epochs=2", "--max_train_images=256"],
        ["score.py", model, "--images=images", "--output=scores.csv"],
        ["export.py", model, "--export_dir=exported"],
    ):
        script, *flags = command
        done = run_python(str(ROOT / script), "--plugin=nearest.py", *flags, cwd=tmp_path)
        assert done.returncode == 0, f"{script}: {done.stderr}"
    assert "a_nearest" in (tmp_path / "scores.csv").read_text().splitlines()[0]
    assert (tmp_path / "exported/digits-anomaly-0-nearest-seed-0/1/tflite/int8.tflite").is_file()
