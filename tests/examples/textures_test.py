"""The made-up inspection data set: its layout, its masks, and that a seed decides all of it."""

import importlib.util

import numpy as np
import pytest
from conftest import ROOT, run_command
from PIL import Image

_SPEC = importlib.util.spec_from_file_location("textures", ROOT / "examples" / "textures.py")
textures = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(textures)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small data set, not to be changed."""
    output = tmp_path_factory.mktemp("examples") / "textures"
    textures.write(output, images=20, size=48)
    return output


def files(folder):
    """The bytes of every file, by its path below `folder`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_layout(folder):
    counts = {"train/good": 20, "test/good": 5}
    for defect in ("scratch", "stain", "hole", "misprint"):
        counts |= {f"test/{defect}": 10, f"ground_truth/{defect}": 10}
    found = [path.rsplit("/", 1) for path in files(folder)]
    assert {part: sum(parent == part for parent, _ in found) for part, _ in found} == counts
    assert list(folder.parent.iterdir()) == [folder]
    for path in [*folder.glob("train/*/*"), *folder.glob("test/*/*")]:
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGB", (48, 48))


def test_every_defect_has_a_mask(folder):
    for path in folder.glob("test/*/*.png"):
        if path.parent.name != "good":
            mask = Image.open(folder / "ground_truth" / path.parent.name / f"{path.stem}_mask.png")
            assert (mask.mode, mask.size) == ("L", (48, 48))
            assert set(np.unique(mask)) == {0, 255}


@pytest.mark.parametrize("part, defect", list(enumerate(textures.DEFECTS, start=2)))
def test_masks_are_where_the_defect_changed_the_image(folder, part, defect):
    for i, random in enumerate(textures._generators(0, part, 10)):
        clean, image, mask = textures.defective(random, 48, defect)
        changed = (clean != image).any(axis=-1)
        assert not changed[~mask].any()
        # A few pixels inside happen to look as they did.
        assert changed[mask].mean() > 0.9
        np.testing.assert_array_equal(
            np.asarray(Image.open(folder / "test" / defect / f"{i:04}.png")), image
        )
        stored = Image.open(folder / "ground_truth" / defect / f"{i:04}_mask.png")
        np.testing.assert_array_equal(np.asarray(stored) == 255, mask)


def test_same_seed_same_files(folder, tmp_path):
    textures.write(tmp_path / "more", images=24, size=48)
    more = files(tmp_path / "more")
    assert len(more) == len(files(folder)) + 5
    assert files(folder).items() <= more.items()


def test_no_image_is_drawn_twice(folder, tmp_path):
    images = [content for path, content in files(folder).items() if "ground_truth" not in path]
    textures.write(tmp_path / "other", images=1, seed=1, size=48)
    images += [
        content for path, content in files(tmp_path / "other").items() if "ground_truth" not in path
    ]
    assert len(set(images)) == len(images)


def test_the_parts_are_upright(folder):
    """The mean image differs from its quarter turns: rotation can be learnt."""
    mean = np.mean(
        [np.asarray(Image.open(path), float) for path in folder.glob("train/good/*")], axis=0
    )
    for d in (1, 2, 3):
        assert np.abs(mean - np.rot90(mean, d)).mean() > 10


def test_an_existing_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    done = run_command("examples/textures.py", f"--output={tmp_path}", "--images=1", "--size=48")
    assert done.returncode == 1
    assert done.stderr == f"Error: {tmp_path} already exists. Remove it, or name another folder.\n"
    assert files(tmp_path) == {"kept.txt": b"kept"}


def test_nothing_is_left_of_a_data_set_that_was_not_finished(tmp_path, monkeypatch):
    def interrupted(random, size, defect):
        raise KeyboardInterrupt

    monkeypatch.setattr(textures, "defective", interrupted)
    with pytest.raises(KeyboardInterrupt):
        textures.write(tmp_path / "textures", images=1, size=48)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [dict(images=0), dict(size=31)])
def test_too_small_a_data_set_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="at least 1 image of at least 32 pixels"):
        textures.write(tmp_path / "textures", **wrong)
