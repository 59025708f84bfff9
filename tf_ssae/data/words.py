"""What the names of folders and files mean: the words that people use for good and bad parts, for
training and test images, and for masks. Spelling, case and numbers do not matter.
"""

import re

# What a folder's name, without what is in _FILLERS, may be.
_KINDS = {
    "train": "train training trn",
    "validation": "validation val valid calibration heldout",
    "test": "test testing tests testset testpublic evaluation eval",
    "unlabelled": "testprivate testprivatemixed",
    "masks": (
        "groundtruth groundtruths gt mask masks label labels annotation annotations segmentation"
        " segmentations seg anomalymask anomalymasks defectmask defectmasks"
    ),
    "good": (
        "good ok okay normal normals nominal pass passed accepted conforming clean healthy intact"
        " flawless faultless defectfree nodefect nodefects nondefect nondefective anomalyfree"
        " noanomaly gut io bon"
    ),
    "bad": (
        "bad ng nok ko notok notgood nogood nonconforming abnormal anomaly anomalies anomalous"
        " anormal defect defects defective defected fail failed failure failures fault faults"
        " faulty flawed nio reject rejects rejected scrap outlier outliers unhealthy schlecht"
        " mauvais"
    ),
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_FILLERS = frozenset(
    "image images img imgs picture pictures photo photos part parts piece pieces sample samples"
    " product products data dataset set class folder".split()
)
# Names of defects: a folder called so holds no good parts.
_DEFECTS = frozenset(
    "scratch scratches scratched crack cracks cracked dent dents dented hole holes stain stains"
    " stained broken damaged damage contamination contaminated missing misprint bent".split()
)
_MASK = "mask|gt|label|ground_?truth|seg(?:mentation)?|annotation"
_SUFFIX = re.compile(rf"(.+?)[ _.-]+(?:{_MASK})s?(?:[ _.-]*\d+)?", re.I)
_PREFIX = re.compile(rf"(?:{_MASK})s?[ _.-]+(.+)", re.I)


def kind(name: str) -> str:
    """What a folder's name says it holds: a key of `_KINDS`; "images" if it says just that; else
    an empty string.
    """
    words = _words(name)
    whole = "".join(words)
    rest = [word for word in words if word not in _FILLERS]
    if not rest and words:
        return "images"
    for spelling in (whole, "".join(rest)):
        if spelling in _KIND_OF:
            return _KIND_OF[spelling]
    return "bad" if any(_KIND_OF.get(word) == "bad" for word in rest) else ""


def is_suspicious(name: str) -> bool:
    """Whether a folder of this name does not belong among folders of normal images."""
    return kind(name) in ("bad", "masks", "test", "validation", "unlabelled", "train") or any(
        word in _DEFECTS for word in _words(name)
    )


def stems(mask: str) -> tuple[str, ...]:
    """The stems of images that a mask with this stem may belong to, the most likely first."""
    found = [mask]
    for pattern in (_SUFFIX, _PREFIX):
        match = pattern.fullmatch(mask)
        if match:
            found.append(match[1])
    return tuple(found)


def _words(name: str) -> list[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", apart)]
