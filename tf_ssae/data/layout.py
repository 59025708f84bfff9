"""How a folder of images is read: which of its images train, are held out or test, and which files
are masks. Read by what is there (see `words`); what is not understood is refused.
"""

import collections
import csv
import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

from tf_ssae.data import words
from tf_ssae.data.find import images_in
from tf_ssae.data.walk import Walk, walk

GOOD = "good"
TRAIN, HELD_OUT, TEST = "train", "held out", "test"

_SHOWN = 12
_EXPECTED = (
    "Expected a folder of good images alone; or train/good, test/good, test/DEFECT and"
    " ground_truth/DEFECT (the layout of MVTec AD); or good, bad and masks; in any of the usual"
    " words (ok, normal, ng, defective, ...)."
)

_Parts = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Placed:
    """A file and its place in the layout.

    Attributes:
        path: of the image.
        label: index into the layout's `class_names`; 0 is good.
        role: TRAIN, HELD_OUT or TEST; of a bad image always TEST.
        within: the folders between its class's and it, then its name.
    """

    path: pathlib.Path
    label: int
    role: str
    within: _Parts


@dataclasses.dataclass
class Layout:
    """A folder as it was read.

    Attributes:
        images: those that train first.
        class_names: GOOD, then the kinds of defects.
        masks: `(path, places)` of mask files: what `Placed.within` of their image may be, behind
            the folder of its class (a name of `class_names`), or without one.
        tests_chosen: whether the folder itself says which normal images test.
        notes: sentences: how it was read, and what in it was not.
        left_out: `(path, reason)`.
    """

    images: list[Placed] = dataclasses.field(default_factory=list)
    class_names: list[str] = dataclasses.field(default_factory=lambda: [GOOD])
    masks: list[tuple[pathlib.Path, _Parts]] = dataclasses.field(default_factory=list)
    tests_chosen: bool = True
    notes: list[str] = dataclasses.field(default_factory=list)
    left_out: list[tuple[pathlib.Path, str]] = dataclasses.field(default_factory=list)


def read(data_dir: str) -> Layout:
    """The Layout of a folder. It imports no TensorFlow, so that mistakes are answered at once.

    Raises:
        FileNotFoundError: it is not there, holds no images, or is laid out in a way that is not
            understood; the message says what was found and what was expected.
    """
    if not data_dir:
        raise FileNotFoundError("--dataset=folder needs --data_dir=PATH, a folder of images.")
    root = pathlib.Path(data_dir)
    if not root.is_dir():
        raise FileNotFoundError(f"--data_dir={root}: no such folder.")
    found = walk(root)
    if not any(words.kind(folder.name) for folder in found.folders):
        found = images_in(root)
    layout = _Reading(root, found).layout
    layout.notes += found.notes
    return layout


