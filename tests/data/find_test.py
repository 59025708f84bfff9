"""Which files of a folder are images, and the error for a folder without any."""

import pytest

from tf_ssae.data.find import find, named


def test_looking_for_images_says_where_and_what_is_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such folder: .*nowhere"):
        find(tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError,
        match=(
            "searched it .* for .png, .jpg, .jpeg, .bmp, .webp, .tif, .tiff. Found no files at all"
        ),
    ):
        find(tmp_path)
    for name in ("a.gif", "b.TXT", "c.txt", ".hidden.png"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match="Found 1 .gif, 2 .txt"):
        find(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "thumbnail.png").touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "e.pdf").touch()
    with pytest.raises(FileNotFoundError, match="Found 1 .gif, 2 .txt; in below: 1 .pdf"):
        find(tmp_path)
    (tmp_path / "below" / "d.JPG").touch()
    assert [path.name for path in find(tmp_path)] == ["d.JPG"]


@pytest.mark.parametrize(
    "content",
    [
        b"a.png\nb c.png\n",
        b"\xef\xbb\xbfa.png\r\nb c.png",
        b"a.png\r\rb c.png\r",
        b"\"a.png\"\n\n  \n'b c.png'\n",
        "a.png\nb c.png".encode("utf-16"),
        b"\xfe\xff" + "a.png\r\nb c.png".encode("utf-16-be"),
    ],
)
def test_lists_as_programs_write_them(content, tmp_path):
    (tmp_path / "list.txt").write_bytes(content)
    assert [str(path) for path in named(tmp_path / "list.txt").files] == ["a.png", "b c.png"]


def test_names_in_a_list_are_whole_whatever_they_hold(tmp_path):
    names = ["a\x0cb.png", "a\x85b.png", "a\u2028b.png", "\udcfc.png"]
    (tmp_path / "list.txt").write_bytes("\n".join(names).encode(errors="surrogateescape"))
    assert [str(path) for path in named(tmp_path / "list.txt").files] == names


def test_a_list_that_is_none_is_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes("a.png".encode("utf-16-le"))
    with pytest.raises(ValueError, match="not a list of paths in UTF-8"):
        named(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text(" \n")
    with pytest.raises(FileNotFoundError, match="names no image"):
        named(tmp_path / "list.txt")
