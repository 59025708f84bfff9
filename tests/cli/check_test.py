import pytest
from conftest import ROOT, run_python
from PIL import Image


def check(folder, *flags):
    command = ["-m", "tf_ssae.cli.main", "check", f"--data_dir={folder}", "--detector=ssae"]
    command.append("--image_size=32")
    return run_python(*command, *flags, cwd=ROOT)


@pytest.fixture(scope="module")
def photos(tmp_path_factory, digit_images):
    """Forty digits in a plain folder, one of them broken."""
    folder = tmp_path_factory.mktemp("photos") / "digits"
    folder.mkdir()
    for i, image in enumerate(digit_images.images[:40]):
        Image.fromarray(image[..., 0]).save(folder / f"{i:02d}.png")
    (folder / "00.png").write_bytes(b"")
    return folder


def test_a_folder_is_described_in_lines(photos):
    done = check(photos, "--batch_size=4", "--calibration_share=0.2")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    *lines, estimate = done.stdout.splitlines()
    assert lines == [
        f"{photos}: 39 images to use, 1 files left out.",
        "Read as a folder of good images: 40 good images to train on.",
        "  class    train     test",
        "  good        39        0",
        "Size: all 8x8 pixels; grey. Each is seen at 8x8.",
        "Left out: 00.png: an empty file.",
        "28 normal images to train on, 7 held out for the threshold; 4 test images, 0 of them"
        " anomalies.",
        "Threshold: 12.50% of normal images are expected above the threshold (95% interval 0.36% to"
        " 40.96%, from 7 held-out images): MORE THAN THE 1.00% ASKED FOR. The threshold is the"
        " largest held-out score; to guarantee 1.00%, at least 99 held-out images are needed.",
    ]
    assert estimate.startswith("Training would take about ")
    assert estimate.endswith(" of 420 steps (60 epochs). Scoring the test images comes on top.")


def test_what_was_found_is_printed_before_what_is_wrong(photos):
    done = check(photos, "--batch_size=64")
    assert done.returncode == 1
    assert "39 images to use" in done.stdout and "31 normal images to train on" in done.stdout
    assert done.stderr == "Error: batch_size=64 is more than the 31 training images: lower it.\n"
    done = check(photos / "no")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"Error: --data_dir={photos / 'no'}: no such folder.\n"
