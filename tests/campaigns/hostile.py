"""Hostile models: runs and exports tampered with, by hand and by chance, each loaded in a process
of its own with an end to its memory and its time: refused with a sentence, and nothing of it has
run.

    python tests/campaigns/hostile.py --run=runs/NAME --export=exported/NAME/1 --random=1000

What loads is a model whose description says what it says: it is asked to score, too.
"""

import argparse
import io
import json
import os
import pathlib
import pickle
import random
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from tf_ssae.cli import quiet

quiet.import_tensorflow()

from tf_ssae.cli.verb import EXPECTED  # noqa: E402
from tf_ssae.scoring import readers  # noqa: E402

# Addresses, of which TensorFlow reserves some 3 GB without using them; and seconds of a core.
_MEMORY, _SECONDS = 6 * 2**30, 60
_WRONG = (None, True, "", "many", [], {}, -1, 0, 1e308, float("nan"), 30000, [30000, 30000, 3])

Tamper = Callable[[pathlib.Path], object]


class _Payload:
    """A pickle that would leave a mark."""

    def __init__(self, mark: pathlib.Path):
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


# Of a run's model.keras.


def rewritten(path: pathlib.Path, changes: dict[str, bytes | Callable[[bytes], bytes]]) -> None:
    """Writes a Keras file again with some of its entries, or new ones, changed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        entries[name] = change(entries[name]) if callable(change) else change
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def config(change: Callable[[dict], object]) -> Tamper:
    def changed(content: bytes) -> bytes:
        values = json.loads(content)
        change(values)
        return json.dumps(values).encode()

    return lambda run: rewritten(run / "model.keras", {"config.json": changed})


def class_named(module: str, name: str, registered: str | None, /, **inner: object) -> Tamper:
    def change(values: dict) -> None:
        values.update(module=module, class_name=name, registered_name=registered)
        values["config"].update(inner)

    return config(change)


def weights(change: Callable[[h5py.File], object]) -> Tamper:
    def changed(content: bytes) -> bytes:
        file = io.BytesIO(content)
        with h5py.File(file, "a") as opened:
            change(opened)
        return file.getvalue()

    return lambda run: rewritten(run / "model.keras", {"model.weights.h5": changed})


def _first(opened: h5py.File) -> h5py.Dataset:
    found: list[h5py.Dataset] = []
    opened.visititems(
        lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None
    )
    return next(item for item in found if item.ndim > 1)


def replaced(make: Callable[[h5py.Group, str, tuple], object]) -> Tamper:
    """Puts something in the place of the first kernel."""

    def change(opened: h5py.File) -> None:
        data = _first(opened)
        group, name, shape = data.parent, data.name.rsplit("/", 1)[1], data.shape
        del group[name]
        make(group, name, shape)

    return weights(change)


def _external(group: h5py.Group, name: str, shape: tuple) -> None:
    group.create_dataset(name, shape, "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def by_hand(mark: pathlib.Path) -> dict[str, Tamper]:
    """Tampering with a run, by name."""
    payload = pickle.dumps(_Payload(mark))
    touch = f"__import__('os').system('touch {mark}')"
    made = {
        "builtins.eval": class_named("builtins", "eval", "eval"),
        "os.system": class_named("os", "system", "system", command=f"touch {mark}"),
        "subprocess.Popen": class_named("subprocess", "Popen", None, args=["touch", str(mark)]),
        "a Lambda": class_named("keras.layers", "Lambda", None, function=touch),
        "a Lambda of code": class_named(
            "keras.layers", "Lambda", None,
            function={"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}},
        ),
        "a Lambda with our name": class_named("keras.layers", "Lambda", "tf_ssae>Lambda"),
        "TorchModuleWrapper": class_named("keras.layers", "TorchModuleWrapper", None, module="x"),
        "a function of Keras": class_named("keras.utils", "get_file", None, origin="http://x"),
        "load_model": class_named("keras.saving", "load_model", None, filepath="/etc/passwd"),
        "another detector": class_named("tf_ssae", "Rotation", "tf_ssae>rotation"),
        "a module that is not there": class_named("no.such.module", "X", "tf_ssae>X"),
        "a compile config": config(
            lambda v: v.update(
                compile_config={"optimizer": {"module": "os", "class_name": "system", "config": {}}}
            )
        ),
        "deep nesting": lambda run: rewritten(
            run / "model.keras", {"config.json": b"[" * 200_000 + b"]" * 200_000}
        ),
        "a pickle": lambda run: (run / "model.keras").write_bytes(payload),
        "a pickle inside": lambda run: rewritten(
            run / "model.keras", {"config.json": payload, "model.weights.h5": payload}
        ),
        "weights as numpy's pickle": lambda run: rewritten(
            run / "model.keras", {"model.weights.npz": payload}
        ),
        "path traversal": lambda run: rewritten(
            run / "model.keras",
            {f"../../../../../..{mark}": b"x", f"assets/../../../..{mark}": b"x", str(mark): b"x"},
        ),
        "weights of a bomb": lambda run: _bomb(run / "model.keras"),
        "a huge shape": replaced(
            lambda g, n, s: g.create_dataset(n, (2**40,), "f4", chunks=(1024,))
        ),
        "another shape": replaced(lambda g, n, s: g.create_dataset(n, (3, *s), "f4")),
        "texts": replaced(lambda g, n, s: g.create_dataset(n, data=[b"many"] * 4)),
        "an external file": replaced(_external),
        "an external link": replaced(
            lambda g, n, s: g.__setitem__(n, h5py.ExternalLink("/etc/passwd", "/x"))
        ),
        "a soft link to itself": replaced(lambda g, n, s: g.__setitem__(n, h5py.SoftLink(g.name))),
        "no weights": weights(lambda opened: [opened.pop(name) for name in list(opened)]),
        "no file of weights": lambda run: (run / "model.keras").write_bytes(b"PK\5\6" + bytes(18)),
        "an empty file": lambda run: (run / "model.keras").write_bytes(b""),
        "a folder": lambda run: [(run / "model.keras").unlink(), (run / "model.keras").mkdir()],
    }  # fmt: skip
    for value in _WRONG:
        for name in ("image_shape", "config", "calibration"):
            made[f"{name} {value!r}"] = config(
                lambda v, n=name, w=value: v["config"].update({n: w})
            )
        for name in ("thresholds", "scores", "parts", "images", "target_fpr", "deciding_score"):
            made[f"{name} {value!r}"] = config(
                lambda v, n=name, w=value: v["config"]["calibration"].update({n: w})
            )
        for name in ("detector", "latent_depth", "image_size", "alpha", "lambda_e"):
            made[f"a run of {name} {value!r}"] = _settings(name, value)
    return made


def _settings(name: str, value: object) -> Tamper:
    """The same wrong setting in both files of a run."""

    def change(run: pathlib.Path) -> None:
        own = json.loads((run / "config.json").read_text())
        (run / "config.json").write_text(json.dumps({**own, name: value}))
        config(lambda v: v["config"]["config"].update({name: value}))(run)

    return change


def _bomb(path: pathlib.Path) -> None:
    with zipfile.ZipFile(path) as archive:
        first = archive.read("config.json")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", first)
        with archive.open("model.weights.h5", "w", force_zip64=True) as entry:
            for _ in range(512):
                entry.write(bytes(2**24))


# By chance.


def damaged(name: str, chance: random.Random) -> Tamper:
    """Changes a few bytes of a file, cuts it off, or puts a part of it in another place."""
    seed = chance.random()

    def change(model: pathlib.Path) -> None:
        dice, path = random.Random(seed), model / name
        content = bytearray(path.read_bytes())
        kind = dice.randrange(3)
        if kind == 0:
            for _ in range(dice.randrange(1, 20)):
                content[dice.randrange(len(content))] = dice.randrange(256)
        elif kind == 1:
            del content[dice.randrange(len(content)) :]
        else:
            start, length = dice.randrange(len(content)), dice.randrange(1, 4096)
            to = dice.randrange(len(content))
            content[to : to + length] = content[start : start + length]
        path.write_bytes(content)

    return change


# What is loaded, and how.


def outcome(path: pathlib.Path, mark: pathlib.Path) -> str:
    """What loading a model, and scoring with it, comes to in a process of its own: "refused: " and
    the sentence, "scores", or what went wrong.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        try:
            reader = readers.load(path)
            reader.score(np.zeros([2, *reader.description.image_shape], np.uint8))
            said = "scores"
        except EXPECTED as error:
            said = f"refused: {error}"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode(errors="replace")[:60_000])
        os._exit(0)
    os.close(write)
    with open(read, "rb") as answers:
        said = answers.read().decode(errors="replace")
    status = os.waitpid(child, 0)[1]
    if mark.exists():
        mark.unlink()
        return "IT RAN"
    return said or f"the process ended: {status}"


