"""A folder that is watched: every image has one row, whatever happens to the process."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT, run_python
from PIL import Image

from tf_ssae.scoring import watch as watching
from tf_ssae.scoring.arrivals import Arrivals
from tf_ssae.scoring.daily_table import DailyTable

COLUMNS = ["path", "decision"]


def rows_of(folder, name="scores"):
    rows = []
    for path in sorted(folder.glob(f"{name}-*.csv")):
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows += csv.DictReader(file)
    return rows


def save(image, path):
    Image.fromarray(image[..., 0]).save(path)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_what_lies_there_and_what_arrives_has_one_row_each(quick_run, folder, digit_images):
    images, output = digit_images.images, folder.parent / "scores.csv"
    save(images[0], folder / "a.png")
    (folder / "note.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"half")

    def camera():
        (folder / "day").mkdir()
        save(images[1], folder / "day" / "b.png")
        (folder / "broken.png").write_bytes(b"\x89PNG")
        whole = (folder / "a.png").read_bytes()
        with open(folder / "slow.png", "wb") as file:
            for i in range(0, len(whole), 40):
                file.write(whole[i : i + 40])
                file.flush()
                time.sleep(0.1)
        save(images[2], folder / ".c.png")
        os.rename(folder / ".c.png", folder / "c.png")

    began = []

    def said(text):
        began.append(text)
        threading.Thread(target=camera).start()

    assert watching.watch(quick_run, folder, output, patience=1.5, said=said) == 5
    assert began == [f"Watching {folder}: 0 images have rows already. Ctrl-C stops it."]
    rows = {row["path"]: row for row in rows_of(folder.parent)}
    expected = ["a.png", "broken.png", "c.png", "day/b.png", "slow.png"]
    assert sorted(rows) == [str(folder / name) for name in expected]
    assert rows[str(folder / "slow.png")]["decision"] != "unreadable"
    assert rows[str(folder / "broken.png")]["decision"] == "unreadable"
    assert all(row["modified"] < row["scored"] for row in rows.values())

    # Started again: nothing twice; what was changed meanwhile is another image.
    save(images[3], folder / "a.png")
    assert watching.watch(quick_run, folder, output, patience=0.6, said=began.append) == 1
    assert len(rows_of(folder.parent)) == 6 and "5 images have rows" in began[-1]
    assert watching.watch(quick_run, folder, output, patience=0.6, said=began.append) == 0


def test_killed_again_and_again_it_loses_and_doubles_no_row(quick_run, folder, digit_images):
    """Of files that arrive all the while. Killed as soon as it has written a few rows more."""
    for i, image in enumerate(digit_images.images[:200]):
        save(image, folder.parent / f"{i:03}.png")
    files = sorted(folder.parent.glob("*.png"))
    for path in files[:100]:
        shutil.copy(path, folder)
    flags = [
        f"--model_dir={quick_run}",
        f"--images={folder}",
        f"--output={folder.parent / 's.csv'}",
    ]
    command = [sys.executable, str(ROOT / "score.py"), "--watch", *flags]
    for part in range(2):
        before = len(rows_of(folder.parent, "s"))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            for path in files[100 + 50 * part : 150 + 50 * part]:
                shutil.copy(path, folder)
            while len(rows_of(folder.parent, "s")) <= before:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
    # As a process leaves it that was killed inside a row.
    (table,) = folder.parent.glob("s-*.csv")
    with open(table, "ab") as file:
        file.write(table.read_bytes().splitlines()[-1][:30])
    watching.watch(quick_run, folder, folder.parent / "s.csv", patience=0.6, said=lambda text: None)
    paths = [row["path"] for row in rows_of(folder.parent, "s")]
    assert sorted(paths) == [str(folder / path.name) for path in files]


def test_json_lines_on_the_standard_output_are_all_that_is_there(quick_run, folder, digit_images):
    for i in range(3):
        save(digit_images.images[i], folder / f"{i} é.png")
    flags = [f"--model_dir={quick_run}", f"--images={folder}", "--output=-"]
    done = run_python(str(ROOT / "score.py"), *flags, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == [str(folder / f"{i} é.png") for i in range(3)]
    assert "3 images scored" in done.stderr
    assert sorted(path.name for path in folder.parent.iterdir()) == ["in"]


def test_tables_roll_by_day(tmp_path, monkeypatch):
    from tf_ssae.scoring import daily_table

    class Day(daily_table.datetime.date):
        @classmethod
        def today(cls):
            return cls(2026, 11, today)

    monkeypatch.setattr(daily_table.datetime, "date", Day)
    for suffix in ("csv", "jsonl"):
        with DailyTable(tmp_path / f"t.{suffix}", COLUMNS) as table:
            for today in (9, 10):  # noqa: B007
                table.append([{"path": f"{today}\n\udce9.png", "decision": "normal"}])
            assert [row["path"] for row in table.rows()] == ["9\n\udce9.png", "10\n\udce9.png"]
        names = [path.name for path in sorted(tmp_path.glob(f"t*{suffix}"))]
        assert names == [f"t-2026-11-09.{suffix}", f"t-2026-11-10.{suffix}"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_what_a_killed_process_left_is_cut_off_wherever_it_broke(tmp_path, suffix):
    row = {"path": 'a "b", c.png', "decision": "normal"}
    with DailyTable(tmp_path / f"t.{suffix}", COLUMNS) as table:
        path = table.append([row])
        one = path.read_bytes()
        table.append([row])
        two = path.read_bytes()
    for cut in range(len(one), len(two)):
        path.write_bytes(two[:cut])
        with DailyTable(tmp_path / f"t.{suffix}", COLUMNS) as table:
            assert list(table.rows()) == [row] and path.read_bytes() == one


def test_a_table_of_other_columns_or_of_another_process_is_left_alone(tmp_path):
    with DailyTable(tmp_path / "t.csv", COLUMNS) as table:
        path = table.append([{"path": "a.png", "decision": "normal"}])
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match="Another process is writing"):
            with DailyTable(tmp_path / "t.csv", COLUMNS):
                pass
    with pytest.raises(ValueError, match="it is of another model"):
        with DailyTable(tmp_path / "t.csv", [*COLUMNS, "a_ws"]):
            pass
    assert path.read_bytes() == before and not list(tmp_path.glob("*.lock"))
    with pytest.raises(ValueError, match="ends in .csv or .jsonl"):
        DailyTable(tmp_path / "t.parquet", COLUMNS)


def test_a_folder_that_is_gone_ends_it_with_a_sentence(tmp_path, folder, monkeypatch):
    with pytest.raises(FileNotFoundError, match="needs a folder that exists"):
        Arrivals(tmp_path / "nowhere", lambda found: False, print)
    monkeypatch.setattr("tf_ssae.scoring.arrivals._SCAN", 0.0)
    with Arrivals(folder, lambda found: False, print) as arrivals:
        folder.rmdir()
        with pytest.raises(FileNotFoundError, match="is gone"):
            list(arrivals.batches(4, patience=30.0))


def test_it_enters_what_every_walk_enters_and_says_what_it_does_not(tmp_path, folder):
    (tmp_path / "elsewhere").mkdir()
    (folder / "run").mkdir()
    (folder / "run" / "model.keras").touch()
    os.symlink("../elsewhere", folder / "line2")
    os.symlink("..", folder / "up")
    for place in ("line2", "run", "."):
        (folder / place / "there.png").write_bytes(b"a")
    said, found = [], []

    def done(arrived):
        return arrived.path in found

    with Arrivals(folder, done, said.append) as arrivals:
        for batch in arrivals.batches(4, patience=1.0):
            found += [arrived.path for arrived in batch]
            if len(found) == 2:
                # Noticed at once, in the folder of a run, and in one that is new.
                (folder / "run" / "later.png").write_bytes(b"a")
                (folder / "new").mkdir()
                (folder / "new" / "later.png").write_bytes(b"a")
    names = [str(path.relative_to(folder)) for path in found]
    assert sorted(names) == ["line2/there.png", "new/later.png", "there.png"]
    assert len(said) == 2 and said[0].startswith(f"Not entered: {folder / 'up'}: it leads to ")
    assert said[1] == f"Passed over, 1 outputs of tf_ssae: {folder / 'run'}."
