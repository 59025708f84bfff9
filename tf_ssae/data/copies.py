"""Copies: images of equal pixels, whatever their files, and which of them is kept."""

import collections
from collections.abc import Hashable, Mapping, Sequence

from tf_ssae.data.layout import GOOD, TRAIN, Placed

KNOWN_DEFECT = "a known defect"


def left_out(
    images: Mapping[str, Placed], digests: Mapping[str, Hashable], class_names: Sequence[str]
) -> dict[str, str]:
    """The images that are left out because of others with the same pixels, and why.

    Of equal images of one class the first is kept; those that train come first. A known defect
    never trains: its copies among the good images that train are left out. Test images that are
    called both good and bad are all left out.

    Args:
        images: `{name: Placed}`, those that train first.
        digests: of each one's pixels.
        class_names: see `Layout`.
    """
    groups: dict[Hashable, list[str]] = collections.defaultdict(list)
    for name in images:
        groups[digests[name]].append(name)
    reasons: dict[str, str] = {}
    for names in groups.values():
        if len(names) > 1:
            reasons |= _of_group(names, images, class_names)
    return reasons


def _of_group(
    names: Sequence[str], images: Mapping[str, Placed], class_names: Sequence[str]
) -> dict[str, str]:
    bad = [name for name in names if images[name].label]
    if bad:
        defect = f"a copy of {bad[0]}, {KNOWN_DEFECT}"
        reasons = {
            name: f"{defect} ({class_names[images[bad[0]].label]}): it must not pass for good"
            for name in names
            if not images[name].label
        }
        tested = [name for name in names if not images[name].label and images[name].role != TRAIN]
        if tested:
            # Which of the two is right, nobody here knows.
            reasons |= {name: f"a copy of {tested[0]}, which is in {GOOD}" for name in bad}
        else:
            reasons |= {name: f"a copy of {bad[0]}" for name in bad[1:]}
        return reasons
    first = names[0]
    kind = ", a training image" if images[first].role == TRAIN else ""
    return {name: f"a copy of {first}{kind}" for name in names[1:]}
