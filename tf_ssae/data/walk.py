"""The one walk through folders of images: what is there, and what was not entered, with reasons."""

import dataclasses
import fnmatch
import os
import pathlib
from collections.abc import Iterator, Sequence

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

# A folder with one of these is an output of this package: its images are no photographs.
_OUTPUTS = ("model.keras", "saved_model.pb")
_UNFINISHED_RUN, _SETTINGS = ".partial", "config.json"

_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Walk:
    """What is in a folder and below it; what is hidden is left out.

    Attributes:
        folder: where the walk began.
        files: all files, sorted by name.
        folders: the folders below `folder` that were entered.
        not_entered: `(path, reason)` of folders and files that could not be looked at.
        outputs: folders of runs and exports, which are passed over.
    """

    folder: pathlib.Path
    files: Sequence[pathlib.Path]
    folders: Sequence[pathlib.Path]
    not_entered: Sequence[tuple[pathlib.Path, str]]
    outputs: Sequence[pathlib.Path]

    @property
    def images(self) -> list[pathlib.Path]:
        """The files that have the name of an image, in order."""
        return [path for path in self.files if is_image(path)]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences: what was not entered and what was passed over; none if nothing was."""
        notes = [f"Not entered: {path}: {reason}." for path, reason in self.not_entered]
        if len(notes) > 2 * _NAMED:
            more = len(notes) - 2 * _NAMED
            notes[2 * _NAMED :] = [f"... and {more:,} more that were not entered."]
        if self.outputs:
            named = ", ".join(map(str, self.outputs[:_NAMED]))
            more = len(self.outputs) - _NAMED
            named += f" and {more:,} more" if more > 0 else ""
            notes.append(f"Passed over, {len(self.outputs):,} outputs of tf_ssae: {named}.")
        return tuple(notes)


def is_image(path: pathlib.PurePath) -> bool:
    """Whether a path ends as an image file does."""
    return path.suffix.lower() in EXTENSIONS


def walk(folder: pathlib.Path, depth: int | None = None) -> Walk:
    """Looks into a folder and those below it, through links too; each folder is entered once.

    `depth`: how many folders deep; None: all.

    Raises:
        FileNotFoundError: `folder` is not a folder.
        PermissionError: it cannot be looked into.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}.")
    walked = _Walking(folder)
    levels, level = 0, [folder]
    # Level by level, folders before links: what is reached both ways is entered as itself.
    while level and (depth is None or levels <= depth):
        links: list[pathlib.Path] = []
        below = [path for parent in level for path in walked.enter(parent, links)]
        level = below + links
        levels += 1
    return Walk(
        folder,
        sorted(walked.files),
        sorted(walked.folders),
        sorted(walked.not_entered),
        sorted(walked.outputs),
    )


class _Walking:
    """A walk under way."""

    def __init__(self, folder: pathlib.Path):
        self.files: list[pathlib.Path] = []
        self.folders: list[pathlib.Path] = []
        self.not_entered: list[tuple[pathlib.Path, str]] = []
        self.outputs: list[pathlib.Path] = []
        self._start = folder
        # A link to a folder above leads back here: a loop too.
        self._entered = {_identity(path): path for path in folder.resolve().parents}

    def enter(self, folder: pathlib.Path, links: list[pathlib.Path]) -> list[pathlib.Path]:
        """Notes what is in a folder. Returns the folders in it; links to folders go to `links`."""
        try:
            first = self._entered.setdefault(_identity(folder), folder)
            if first is not folder:
                reason = f"it leads to {first}, which "
                above = first in self._start.resolve().parents
                reason += "holds this folder" if above else "is read already"
                self.not_entered.append((folder, reason))
                return []
            with os.scandir(folder) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
        except OSError as error:
            if folder == self._start:
                raise
            self.not_entered.append((folder, f"cannot be entered: {error.strerror}"))
            return []
        if folder != self._start:
            if _is_output(folder, {entry.name for entry in entries}):
                self.outputs.append(folder)
                return []
            self.folders.append(folder)
        below: list[pathlib.Path] = []
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_dir():
                    (links if entry.is_symlink() else below).append(path)
                elif entry.is_file():
                    self.files.append(path)
                elif is_image(path) or entry.is_symlink():
                    broken = entry.is_symlink() and not os.path.exists(path)
                    reason = "a link that leads nowhere" if broken else "not a file"
                    self.not_entered.append((path, reason))
            except OSError as error:
                self.not_entered.append((path, f"cannot be looked at: {error.strerror}"))
        return below


def _identity(path: pathlib.Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _is_output(folder: pathlib.Path, names: set[str]) -> bool:
    unfinished = folder.name.endswith(_UNFINISHED_RUN) and _SETTINGS in names
    return unfinished or any(name in names for name in _OUTPUTS)


def matching(pattern: str) -> Walk:
    """What a pattern such as `parts/*/*.png` stands for; `**` is any number of folders.

    Raises:
        FileNotFoundError, PermissionError: as `walk`, of the folders before the first wildcard.
    """
    parts = pathlib.PurePath(pattern).parts
    fixed = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
    folder, wanted = pathlib.Path(*parts[:fixed]), parts[fixed:]
    found = walk(folder, None if "**" in wanted else len(wanted) - 1)
    files = [path for path in found.files if _matches(path.relative_to(folder).parts, wanted)]
    return dataclasses.replace(found, files=files)


def _matches(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_matches(parts[i:], wanted[1:] or ("*",)) for i in _from(parts))
    return (
        bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0]) and _matches(parts[1:], wanted[1:])
    )


def _from(parts: Sequence[str]) -> Iterator[int]:
    yield from range(len(parts) + 1)
