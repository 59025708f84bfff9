"""A finished run on a folder notices that the folder holds other images now."""

import json

import pytest
from PIL import Image

from tf_ssae.config import Config
from tf_ssae.runs import run_folder
from tf_ssae.runs.folder_contents import contents


@pytest.fixture
def config(tmp_path):
    """The settings of a finished run in `run`, on a folder of three images."""
    for i in range(3):
        draw(tmp_path / "parts" / f"{i}.png", i)
    made = Config(dataset="folder", data_dir=str(tmp_path / "parts"))
    run = tmp_path / "run"
    run.mkdir()
    run_folder.write_json(run / "config.json", made.to_dict())
    run_folder.write_json(run / "environment.json", contents(made))
    return made


def draw(path, grey, size=8):
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (size, size), grey).save(path)


def said(tmp_path, config):
    with pytest.raises(FileExistsError) as refused:
        run_folder.require_new(tmp_path / "run", config.to_dict())
    return str(refused.value)


def test_an_unchanged_folder_is_not_mentioned(tmp_path, config):
    assert "already holds this run, finished" in said(tmp_path, config)
    assert "which now holds" not in said(tmp_path, config)


def test_new_images_are_counted(tmp_path, config):
    draw(tmp_path / "parts" / "new.png", 7)
    message = said(tmp_path, config)
    assert f"began with 3 images in {config.data_dir}, which now holds 4." in message
    assert "To train on what is there now, remove the folder" in message


def test_as_many_others_are_noticed(tmp_path, config):
    (tmp_path / "parts" / "0.png").rename(tmp_path / "parts" / "renamed.png")
    assert "Some of the 3 images in" in said(tmp_path, config)


def test_what_cannot_be_compared_is_not_mentioned(tmp_path, config):
    for path in (tmp_path / "parts").iterdir():
        path.unlink()
    assert "images in" not in said(tmp_path, config)
    # A run of an earlier version.
    (tmp_path / "run" / "environment.json").write_text(json.dumps({"command": "train"}))
    draw(tmp_path / "parts" / "0.png", 0)
    assert "images in" not in said(tmp_path, config)
