"""A run's `model.keras`, looked at before anything of it is loaded.

Keras looks up classes by the names in the file, and unpacks what the file holds: both are checked
first, so that a file of something else costs a sentence, not a process.
"""

import json
import pathlib
import zipfile
from typing import Any

from tf_ssae.config import Config

_CONFIG = "config.json"
_LARGEST_CONFIG = 64 * 2**20  # bytes
# What `training.begin` derives, or another machine may have elsewhere.
_MAY_DIFFER = ("epochs", "steps", "precision", "data_dir", "defects", "init_from", "roi")


def check(path: pathlib.Path, config: Config, registered_name: str) -> None:
    """Looks at the file of a run with these settings.

    Args:
        registered_name: of the detector's class, as Keras writes it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, holds another class than the detector's, was made with other
            settings, or unpacks to more than its own size.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
                if size > path.stat().st_size:
                    raise ValueError(f"it would unpack to {size:,} bytes; Keras does not compress.")
                if archive.getinfo(_CONFIG).file_size > _LARGEST_CONFIG:
                    raise ValueError(f"its {_CONFIG} is too large.")
                stored = json.loads(archive.read(_CONFIG))
        except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, RuntimeError) as error:
            raise ValueError(f"{path} is damaged, or is no Keras file: {error}") from error
    found = stored.get("registered_name") if isinstance(stored, dict) else None
    if found != registered_name:
        raise ValueError(
            f"{path} holds {found!r:.100}, but the run's settings name {registered_name!r}. It was"
            " not loaded: one of the two is of another run."
        )
    different = _different(stored.get("config"), config)
    if different:
        raise ValueError(
            f"{path} was trained with other settings than those in the run's {_CONFIG}:"
            f" {', '.join(different)}. One of the two is of another run, or was changed."
        )


def _different(values: Any, config: Config) -> list[str]:
    try:
        found, wanted = Config.from_dict(values["config"]).to_dict(), config.to_dict()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return [f"those in the file cannot be read ({error})"]
    return [
        f"{name}={found[name]!r} (the run: {wanted[name]!r})"
        for name in wanted
        if found[name] != wanted[name] and name not in _MAY_DIFFER
    ]
