"""Loads an exported SavedModel (see `export.saved_model`) as functions of NumPy arrays."""

import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

# The file beside a SavedModel that holds its Description.
DESCRIPTION = "detector.json"

# What a SavedModel consists of. Warm-up requests (`assets.extra`) are the server's.
_PARTS = ("saved_model.pb", "variables/*", "assets/*")

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


def digest(folder: pathlib.Path) -> str:
    """The SHA-256 of the files that make up a SavedModel, and of their names, as hexadecimal
    digits.
    """
    total = hashlib.sha256()
    for path in sorted(path for part in _PARTS for path in folder.glob(part) if path.is_file()):
        with open(path, "rb") as file:
            of_file = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{of_file}\n".encode())
    return total.hexdigest()


def load(folder: str | pathlib.Path) -> tuple[Answer, Answer]:
    """`(score, explain)`, each a function of tiles, uint8 `[N, S, S, C]`: the outputs of
    `serving_default` and of `explain`, which take any image, of which such a tile is one; or of
    `explain_tiles`, where a region of interest is cut out of every image.
    """
    # A signature alone does not keep the model's variables alive: the functions refer to the whole
    # model.
    loaded = tf.saved_model.load(str(folder))

    def answers(signature: str) -> Answer:
        def answer(images: np.ndarray) -> dict[str, np.ndarray]:
            outputs = loaded.signatures[signature](images=tf.constant(images))
            return {name: value.numpy() for name, value in outputs.items()}

        return answer

    if "explain_tiles" not in loaded.signatures:
        return answers("serving_default"), answers("explain")
    explain = answers("explain_tiles")

    def score(images: np.ndarray) -> dict[str, np.ndarray]:
        return {name: value for name, value in explain(images).items() if value.ndim == 1}

    return score, lambda images: {
        # As an image of one tile.
        name: value if value.ndim == 1 else value[:, np.newaxis]
        for name, value in explain(images).items()
    }


def load_decide(folder: str | pathlib.Path) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    """The signature `decide`: a function from N PNG or JPEG files to every score, float32 `[N]`,
    and `is_anomaly`, bool `[N]`. (`decision`, `error` and `p_value` are left out.)
    """
    loaded, beside = tf.saved_model.load(str(folder)), ("decision", "error", "p_value")

    def decide(files: list[bytes]) -> dict[str, np.ndarray]:
        outputs = loaded.signatures["decide"](image_bytes=tf.constant(files))
        return {name: value.numpy() for name, value in outputs.items() if name not in beside}

    return decide
