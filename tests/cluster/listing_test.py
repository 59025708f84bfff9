"""What a name stands for, on this machine, at a URI and in a list."""

import os
import subprocess
import sys

import pyarrow
import pytest
from conftest import ROOT
from pyarrow import parquet

from tf_ssae.cluster import uri
from tf_ssae.cluster.listing import list_images
from tf_ssae.data.storage import LOCAL


@pytest.fixture
def photos(tmp_path):
    """A folder of three images and a text, below one another."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for name in ("b.png", "a.JPG", "below/c.tiff", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    return folder


def names(listing):
    return [listing.storage.name(path) for path in listing.paths]


def test_a_folder_and_a_pattern_are_those_of_one_machine(photos):
    found = list_images(str(photos))
    assert found.storage is LOCAL
    assert names(found) == [str(photos / name) for name in ("a.JPG", "b.png", "below/c.tiff")]
    assert names(list_images(f"{photos}/*.png")) == [str(photos / "b.png")]


def test_a_uri_is_a_folder_or_one_file_and_what_is_there_can_be_read(photos):
    found = list_images(f"file://{photos}")
    assert names(found) == [
        f"file://{photos}/{name}" for name in ("a.JPG", "b.png", "below/c.tiff")
    ]
    assert [found.storage.read(path) for path in found.paths] == [
        b"a.JPG",
        b"b.png",
        b"below/c.tiff",
    ]
    assert [found.storage.size(path) for path in found.paths] == [5, 5, 12]
    # Whatever its ending, a file that is named itself is meant.
    assert names(list_images(f"file://{photos}/notes.txt")) == [f"file://{photos}/notes.txt"]
    (photos / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match="No such file"):
        found.storage.size(found.paths[1])


def test_a_list_holds_paths_or_uris_once_each(photos, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{photos}/b.png\n'{photos}/a.JPG'\n{photos}/b.png\n")
    found = list_images(str(listed))
    assert names(found) == [f"{photos}/b.png", f"{photos}/a.JPG"]
    assert found.notes == [f"1 names stand in {listed} again: each file is scored once."]
    listed.write_text(f"file://{photos}/b.png\nfile://{photos}/a.JPG\n")
    found = list_images(str(listed))
    assert names(found) == [f"file://{photos}/b.png", f"file://{photos}/a.JPG"]
    assert found.storage.read(found.paths[1]) == b"a.JPG"
    listed.write_text(f"file://{photos}/b.png\n{photos}/a.JPG\n")
    with pytest.raises(ValueError, match="lists file:// and paths: expected names of one kind"):
        list_images(str(listed))


def test_a_column_of_a_parquet_file_is_a_list(photos, tmp_path):
    table, path = {"made": [1, 2], "photo": [f"{photos}/a.JPG", None]}, tmp_path / "list.parquet"
    parquet.write_table(pyarrow.table(table), path)
    assert names(list_images(str(path))) == [f"{photos}/a.JPG"]
    parquet.write_table(pyarrow.table({**table, "line": ["x", "y"]}), path)
    with pytest.raises(ValueError, match="columns of text photo, line: expected one called path"):
        list_images(str(path))
    parquet.write_table(pyarrow.table({**table, "path": [f"{photos}/b.png"] * 2}), path)
    assert names(list_images(str(path))) == [f"{photos}/b.png"]
    path.write_bytes(b"PAR0")
    with pytest.raises(ValueError, match="not a Parquet file"):
        list_images(str(path))


def test_a_name_at_a_uri_is_taken_as_it_stands(tmp_path):
    """As the programs of the stores take it, and so that names in a table can be given again."""
    folder = tmp_path / "Schicht ä 50%20"
    folder.mkdir()
    (folder / "why?.png").write_bytes(b"a")
    found = list_images(f"file://{folder}")
    assert names(found) == [f"file://{folder}/why?.png"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(names(found)), encoding="utf-8")
    again = list_images(str(listed))
    assert again.paths == found.paths and again.storage.read(again.paths[0]) == b"a"


def test_a_uri_has_options_and_a_secret_that_is_not_shown():
    assert uri.split("s3://bucket/a b?region=x") == ("s3://bucket?region=x", "a b")
    assert uri.split("s3://bucket?region=x") == ("s3://bucket?region=x", "")
    assert uri.split("file:///a/b?") == ("file:///", "a/b?")
    filesystem, path = uri.opened("s3://key:hush@bucket/day 1?region=eu-central-1")
    assert (filesystem.region, path) == ("eu-central-1", "bucket/day 1")
    for wrong in ("s3://key:hush@buc ket/day", "ftp://key:hush@host/day"):
        with pytest.raises(ValueError, match="is not understood") as refused:
            uri.opened(wrong)
        assert "hush" not in str(refused.value) and "key:***@" in str(refused.value)
    # A container, not a person.
    assert uri.shown("abfs://photos@account.net/day") == "abfs://photos@account.net/day"


def test_a_list_is_of_one_file_system(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("s3://a/1.png?region=x\ns3://b/1.png?region=x\n")
    assert names(list_images(str(listed))) == ["s3://a/1.png", "s3://b/1.png"]
    listed.write_text("s3://a/1.png?region=x\ns3://b/1.png?region=y\n")
    with pytest.raises(ValueError, match="lie on different file systems"):
        list_images(str(listed))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="No images at file:///.*found 0 other files"):
        list_images(f"file://{tmp_path}/nowhere")
    with pytest.raises(ValueError, match="ftp://host/photos is not understood"):
        list_images("ftp://host/photos")


_BUCKET = """
import logging, os
import boto3
from moto import settings
from moto.server import ThreadedMotoServer
from pyarrow import fs
from tf_ssae.cluster.listing import list_images
from tf_ssae.cluster.parts import Parts

