"""The campaign of damaged image files, a small one."""

from campaigns import images


def test_every_damaged_file_is_decoded_or_refused_with_a_reason():
    counts, _, _, wrong = images.campaign(300)
    assert wrong == [] and counts["refused"] > 100 and counts["decoded"] > 10
