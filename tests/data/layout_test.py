"""Folders as people and data sets have them: how they are read, or why they are refused."""

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data import layout
from tf_ssae.data.layout import HELD_OUT, TEST, TRAIN


@pytest.fixture
def make(tmp_path):
    """A function that writes images, `{folder: how many}` or `{file: None}`; the folder of all."""

    def made(folders):
        root = tmp_path / "parts"
        root.mkdir(exist_ok=True)
        for name, count in folders.items():
            names = [name] if count is None else [f"{name}/{i:03d}.png" for i in range(count)]
            if count == 0:
                (root / name).mkdir(parents=True)
            for file in names:
                path = root / file
                path.parent.mkdir(parents=True, exist_ok=True)
                noise = np.random.default_rng(0).integers(0, 256, (12, 12), np.uint8)
                Image.fromarray(noise).save(path, format="PNG")
        return root

    return made


def counts(read):
    """`{(class, role): images}`."""
    found = {}
    for image in read.images:
        key = read.class_names[image.label], image.role
        found[key] = found.get(key, 0) + 1
    return found


@pytest.mark.parametrize(
    "folders, expected",
    [
        ({"train/good": 3, "test/good": 1, "test/dent": 2}, {"dent": 2, "tests": 1}),
        ({"Train/Good": 3, "Test/Good": 1, "Test/Dent": 2}, {"Dent": 2, "tests": 1}),
        ({"training/OK": 3, "testing/ok": 1, "testing/NG": 2}, {"NG": 2, "tests": 1}),
        ({"train": 3, "test/good": 1, "test/bad": 2}, {"bad": 2, "tests": 1}),
        ({"01_train/good_images": 3, "02_test/defective parts": 2}, {"defective parts": 2}),
        ({"train/good": 3, "test_public/bad": 1, "test_private": 4}, {"bad": 1}),
        ({"normal": 3, "abnormal": 2}, {"abnormal": 2}),
        ({"OK": 3, "NG": 2}, {"NG": 2}),
        ({"good": 3, "not good": 2}, {"not good": 2}),
        ({"NoDefects": 3, "WithDefects": 2}, {"WithDefects": 2}),
        ({"Data/Images/Normal": 3, "Data/Images/Anomaly": 2}, {"Anomaly": 2}),
        ({"images": 3}, {}),
        ({"line1/monday": 2, "line2": 1}, {}),
        ({"line1/good": 2, "line2/ok": 1}, {}),
    ],
)
def test_what_is_there_decides_not_its_spelling(folders, expected, make):
    expected, tests = dict(expected), expected.get("tests", 0)
    expected.pop("tests", None)
    read = layout.read(str(make(folders)))
    wanted = {("good", TRAIN): 3, **{(name, TEST): n for name, n in expected.items()}}
    assert counts(read) == wanted | ({("good", TEST): tests} if tests else {})
    assert read.notes[0].startswith("Read as ")
    assert "3 good images to train on" in read.notes[0]


@pytest.mark.parametrize(
    "folders, why",
    [
        ({"bottle/train/good": 2, "cable/train/good": 2}, "Pass .* such as --data_dir=.*bottle"),
        (
            {"bottle/Data/Images/Normal": 2, "bottle/Data/Images/Anomaly": 2},
            "Images holds Normal beside Anomaly.* Pass one",
        ),
        ({"monday": 2, "monday/NG": 1}, "monday/NG does not look like normal images"),
        ({"monday": 2, "scratched parts": 1}, "scratched parts does not look like"),
        ({"photos": 3, "photos/masks": 3}, "masks does not look like|none of it is"),
        ({"NG": 3}, "NG does not look like normal"),
        ({"test/good": 3, "test/bad": 3}, "does not look like normal"),
        ({"good": 3, "unsure": 1}, "a folder good beside unsure"),
        ({"line1/good": 3, "line1/unsure": 1}, "line1 holds good beside unsure"),
        ({"train/good": 2, "train/bad": 2}, "train holds bad; expected one folder, good"),
        ({"train/good": 2, "Training/good": 2}, "both say that they train"),
        ({"train/good": 2, "train/good/NG": 1}, "train/good/NG lies among good images"),
        ({"train/good": 0, "test/bad": 1}, "train holds good; expected"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_picture(folders, why, make):
    root = make(folders)
    with pytest.raises(FileNotFoundError, match=f"(?s){why}.*\nFound in ") as error:
        layout.read(str(root))
    filled = [folder for folder, count in folders.items() if count]
    assert all(f"  {folder}: {folders[folder]} images" in str(error.value) for folder in filled)


def test_masks_beside_their_photos_do_not_train(make):
    root = make({"a": 3})
    Image.new("L", (12, 12)).save(root / "a" / "001_label.png")
    with pytest.raises(FileNotFoundError, match="001_label.png looks like the mask of an image"):
        layout.read(str(root))
    # A photo of a label is a photo.
    noise = np.random.default_rng(5).integers(0, 256, (12, 12), np.uint8)
    Image.fromarray(noise).save(root / "a" / "001_label.png")
    assert len(layout.read(str(root)).images) == 4


def test_mvtec_loco_holds_out_its_own_and_has_a_folder_of_masks_an_image(make):
    root = make(
        {
            **{"train/good": 3, "validation/good": 2, "test/good": 1},
            **{"test/logical_anomalies": 2, "ground_truth/logical_anomalies/000": 2},
        }
    )
    read = layout.read(str(root))
    assert counts(read) == {
        ("good", TRAIN): 3,
        ("good", HELD_OUT): 2,
        ("good", TEST): 1,
        ("logical_anomalies", TEST): 2,
    }
    assert [parts for _, parts in read.masks] == [
        ("logical_anomalies", "000", "000.png"),
        ("logical_anomalies", "000", "001.png"),
    ]


def test_mvtec_3d_has_its_masks_beside_the_photos(make):
    root = make({"train/good/rgb": 3, "test/bent/rgb": 2, "test/bent/gt": 2, "test/good/gt": 1})
    read = layout.read(str(root))
    assert counts(read) == {("good", TRAIN): 3, ("bent", TEST): 2}
    assert [parts for _, parts in read.masks] == [("bent", "000.png"), ("bent", "001.png")]


def test_visa_is_split_as_its_authors_publish_it(make):
    root = make({"Data/Images/Normal": 4, "Data/Images/Anomaly": 1, "Data/Masks/Anomaly": 1})
    assert counts(layout.read(str(root))) == {("good", TRAIN): 4, ("Anomaly", TEST): 1}
    table = root.parent / "split_csv" / "1cls.csv"
    table.parent.mkdir()
    rows = ["object,split,label,image,mask"]
    for i in range(4):
        image = f"parts/Data/Images/Normal/{i:03d}.png"
        rows.append(f"parts,{'train' if i < 3 else 'test'},normal,{image},")
    rows.append("parts,test,anomaly,parts/Data/Images/Anomaly/000.png,")
    table.write_text("\n".join(rows))
    read = layout.read(str(root))
    assert counts(read) == {("good", TRAIN): 3, ("good", TEST): 1, ("Anomaly", TEST): 1}
    assert read.tests_chosen and "split as" in read.notes[0]


def test_what_is_not_used_is_said(make):
    root = make({"train/good": 2, "test/dent": 1, "test/empty": 0, "more": 2, "loose.png": None})
    read = layout.read(str(root))
    assert "test/empty holds no images." in read.notes
    assert "Not used: the 2 images in more." in read.notes
    assert [path.name for path, _ in read.left_out] == ["loose.png"]
