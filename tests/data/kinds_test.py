import pytest

from tf_ssae.data.kinds import kind_of


@pytest.fixture
def part(tmp_path):
    """A function from a folder and an image to the image's class."""
    for name in ("train/good", "test/OK", "test/hole", "ground_truth/hole", "plain", "nothing"):
        (tmp_path / name).mkdir(parents=True)
    return lambda root, image: kind_of(tmp_path / image, tmp_path / root)


@pytest.mark.parametrize(
    ("root", "image", "kind"),
    [
        ("test", "test/hole/1.png", "hole"),
        ("test", "test/OK/1.png", "good"),
        ("test", "test/OK/deeper/1.png", "good"),
        ("test", "test/1.png", None),
        (".", "test/hole/1.png", "hole"),
        (".", "train/good/1.png", "good"),
        (".", "ground_truth/hole/1.png", None),
        (".", "plain/1.png", None),
        ("test/OK", "test/OK/1.png", "good"),
        ("test/hole", "test/hole/1.png", "hole"),
        ("plain", "plain/1.png", None),
        ("missing", "missing/1.png", None),
        ("plain", "test/hole/1.png", None),
    ],
)
def test_the_class_is_that_of_the_folder_if_one_of_good_images_lies_beside_it(
    part, root, image, kind
):
    assert part(root, image) == kind
