"""What becomes of a run in the process that trains it. Training itself is replaced; `worker_test`
trains for real.
"""

import json

import pytest
from tf_ssae.training.health import TrainingFailed

from tf_ssae.config import preset
from tf_ssae.runs.run_folder import FolderBusy
from tf_ssae.training import run as training
from thesis import one_run, watching
from thesis.grids import GRIDS, Scale

NAME = GRIDS["smoke"].runs[0].name
ENVIRONMENT = {"versions": {}, "git_revision": None, "machine": {}, "split_fingerprint": "split"}


@pytest.fixture
def job(tmp_path):
    scale = {"max_train_images": 0, "epochs": 0, "max_test_images": 0, "rotations": ""}
    folders = {"results": str(tmp_path / "results"), "work": str(tmp_path / "work")}
    return {"grid": "smoke", "scale": scale, "name": NAME, **folders}


def begun(folder):
    """What is in a run's folder once its first epoch is done."""
    folder.mkdir(parents=True)
    config = preset(**GRIDS["smoke"].config_settings(GRIDS["smoke"].runs[0], Scale()))
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT))
    (folder / "history.csv").write_text("epoch,seconds,loss\n1,2.5,0.123456789\n")


def ending_with(error, trained, monkeypatch):
    def run(config, model_dir, watch):
        begun(model_dir.with_name(f"{model_dir.name}.partial"))
        (callback,) = watch(None, None, None)
        if trained:
            callback.on_train_end({})
        raise error

    monkeypatch.setattr(watching, "watch", lambda *args: [])
    monkeypatch.setattr(training, "run", run)


@pytest.mark.parametrize(
    "error, trained",
    [(TrainingFailed("The decoder died."), False), (ValueError("The decoder died."), True)],
)
def test_a_training_that_failed_is_a_result(error, trained, job, store, monkeypatch):
    ending_with(error, trained, monkeypatch)
    assert one_run.main(job) == one_run.STORED
    (run,) = store.load("smoke").runs
    assert run.failed == "The decoder died." and run.stored["metrics"] is None
    assert (
        run.stored["history"] == [{"epoch": 1, "seconds": 2.5, "loss": 0.123457}]
        and run.seconds >= 2.5
    )


@pytest.mark.parametrize(
    "error, status",
    [
        (ValueError("anomaly=11"), one_run.UNUSABLE),
        (FileNotFoundError("No prepared data set"), one_run.UNUSABLE),
        (FileExistsError("A run with other settings"), one_run.UNUSABLE),
        (FolderBusy("Another process is training"), one_run.BUSY),
    ],
)
def test_what_cannot_be_trained_is_none(error, status, job, store, monkeypatch, capsys):
    ending_with(error, False, monkeypatch)
    assert one_run.main(job) == status
    assert capsys.readouterr().out == f"Error: {error}\n" and not store.root.exists()


def test_a_finished_run_that_was_not_stored_is_not_trained_again(job, store, monkeypatch, tmp_path):
    folder = tmp_path / "work" / NAME
    begun(folder)
    scores = {name: {"average_precision": 0.5} for name in ("a_rec", "a_cls", "a_ws", "a_max")}
    (folder / "metrics.json").write_text(json.dumps({"share": 0.357, "scores": scores}))
    monkeypatch.setattr(training, "run", None)
    assert one_run.main(job) == one_run.STORED
    (run,) = store.load("smoke", Scale().name).runs
    assert run.metric("a_ws", "average_precision") == 0.5 and not folder.exists()
    assert run.stored["command"] == f"python -m thesis.run --grid=smoke --name={NAME}"
