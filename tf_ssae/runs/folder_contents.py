"""What a folder of images held when a run on it began, so that a finished run notices a change."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

from tf_ssae.config import Config
from tf_ssae.data import layout

KEY = "folder"


def contents(config: Config) -> dict[str, Any]:
    """JSON values for `environment.json`: of each role, such as `train`, how many image files there
    are, and a hash of the names and sizes of all; empty for other data sets.

    Raises:
        FileNotFoundError: as `layout.read`.
    """
    if config.dataset != "folder":
        return {}
    root, digest = pathlib.Path(config.data_dir), hashlib.sha256()
    counts: dict[str, int] = {}
    for image in sorted(layout.read(config.data_dir).images, key=lambda image: str(image.path)):
        counts[image.role] = counts.get(image.role, 0) + 1
        name = str(image.path.relative_to(root)).encode("utf-8", "surrogateescape")
        digest.update(b"%s %d\n" % (name, image.path.stat().st_size))
    return {KEY: {"images": counts, "digest": digest.hexdigest()}}


def changed_since(environment: Mapping[str, Any], config: Config) -> str:
    """How the folder differs from what a run found there, as a sentence; empty if it does not, or
    if that cannot be told.
    """
    before = environment.get(KEY)
    try:
        now = contents(config).get(KEY)
    # It is gone, or cannot be read: the run itself needs it no more.
    except (OSError, ValueError):
        return ""
    if not before or not now or before == now:
        return ""
    counts = [sum(folder["images"].values()) for folder in (before, now)]
    if counts[0] != counts[1]:
        return (
            f"The run began with {counts[0]:,} images in {config.data_dir}, which now holds"
            f" {counts[1]:,}."
        )
    return f"Some of the {counts[0]:,} images in {config.data_dir} are not those it began with."
