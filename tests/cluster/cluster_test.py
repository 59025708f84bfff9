"""On two nodes, both on this machine: what is lost is done again, and nothing twice."""

import csv
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import run_python
from PIL import Image
from pyarrow import parquet

from tf_ssae.cluster import runs
from tf_ssae.scoring import run as scoring

_SCORE = "import sys; from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def cluster():
    """A Cluster of two nodes of one CPU each; the second one may be replaced."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": 100_000_000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **store})
        made.more = functools.partial(made.add_node, num_cpus=1, **store)
        made.more()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def photos(tmp_path_factory, digit_images):
    """A folder of 240 images in two folders, three of them broken."""
    folder = tmp_path_factory.mktemp("photos")
    for i, image in enumerate(digit_images.images[:240]):
        path = folder / f"day {i % 2}" / f"{i:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image[..., 0] * 15).save(path)
        if i % 100 == 17:
            path.write_bytes(path.read_bytes()[:40])
    return folder


def command(verb, **flags):
    """The argument list of `tf-ssae VERB` with these flags."""
    return [sys.executable, "-c", _SCORE, verb, *(f"--{n}={v}" for n, v in flags.items())]


def parts_of(output):
    return sorted(pathlib.Path(output).glob("part-*"))


def test_rows_are_those_of_one_machine_whatever_dies(cluster, photos, quick_run, tmp_path):
    scoring.score(quick_run, photos, tmp_path / "one.jsonl")
    with open(tmp_path / "one.jsonl", encoding="utf-8") as lines:
        expected = {row["path"]: row for row in map(json.loads, lines)}
    output = tmp_path / "scores.parquet"
    flags = dict(model_dir=quick_run, images=photos, output=output, cluster=cluster.address)

    # The program is killed after its first parts, ...
    with subprocess.Popen(command("score", **flags)) as killed:
        while not parts_of(output):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    before = sum(parquet.read_metadata(part).num_rows for part in parts_of(output))
    assert 0 < before < 240
    # ... then resumed, and loses a node at once; another joins.
    with subprocess.Popen(
        command("score", **flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as resumed:
        cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
        cluster.more()
        said, errors = resumed.communicate(timeout=600)
    assert resumed.returncode == 0, errors
    assert "237 images scored" in said and "3 unreadable" in said
    assert f"{240 - before:,}" in said or "node" in said

    rows = parquet.read_table(output).to_pylist()
    assert len(rows) == len({row["path"] for row in rows}) == 240
    for row in rows:
        one = expected[row["path"]]
        for name in row:
            if name.startswith("a_") and one[name] is not None:
                np.testing.assert_allclose(row[name], one[name], rtol=1e-5, atol=1e-5)
            elif name not in ("p_value", "regions"):
                assert row[name] == one[name], name
    again = run_python(*command("score", **flags)[1:])
    assert again.returncode == 1 and "is finished" in again.stderr


def test_products_are_those_trained_one_after_the_other(cluster, digit_images, tmp_path):
    products = tmp_path / "products"
    for name in ("bolt", "nut"):
        (products / name).mkdir(parents=True)
        for i, image in enumerate(digit_images.images[:40]):
            Image.fromarray(image[..., 0] * 15).resize((32, 32)).save(products / name / f"{i}.png")
    (products / "none").mkdir()
    (products / "none" / "0.png").write_bytes(b"\x89PNG")
    flags = dict(products=products, detector="rotation", image_size=32, epochs=1, batch_size=16)
    weights = {}
    for where, more in (("spread", {"cluster": cluster.address}), ("in turn", {})):
        done = subprocess.run(
            command("train", model_dir=tmp_path / where, **flags, **more),
            env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 1 and "Not trained: none." in done.stderr, done.stderr
        with open(tmp_path / where / "index.csv", newline="") as file:
            rows = {row["name"]: row for row in csv.DictReader(file)}
        assert list(rows) == ["bolt", "none", "nut"]
        assert "can be read" in rows["none"]["failed"]
        weights[where] = {
            name: np.load(tmp_path / where / name / "trained_weights.npz")
            for name in ("bolt", "nut")
        }
    assert "Epoch 1/1" in (tmp_path / "spread" / "nut.log").read_text()
    for name, spread in weights["spread"].items():
        for key in spread.files:
            np.testing.assert_array_equal(spread[key], weights["in turn"][name][key])


def _once(folder, name):
    """Ends its process when it is called for the first time."""
    seen = pathlib.Path(folder) / name
    if name == "broken":
        raise ValueError("this one never works")
    if not seen.exists():
        seen.touch()
        os._exit(1)
    return name.upper()


def test_a_task_whose_process_dies_is_tried_again_and_one_that_fails_says_why(cluster, tmp_path):
    tasks = {name: functools.partial(_once, tmp_path, name) for name in ("a", "broken")}
    ended = {one.name: one for one in runs.each(tasks, cluster.address, cpus=1)}
    assert ended["a"].result == "A" and not ended["a"].failed
    assert ended["broken"].failed == "ValueError: this one never works"
    with pytest.raises(OSError, match="none of its nodes has 64 CPUs; they have 1, 1"):
        list(runs.each(tasks, cluster.address, cpus=64))
