"""One training on several devices, in fresh processes: TensorFlow's devices are set before it
starts.
"""

import json
import os
import signal
import socket
import subprocess
import time
import types

import numpy as np
import own_detector
import pytest
import tensorflow as tf
from conftest import ROOT, run_python, train_command

from tf_ssae import runs
from tf_ssae.data import pipeline
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.training import run as training

# Which is quick to trace.
PLUGIN = own_detector.PROGRAM.replace(
    "    presets =", "    trains_in_replicas = True\n    presets ="
)
SETTINGS = dict(detector="nearest", max_train_images=256, epochs=4)


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "nearest.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture(scope="module")
def alone(tmp_path_factory, digit_images):
    """The folder of a run on one device."""
    model_dir = tmp_path_factory.mktemp("alone") / "run"
    training.train(preset("digits", **SETTINGS), model_dir, digit_images)
    return model_dir


def require_the_same(model_dir, alone, strategy):
    """But for rounding."""
    stored = json.loads((model_dir / "environment.json").read_text())
    assert stored["strategy"] == strategy
    assert "strategy" not in json.loads((alone / "environment.json").read_text())
    assert sorted(path.name for path in model_dir.iterdir()) == sorted(
        path.name for path in alone.iterdir()
    )
    pairs = zip(runs.load(model_dir).get_weights(), runs.load(alone).get_weights(), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_two_devices_train_as_one_does(tmp_path, plugin, alone):
    program = str(ROOT / "tests" / "two_devices.py")
    done = run_python(program, str(tmp_path), str(plugin), json.dumps(SETTINGS))
    assert done.returncode == 0, done.stderr
    require_the_same(tmp_path / "run", alone, {"name": "mirrored", "replicas": 2, "workers": 1})


class Workers:
    """Two processes of one training, on loopback."""

    def __init__(self, model_dir, plugin):
        self._command = train_command(
            "--strategy=multi_worker",
            f"--model_dir={model_dir}",
            f"--plugin={plugin}",
            *[f"--{name}={value}" for name, value in SETTINGS.items()],
        )

    def start(self):
        cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
        return [
            subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={
                    **os.environ,
                    "TF_CONFIG": json.dumps(
                        {"cluster": cluster, "task": {"type": "worker", "index": i}}
                    ),
                },
            )
            for i in range(2)
        ]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_two_machines_resume_when_one_was_killed_and_train_as_one_does(tmp_path, plugin, alone):
    model_dir = tmp_path / "run"
    workers = Workers(model_dir, plugin)
    chief, other = workers.start()
    checkpoint = tmp_path / "run.partial" / "checkpoints" / "checkpoint"
    deadline = time.monotonic() + 600
    while not checkpoint.exists() and chief.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    said, error = chief.communicate(timeout=600)
    assert "on 2 devices of 2 machines, here as worker 0; new run in" in said, error
    assert chief.returncode == 1 and not model_dir.exists()
    assert error == (
        "Error: Worker 0 has lost another machine, and stops. Run the same command on every machine"
        " again: it resumes from the last finished epoch.\n"
    )

    chief, other = workers.start()
    (said, error), (others, _) = chief.communicate(timeout=600), other.communicate(timeout=600)
    assert (chief.returncode, other.returncode) == (0, 0), error
    assert "resumed" in said and "Worker 0 calibrates and writes the run folder." in others
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["run"]
    require_the_same(model_dir, alone, {"name": "multi_worker", "replicas": 2, "workers": 2})


def shares(name, config, batch):
    """Of two replicas, without the detector's networks."""
    detector = types.SimpleNamespace(config=config)
    return [registry.find(name).share(detector, batch, number, 2) for number in range(2)]


@pytest.mark.parametrize("rotations", ["all", "sampled"])
def test_shares_of_rotated_images_are_the_batch_and_keep_their_rotations(rotations, digit_images):
    config = preset("digits", batch_size=16, rotations=rotations)
    batches = pipeline.training_batches(digit_images.images, np.arange(32), config)
    (batch,) = pipeline.with_rotations(batches, config).take(1)
    parts = shares("ssae", config, batch)
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in parts]), batch[0])
    assert sum(len(d) for _, _, d in parts) == len(batch[2])
    for x, rotated, d in parts:
        assert len(x) == 8 and len(rotated) == len(d) == (32 if rotations == "all" else 8)
        for i, turns in enumerate(d):
            np.testing.assert_array_equal(rotated[i], np.rot90(x[i % 8], turns))


@pytest.mark.parametrize("with_region", [False, True])
def test_shares_of_a_batch_with_defects_hold_clean_and_tampered_images(with_region):
    config = preset("digits", detector="locator", batch_size=16)
    images = tf.range(16)  # of which the first four are clean
    batch = (tf.constant(0.1), images, images, images, tf.range(4), *[images] * with_region)
    first, second = shares("locator", config, batch)
    assert len(first) == len(second) == len(batch) and first[0] == second[0] == 0.1
    assert first[4].numpy().tolist() == [0, 1] and second[4].numpy().tolist() == [2, 3]
    for place in (1, 2, 3, *[5] * with_region):
        assert first[place].numpy().tolist() == [0, 1, *range(4, 10)]
        assert second[place].numpy().tolist() == [2, 3, *range(10, 16)]


@pytest.mark.parametrize(
    "settings, replicas, message",
    [
        (dict(detector="ganomaly"), 2,
         "detector='ganomaly': it is trained on one device alone. Leave out --strategy, or take"
         " another detector."),
        (dict(detector="ssae", batch_size=64), 3,
         "batch_size=64: expected a multiple of 3, the number of devices, which share a batch."),
        (dict(detector="locator"), 2,
         "batch_size=12: 3 of its images stay clean, of which each of 2 devices takes as many;"
         " expected a multiple of 8."),
        (dict(detector="ssae", jit_compile=True), 2,
         "jit_compile=True: expected False with --strategy."),
    ],
)  # fmt: skip
def test_what_replicas_cannot_train_is_refused(settings, replicas, message):
    config = preset("digits", **settings)
    with pytest.raises(ValueError) as raised:
        registry.find(config.detector).check_replicas(config, replicas)
    assert str(raised.value) == message
    registry.find("locator").check_replicas(preset("digits", detector="locator"), 3)
