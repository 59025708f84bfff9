"""Links, loops, locked folders and outputs: what is entered, and what is said to be not."""

import os

import pytest

from tf_ssae.data.walk import matching, walk
from tf_ssae.runs import run_folder


@pytest.fixture
def parts(tmp_path):
    for name in ("parts/line1/a.png", "parts/b.png", "parts/notes.txt", "elsewhere/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "parts"


def names(found):
    return [str(path.relative_to(found.folder)) for path in found.images]


def test_links_are_followed(parts):
    os.symlink("../elsewhere", parts / "line2")
    os.symlink("../elsewhere/c.png", parts / "c.png")
    found = walk(parts)
    assert names(found) == ["b.png", "c.png", "line1/a.png", "line2/c.png"] and found.notes == ()


def test_loops_end_and_are_said(parts):
    os.symlink("..", parts / "line1" / "up")
    os.symlink("../..", parts / "line1" / "higher")
    os.symlink("line1", parts / "again")
    os.symlink("nowhere", parts / "gone.png")
    found = walk(parts)
    assert names(found) == ["b.png", "line1/a.png"]
    assert {path.name: reason for path, reason in found.not_entered} == {
        "up": f"it leads to {parts}, which is read already",
        "higher": f"it leads to {parts.parent}, which holds this folder",
        "again": f"it leads to {parts / 'line1'}, which is read already",
        "gone.png": "a link that leads nowhere",
    }


def test_a_locked_folder_and_what_is_no_file_are_said(parts, monkeypatch):
    os.mkfifo(parts / "pipe.png")
    scandir = os.scandir

    def locked(path):
        if os.fspath(path).endswith("line1"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    found = walk(parts)
    assert names(found) == ["b.png"]
    assert found.notes == (
        f"Not entered: {parts / 'line1'}: cannot be entered: Permission denied.",
        f"Not entered: {parts / 'pipe.png'}: not a file.",
    )
    with pytest.raises(PermissionError):
        walk(parts / "line1")


def test_outputs_are_passed_over_and_counted(parts, quick_run):
    exported, unfinished = parts / "exported" / "m" / "1", parts / "runs" / "x.partial"
    for folder, file in ((exported, "saved_model.pb"), (unfinished, run_folder.CONFIG)):
        folder.mkdir(parents=True)
        (folder / file).touch()
        (folder / "plot.png").touch()
    os.symlink(quick_run, parts / "runs" / "quick")
    found = walk(parts)
    assert names(found) == ["b.png", "line1/a.png"] and len(found.outputs) == 3
    assert found.notes[0].startswith("Passed over, 3 outputs of tf_ssae: ")
    # Asked for by name, one is looked into.
    assert names(walk(exported)) == ["plot.png"]


def test_a_pattern_walks_as_a_folder_does(parts):
    os.symlink("..", parts / "line1" / "up")
    for pattern, expected in (
        ("*.png", ["b.png"]),
        ("*", ["b.png", "notes.txt"]),
        ("line?/*", ["line1/a.png"]),
        ("**/*.png", ["b.png", "line1/a.png"]),
        ("**", ["b.png", "line1/a.png", "notes.txt"]),
        ("[a-c].png", ["b.png"]),
    ):
        found = matching(str(parts / pattern))
        assert [str(path.relative_to(parts)) for path in found.files] == expected, pattern
