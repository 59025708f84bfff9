"""Which files of a folder are images, and what is said of a folder without any."""

import pytest

from tf_ssae.data.find import find


def test_looking_for_images_says_where_and_what_is_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="No folder .*nowhere"):
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