class _Reading:
    """A folder being read: its images by the folders that they are in."""

    def __init__(self, root: pathlib.Path, found: Walk):
        self._root, self._found = root, found
        self._at = {path.relative_to(root).parts: path for path in found.images}
        self._folders = {path.relative_to(root).parts for path in found.folders}
        self.layout = Layout()
        self._unwrap()
        kinds = collections.defaultdict(list)
        for name in self._below():
            kinds[words.kind(name)].append(name)
        if kinds["train"]:
            self._read_train_and_test(kinds)
        elif not self._read_visa(kinds):
            unknown = [name for kind in ("", "images") for name in kinds[kind]]
            others = kinds["test"] + kinds["validation"] + kinds["unlabelled"]
            if kinds["good"] and (kinds["bad"] or kinds["masks"]) and not unknown + others:
                self._read_good_and_bad(kinds)
            else:
                self._read_plain(kinds, unknown)
        if not any(image.role == TRAIN for image in self.layout.images):
            raise self._refused("none of it is a folder of good images to train on")

    def _unwrap(self) -> None:
        """Takes `Data/Images/...` as what is in it, if nothing but masks is beside it."""
        while True:
            top = self._below()
            wrappers = [name for name in top if words.kind(name) == "images"]
            beside = [name for name in top if name not in wrappers and words.kind(name) != "masks"]
            inside = self._below(*wrappers[:1])
            if len(wrappers) != 1 or beside or not any(words.kind(name) for name in inside):
                return
            (wrapper,) = wrappers

            self._at = {_without(parts, wrapper): path for parts, path in self._at.items()}
            self._folders = {_without(parts, wrapper) for parts in self._folders} - {()}

    def _below(self, *above: str) -> list[str]:
        """The names of the folders right below a folder, sorted."""
        depth = len(above)
        return sorted(
            {
                parts[depth]
                for parts in self._folders
                if len(parts) > depth and parts[:depth] == above
            }
        )

    def _images(self, *above: str) -> dict[_Parts, pathlib.Path]:
        """The images in a folder and below it, by their parts behind it."""
        depth = len(above)
        return {
            parts[depth:]: path
            for parts, path in self._at.items()
            if parts[:depth] == above and len(parts) > depth
        }

    def _loose(self, *above: str) -> list[pathlib.Path]:
        return [path for parts, path in self._images(*above).items() if len(parts) == 1]

    def _leave_out(self, paths: Iterable[pathlib.Path], reason: str) -> None:
        self.layout.left_out += [(path, reason) for path in paths]

    def _label(self, name: str) -> int:
        """The index of a class of defects, which is added to the classes."""
        taken = name if name != GOOD else f"{name} (defects)"
        if taken not in self.layout.class_names[1:]:
            self.layout.class_names.append(taken)
        return self.layout.class_names.index(taken, 1)

    def _place(self, above: _Parts, label: int, role: str) -> int:
        """Places the images of one class. Returns how many."""
        count = 0
        images = self._images(*above)
        if not images:
            self.layout.notes.append(f"{'/'.join(above)} holds no images.")
        stems = {(*parts[:-1], pathlib.PurePath(parts[-1]).stem) for parts in images}
        for parts, path in images.items():
            folder = next((i for i, p in enumerate(parts[:-1]) if words.kind(p) == "masks"), None)
            beside = [(*parts[:-1], stem) for stem in words.stems(path.stem)[1:]]
            if folder is not None:
                self._masks_of(path, label, (*parts[:folder], *parts[folder + 1 :]))
            elif any(stem in stems for stem in beside) and _looks_like_a_mask(path):
                if role == TRAIN:
                    raise self._refused(
                        f"{path.relative_to(self._root)} looks like the mask of an image beside it;"
                        " masks, and the bad parts that they belong to, must not train"
                    )
                self._masks_of(path, label, parts)
            else:
                nested = [p for p in parts[:-1] if label == 0 and words.kind(p) == "bad"]
                if nested:
                    raise self._refused(f"{'/'.join((*above, *parts[:-1]))} lies among good images")
                self.layout.images.append(Placed(path, label, role, parts))
                count += 1
        return count

    def _masks_of(self, path: pathlib.Path, label: int, within: _Parts) -> None:
        if label:
            self.layout.masks.append((path, (self.layout.class_names[label], *within)))
        else:
            self._leave_out([path], "a mask of a normal image: nothing in it is anomalous")

    def _place_masks(self, above: _Parts) -> None:
        for parts, path in self._images(*above).items():
            if len(parts) > 1 and words.kind(parts[0]) == "good":
                self._masks_of(path, 0, parts)
            else:
                self.layout.masks.append((path, parts))

    def _read_train_and_test(self, kinds: dict[str, list[str]]) -> None:
        if len(kinds["train"]) > 1:
            raise self._refused(f"{' and '.join(kinds['train'])} both say that they train")
        (train,) = kinds["train"]
        self._read_train(train)
        self._held_out(kinds["validation"])
        for test in kinds["test"]:
            for name in self._below(test):
                what = words.kind(name)
                if what == "masks":
                    self._place_masks((test, name))
                else:
                    label = 0 if what == "good" else self._label(name)
                    self._place((test, name), label, TEST)
            self._leave_out(
                self._loose(test), "not in a folder: expected train/good, test/good or test/DEFECT"
            )
        for masks in kinds["masks"]:
            self._place_masks((masks,))
        rest = [name for kind in ("", "images", "good", "bad") for name in kinds[kind]]
        for name in (*rest, *kinds["unlabelled"]):
            count = len(self._images(name))
            if count:
                self.layout.notes.append(f"Not used: the {count:,} images in {name}.")
        self._leave_out(self._loose(), "not in a folder: expected train/good or test/DEFECT")
        held_out = sum(image.role == HELD_OUT for image in self.layout.images)
        self._describe(f"train, test{' and validation' if held_out else ''}")

    def _read_train(self, train: str) -> None:
        below = self._below(train)
        good = [name for name in below if words.kind(name) == "good"]
        other = [name for name in below if words.kind(name) not in ("good", "masks")]
        if other or (below and not good) or not self._images(train):
            raise FileNotFoundError(
                f"{self._root / train} holds {', '.join(other or below) or 'no folder'}; expected"
                f" one folder, {GOOD}, of normal images (the layout of MVTec AD: train/good,"
                f" test/good, test/DEFECT).\n{self._picture()}"
            )
        if not good:
            self._place((train,), 0, TRAIN)
            return
        for name in good:
            self._place((train, name), 0, TRAIN)
        self._leave_out(
            self._loose(train), "not in a folder: expected train/good, test/good or test/DEFECT"
        )
        for name in below:
            if words.kind(name) == "masks":
                self._place_masks((train, name))

    def _held_out(self, validation: Sequence[str]) -> None:
        for name in validation:
            for below in self._below(name):
                if words.kind(below) == "good":
                    self._place((name, below), 0, HELD_OUT)
                else:
                    count = len(self._images(name, below))
                    self.layout.notes.append(
                        f"Not used: the {count:,} images in {name}/{below}: held-out images are"
                        " normal."
                    )
            self._leave_out(self._loose(name), f"not in a folder: expected {name}/good")

    def _read_good_and_bad(self, kinds: dict[str, list[str]]) -> None:
        self.layout.tests_chosen = False
        for name in kinds["good"]:
            self._place((name,), 0, TRAIN)
        for name in kinds["bad"]:
            self._place((name,), self._label(name), TEST)
        for name in kinds["masks"]:
            self._place_masks((name,))
        self._leave_out(self._loose(), "not in a folder: expected one of good or bad images")
        self._describe("good and bad")

    def _read_visa(self, kinds: dict[str, list[str]]) -> bool:
        """VisA's own split, if its table lies where its authors put it."""
        table = self._root.parent / "split_csv" / "1cls.csv"
        if not (kinds["good"] and kinds["bad"] and table.is_file()):
            return False
        with open(table, newline="", encoding="utf-8", errors="replace") as file:
            rows = [row for row in csv.DictReader(file) if row.get("object") == self._root.name]
        split_of = {self._root.parent / str(row.get("image")): row.get("split") for row in rows}
        if not rows or set(split_of.values()) != {"train", "test"}:
            return False
        self._read_good_and_bad(kinds)
        self.layout.tests_chosen = True
        for i, image in enumerate(self.layout.images):
            if split_of.get(image.path) == "test":
                self.layout.images[i] = dataclasses.replace(image, role=TEST)
        self.layout.notes[-1] = self.layout.notes[-1].replace(
            "good and bad", f"good and bad, split as {table} says"
        )
        return True

    def _read_plain(self, kinds: dict[str, list[str]], unknown: list[str]) -> None:
        if kinds["good"] and unknown:
            good = self._root / kinds["good"][0]
            raise FileNotFoundError(
                f"{self._root} holds a folder {good.name} beside {', '.join(unknown)}; without a"
                " folder train, all of them would be taken for normal images. Pass"
                f" --data_dir={good}, or move them to train/good and test/DEFECT."
                f"\n{self._picture()}"
            )
        for parts in sorted(self._folders):
            if words.is_suspicious(parts[-1]) and self._images(*parts):
                raise self._refused(
                    f"{'/'.join(parts)} does not look like normal images, and without a folder"
                    " train all of its images would train as normal",
                    self._inner(),
                )
            goods = [name for name in self._below(*parts) if words.kind(name) == "good"]
            if goods and len(goods) < len(self._below(*parts)):
                beside = [name for name in self._below(*parts) if name not in goods]
                raise self._refused(
                    f"{'/'.join(parts)} holds {goods[0]} beside {', '.join(beside)}", self._inner()
                )
        self.layout.tests_chosen = False
        self._place((), 0, TRAIN)
        self._describe("a folder of good images")

    def _inner(self) -> str:
        """Advice, if the folders in this one are each laid out in a way that is understood."""
        inner = [
            name
            for name in self._below()
            if any(words.kind(below) in ("train", "good", "images") for below in self._below(name))
        ]
        if not inner:
            return ""
        return f"Pass one of the folders in it, such as --data_dir={self._root / inner[0]}."

    def _describe(self, layout: str) -> None:
        roles = collections.Counter((image.role, image.label > 0) for image in self.layout.images)
        counts = [f"{roles[TRAIN, False]:,} good images to train on"]
        if roles[HELD_OUT, False]:
            counts.append(f"{roles[HELD_OUT, False]:,} to hold out")
        if roles[TEST, False]:
            counts.append(f"{roles[TEST, False]:,} good ones to test on")
        if roles[TEST, True]:
            counts.append(f"{roles[TEST, True]:,} bad ones")
        if self.layout.masks:
            counts.append(f"{len(self.layout.masks):,} masks")
        self.layout.notes.insert(0, f"Read as {layout}: {', '.join(counts)}.")

    def _refused(self, why: str, advice: str = "") -> FileNotFoundError:
        parts = [f"{self._root} is laid out in a way that is not understood: {why}."]
        parts += [advice] if advice else []
        return FileNotFoundError(f"{' '.join([*parts, _EXPECTED])}\n{self._picture()}")

    def _picture(self) -> str:
        """The folders that hold images, and how many, a line each."""
        counts = collections.Counter(
            path.relative_to(self._root).parent for path in self._found.images
        )
        lines = [f"  {folder}: {count:,} images" for folder, count in sorted(counts.items())]
        if len(lines) > _SHOWN:
            lines[_SHOWN:] = [f"  ... and {len(lines) - _SHOWN:,} more folders"]
        return "\n".join([f"Found in {self._root}:", *lines])


def _without(parts: _Parts, wrapper: str) -> _Parts:
    return parts[1:] if parts[0] == wrapper else parts


def _looks_like_a_mask(path: pathlib.Path) -> bool:
    # Its import loads TensorFlow, which names alone hardly ever need.
    from tf_ssae.data.mask_pixels import looks_like_a_mask

    return looks_like_a_mask(path)
