"""A table in parts is whole or not there, and is of one model."""

import json
import os

import pandas as pd
import pytest

from tf_ssae.cluster.parts import Parts

COLUMNS = ["path", "a_rec", "decision", "p_value", "why", "regions", "width", "height", "error"]


def row(name, score):
    region = {"box": [1, 2, 3, 4], "area": 12, "peak": 1.5, "centre": [2.0, 3.0]}
    values = (name, score, "anomaly", 0.25, "", [region], 32, 24, "")
    return dict(zip(COLUMNS, values))


@pytest.mark.parametrize("where", ["", "file://"])
@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_rows_come_back_as_they_were_and_others_read_the_folder_as_one_table(
    tmp_path, ending, where
):
    output = f"{where}{tmp_path}/scores.{ending}"
    first, second = [row("a.png", 0.5), row("b.png", 1.5)], [row("c.png", 2.5)]
    with Parts(output, {"model": 1}, COLUMNS) as parts:
        assert list(parts.rows()) == []
        parts.add(first)
    # What a killed process leaves of a part.
    left = tmp_path / f"scores.{ending}" / f".part-00000001.{ending}.tmp"
    left.write_bytes(b"half")
    with Parts(output, {"model": 1}, COLUMNS) as parts:
        assert list(parts.rows()) == first
        parts.add(second)
        assert list(parts.rows()) == first + second
        parts.finish({"images": 3})
    assert not left.exists()
    if ending == "parquet":
        assert pd.read_parquet(left.parent).path.tolist() == ["a.png", "b.png", "c.png"]
    with pytest.raises(FileExistsError, match="is finished"), Parts(output, {"model": 1}, COLUMNS):
        pass


def test_what_is_no_such_table_is_refused_and_left_as_it_is(tmp_path):
    output = tmp_path / "scores.jsonl"
    with Parts(str(output), {"model": 1}, COLUMNS) as parts:
        parts.add([row("a.png", 0.5)])
        with (
            pytest.raises(FileExistsError, match="Another process is writing"),
            Parts(str(output), {"model": 1}, COLUMNS),
        ):
            pass
    with (
        pytest.raises(ValueError, match="started with another model or other flags"),
        Parts(str(output), {"model": 2}, COLUMNS),
    ):
        pass
    part = output / "part-00000000.jsonl"
    part.write_text(json.dumps({"path": "a.png"}) + "\n")
    with Parts(str(output), {"model": 1}, COLUMNS) as parts:
        with pytest.raises(ValueError, match="part-00000000.jsonl in .* is damaged: it has other"):
            list(parts.rows())
    others = tmp_path / "others.parquet"
    others.mkdir()
    (others / "holiday.png").touch()
    with (
        pytest.raises(FileExistsError, match="holds other files"),
        Parts(str(others), {"model": 1}, COLUMNS),
    ):
        pass
    assert os.listdir(others) == ["holiday.png"]
    with pytest.raises(ValueError, match=r"ends in .parquet or .jsonl"):
        Parts("scores.csv", {}, COLUMNS)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OSError, match=r"file/scores.jsonl cannot be written: "),
        Parts(str(tmp_path / "file" / "scores.jsonl"), {}, COLUMNS),
    ):
        pass
