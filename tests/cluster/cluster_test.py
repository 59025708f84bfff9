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
    """A program that is killed, one that is asked to stop, a node that is lost, one that joins."""
    scoring.score(quick_run, photos, tmp_path / "one.jsonl")
    with open(tmp_path / "one.jsonl", encoding="utf-8") as lines:
        expected = {row["path"]: row for row in map(json.loads, lines)}
    output = tmp_path / "scores.parquet"
    flags = dict(model_dir=quick_run, images=photos, output=output, cluster=cluster.address)

    before = 0
    for number, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 128 + 15)):
        with subprocess.Popen(
            command("score", **flags), stderr=subprocess.PIPE, text=True
        ) as stopped:
            while len(parts_of(output)) == before:
                assert stopped.poll() is None
                time.sleep(0.05)
            stopped.send_signal(number)
            _, errors = stopped.communicate(timeout=600)
        assert stopped.returncode == status, errors
        before = len(parts_of(output))
    assert "Stopped. Run the same command to resume." in errors
    assert before < 8
    with subprocess.Popen(
        command("score", **flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as resumed:
        cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
        cluster.more()
        said, errors = resumed.communicate(timeout=600)
    assert resumed.returncode == 0, errors
    assert "237 images scored" in said and "3 unreadable" in said
    assert "a second and process" in said
    rows = parquet.read_table(output).to_pylist()
    assert len(rows) == len({row["path"] for row in rows}) == 240
    # Batches differ, and with them rounding, which the normalisation of a run of seconds magnifies.
    noise = {"a_rec": 1e-5, "a_cls": 1e-5, "a_ws": 1e-3, "a_max": 1e-3}
    for row in rows:
        one = expected[row["path"]]
        for name in row:
            if name in noise and one[name] is not None:
                np.testing.assert_allclose(row[name], one[name], rtol=noise[name], atol=1e-5)
            elif name not in ("p_value", "regions"):
                assert row[name] == one[name], name
    again = run_python(*command("score", **flags)[1:])
    assert again.returncode == 1 and "is finished" in again.stderr


def test_products_are_those_trained_one_after_the_other(cluster, digit_images, tmp_path):
    products = tmp_path / "products"
    (products / "nut").mkdir(parents=True)
    for i, image in enumerate(digit_images.images[:40]):
        Image.fromarray(image[..., 0] * 15).resize((32, 32)).save(products / "nut" / f"{i}.png")
    (products / "none").mkdir()
    (products / "none" / "0.png").write_bytes(b"\x89PNG")
    flags = dict(products=products, detector="rotation", image_size=32, epochs=1, batch_size=16)

    def trained(where, **more):
        done = subprocess.run(
            command("train", model_dir=tmp_path / where, **flags, **more),
            env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=1200,
        )
        with open(tmp_path / where / "index.csv", newline="") as file:
            return done, {row["name"]: row for row in csv.DictReader(file)}

    done, rows = trained("spread", cluster=cluster.address)
    assert done.returncode == 1 and "Not trained: none." in done.stderr, done.stderr
    assert list(rows) == ["none", "nut"] and "can be read" in rows["none"]["failed"]
    assert "40 images" in (tmp_path / "spread" / "nut.log").read_text()
    (products / "none" / "0.png").unlink()
    (products / "none").rmdir()
    done, _ = trained("in turn")
    assert done.returncode == 0, done.stderr
    spread, in_turn = (
        np.load(tmp_path / where / "nut" / "trained_weights.npz") for where in ("spread", "in turn")
    )
    for name in spread.files:
        np.testing.assert_array_equal(spread[name], in_turn[name])


def test_a_task_whose_process_dies_is_tried_again_and_one_that_fails_says_why(cluster, tmp_path):
    def dies_at_first(seen):
        if not seen.exists():
            seen.touch()
            os._exit(1)
        return "done"

    def never_works():
        raise ValueError("this one never works")

    tasks = {"a": functools.partial(dies_at_first, tmp_path / "seen"), "broken": never_works}
    ended = {one.name: one for one in runs.each(tasks, cluster.address, cpus=1)}
    assert ended["a"].result == "done" and not ended["a"].failed
    assert ended["broken"].failed == "ValueError: this one never works"
    with pytest.raises(OSError, match="none of its nodes has 64 CPUs; they have 1, 1"):
        list(runs.each(tasks, cluster.address, cpus=64))
