"""A disk that fills and empties, in training and in scoring: a limit on the size of files stands
for it, which every write meets, native code's too.
"""

import contextlib
import json
import resource

import numpy as np
import pytest
from conftest import QUICK
from PIL import Image

from tf_ssae import runs
from tf_ssae.detectors.registry import preset
from tf_ssae.scoring import run as scoring
from tf_ssae.system.disk import FullDisk
from tf_ssae.training import run as training


@contextlib.contextmanager
def largest_file(size):
    """No file may grow beyond `size` bytes in the body."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# `capsys`: what is printed goes to memory, not to a file that the limit holds for.
def test_a_training_resumes_when_there_is_space_again(tmp_path, digit_images, capsys):
    config = preset("digits", detector="autoencoder", **{**QUICK, "epochs": 2})
    expected = training.train(config, tmp_path / "undisturbed", digit_images)
    assert set(expected["scores"]) == {"a_rec"} and not {"rotation_accuracy", "health"} & {
        *expected
    }
    folder = tmp_path / "run"
    for size in (100, 2_000, 50_000, 300_000, 1_000_000):
        with pytest.raises(FullDisk, match="run the same command again"), largest_file(size):
            training.train(config, folder, digit_images)
        assert not folder.exists()
    found = training.train(config, folder, digit_images)
    timed = {name for name in expected if name.startswith("training_")}
    assert {k: v for k, v in found.items() if k not in timed} == {
        k: v for k, v in expected.items() if k not in timed
    }
    names = [
        sorted(path.name for path in run.iterdir()) for run in (folder, tmp_path / "undisturbed")
    ]
    assert names[0] == names[1]
    models = [runs.load(run) for run in (folder, tmp_path / "undisturbed")]
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_scoring_resumes_when_there_is_space_again(quick_run, digit_images, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for i, image in enumerate(digit_images.images[:40]):
        Image.fromarray(image[..., 0]).save(tmp_path / "in" / f"{i:03d}.png")
    output = tmp_path / "scores.jsonl"
    for size in (100, 1_000, 4_000, 20_000):
        with pytest.raises(FullDisk, match="run the same command again"), largest_file(size):
            scoring.score(quick_run, tmp_path / "in", output)
        assert not output.exists()
    assert scoring.score(quick_run, tmp_path / "in", output).scored == 40
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert len({row["path"] for row in rows}) == 40
    assert {path.name for path in tmp_path.iterdir()} == {"in", "scores.jsonl", "scores.html"}