def campaign(run: pathlib.Path, export: pathlib.Path, count: int, seed: int = 0) -> dict:
    """The figures, and under `wrong` what was neither refused nor scored."""
    began, chance = time.monotonic(), random.Random(seed)
    figures = {"models": 0, "refused": 0, "scored": 0, "seconds": 0, "wrong": []}
    with tempfile.TemporaryDirectory() as temporary:
        mark, place = pathlib.Path(temporary, "mark"), pathlib.Path(temporary, "model")
        for name, model, path, tamper in _cases(run, export, count, chance, mark):
            shutil.copytree(model, place)
            tamper(place)
            found = outcome(place / path, mark)
            figures["models"] += 1
            if found.startswith("refused: ") and len(found) < 2000:
                figures["refused"] += 1
            elif found == "scores":
                figures["scored"] += 1
            else:
                figures["wrong"].append(f"{name}: {found:.300}")
            shutil.rmtree(place)
    figures["seconds"] = round(time.monotonic() - began)
    return figures


def _cases(
    run: pathlib.Path, export: pathlib.Path, count: int, chance: random.Random, mark: pathlib.Path
) -> Iterator[tuple[str, pathlib.Path, str, Tamper]]:
    hand = list(by_hand(mark).items())
    if 0 < count < len(hand):
        hand = hand[:count]
    for name, tamper in hand:
        yield name, run, "", tamper
    yield (
        "a swapped .tflite",
        export,
        "tflite/float32.tflite",
        lambda model: shutil.copy(
            model / "tflite" / "float16.tflite", model / "tflite" / "float32.tflite"
        ),
    )
    for i in range(count):
        model, path, file = chance.choice(
            [
                (run, "", "model.keras"),
                (run, "", "config.json"),
                (export, "", "detector.json"),
                (export, "", "detector.held_out.json"),
                (export, "", "saved_model.pb"),
                (export, "", "variables/variables.index"),
                (export, "tflite/float32.tflite", "tflite/float32.json"),
                (export, "tflite/float32.tflite", "tflite/float32.tflite"),
            ]
        )
        yield f"{file}, by chance {i}", model, path, damaged(file, chance)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--export", type=pathlib.Path, required=True)
    parser.add_argument("--random", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    result = campaign(given.run, given.export, given.random, given.seed)
    print(json.dumps(result, indent=2))
    sys.exit(bool(result["wrong"]))