logging.disable()
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "{}:{}".format(*server.get_host_and_port())
where = f"endpoint_override={address}&scheme=http"
bucket, _ = fs.FileSystem.from_uri(f"s3://parts/?{where}&allow_bucket_creation=true")
bucket.create_dir("parts")
for key in ("parts/day/a.png", "parts/day/b.png", "parts/day/notes"):
    with bucket.open_output_stream(key) as file:
        file.write(key.encode())
found = list_images(f"s3://parts/day?{where}")
print([found.storage.name(path) for path in found.paths])
print([found.storage.read(path).decode() for path in found.paths])
output = "s3://parts/scores.jsonl"
os.environ["AWS_ENDPOINT_URL"] = f"http://{address}"
for number in range(2):
    with Parts(output, {"model": 1}, ["path"]) as parts:
        print(list(parts.rows()))
        parts.add([{"path": f"photo {number}"}])
nobody = "endpoint_override=127.0.0.1:9&scheme=http"
for uri in (f"s3://nowhere/day?{where}", f"s3://parts/day?{nobody}"):
    try:
        list_images(uri)
    except OSError as error:
        print(type(error).__name__, error)
iam = boto3.client("iam")
iam.create_user(UserName="guest")
key = iam.create_access_key(UserName="guest")["AccessKey"]
os.environ["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
os.environ["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
for forbidden in (
    lambda: list_images(f"s3://parts/day?{where}"),
    lambda: found.storage.read(found.paths[0]),
    lambda: Parts("s3://parts/more.jsonl", {"model": 1}, ["path"]).__enter__(),
):
    try:
        forbidden()
    except OSError as error:
        print("forbidden:", error)
"""


def test_a_bucket_is_listed_and_read_and_holds_a_table(tmp_path):
    """Against a server of S3's protocol, in a process of its own: both read the environment."""
    aws = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _BUCKET],
        env={**os.environ, **aws, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "['s3://parts/day/a.png', 's3://parts/day/b.png']" in lines
    assert "['parts/day/a.png', 'parts/day/b.png']" in lines
    # A second process finds the part of the first.
    assert "[]" in lines and "[{'path': 'photo 0'}]" in lines
    assert any("FileNotFoundError No images at s3://nowhere/day" in line for line in lines)
    assert any("Could not connect to server" in line for line in lines)
    forbidden = [line for line in lines if line.startswith("forbidden:")]
    assert len(forbidden) == 3 and all("ACCESS_DENIED" in line for line in forbidden)
    assert "s3://parts/day" in forbidden[0] and "cannot be listed" in forbidden[0]
    assert "s3://parts/more.jsonl cannot be written" in forbidden[2]
