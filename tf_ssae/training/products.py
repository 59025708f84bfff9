"""Many products: one folder of images each, one run each, and one page and table of all.

Every run has a process of its own: one that fails, or is killed for its memory, stops no other. It
ends with the process that started it.
"""

import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from tf_ssae.data.walk import Walk, walk
from tf_ssae.report import index_page
from tf_ssae.runs import run_folder
from tf_ssae.system.child import THREADS
from tf_ssae.system.files import replacing
from tf_ssae.system.text import printable

_PROGRAM = (
    "import sys; from tf_ssae.system.child import end_with_parent; end_with_parent();"
    " from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"
)


@dataclasses.dataclass(frozen=True)
class Product:
    """One row of the index; None where it is not known.

    Attributes:
        name: of its folder.
        failed: why there is no run; empty if there is one.
        images: how many trained, were held out, and tested.
        auroc: of the deciding score, if there are defects to test on.
        guarantee: what share of normal images is expected above the threshold, as a sentence.
        minutes: of training.
        warnings: sentences.
    """

    name: str
    failed: str = ""
    images: int | None = None
    auroc: float | None = None
    guarantee: str = ""
    minutes: float | None = None
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Job:
    """A product to train.

    Attributes:
        images: its folder; the run is called like it.
        model_dir: the folder of all runs.
        chosen: settings of every run, but for its images.
        plugin: see `tf-ssae train --plugin`.
    """

    images: pathlib.Path
    model_dir: pathlib.Path
    chosen: Mapping[str, Any]
    plugin: Sequence[str]

    @property
    def name(self) -> str:
        return self.images.name


def in_turn(jobs: Sequence[Job]) -> Iterator[Product]:
    """Trains products one after the other, on this machine."""
    for number, job in enumerate(jobs, 1):
        print(f"\n{printable(job.name)} ({number} of {len(jobs)})", flush=True)
        yield train_one(job)


def train_each(
    folder: pathlib.Path,
    model_dir: pathlib.Path,
    chosen: Mapping[str, Any],
    plugin: Sequence[str] = (),
    trained: Callable[[Sequence[Job]], Iterator[Product]] = in_turn,
) -> list[Product]:
    """Trains a run, `model_dir/NAME`, on each folder in `folder`; what is finished stays, what was
    stopped resumes. `index.html` and `index.csv` hold what is known after each.

    Args:
        chosen, plugin: see `Job`.
        trained: trains the products, and yields each when it is done.

    Returns:
        The products by name.

    Raises:
        FileNotFoundError: there are no folders in `folder`.
    """
    inside = walk(folder)
    found = _products_in(inside)
    if not found:
        raise FileNotFoundError(f"--products={folder}: expected a folder for each product in it.")
    for note in inside.notes:
        print(printable(note), flush=True)
    model_dir.mkdir(parents=True, exist_ok=True)
    products: list[Product] = []
    for product in trained([Job(images, model_dir, chosen, plugin) for images in found]):
        products = sorted([*products, product], key=lambda one: one.name)
        _write_index(model_dir, folder, products)
    return products


def _products_in(inside: Walk) -> list[pathlib.Path]:
    """The folders in a folder, but for those that hold runs or exports and no image."""

    def in_folder(paths: Iterable[pathlib.Path]) -> set[str]:
        return {path.relative_to(inside.folder).parts[0] for path in paths}

    of_outputs = in_folder(inside.outputs) - in_folder(inside.images)
    return [inside.folder / name for name in sorted(in_folder(inside.folders) - of_outputs)]


def train_one(job: Job, log: IO[str] | None = None, threads: int | None = None) -> Product:
    """Trains one product, unless its run is there.

    Args:
        log: where all that its process says goes; None: to this process' own streams.
        threads: how many TensorFlow may use; None: one for each core.
    """
    run = job.model_dir / job.name
    settings = {**job.chosen, "dataset": "folder", "data_dir": str(job.images)}
    try:
        if run_folder.holds(run, settings):
            print(f"Finished before: {run}.", file=log, flush=True)
            return _of_run(run)
    except FileExistsError as error:
        print(f"Error: {error}", file=log, flush=True)
        return Product(job.name, failed=str(error))
    flags = [f"--{name}={value}" for name, value in settings.items()]
    flags += [f"--model_dir={run}", *(f"--plugin={path}" for path in job.plugin)]
    command = [sys.executable, "-c", _PROGRAM, "train", *flags]
    environment = dict(os.environ)
    if threads is not None:
        environment |= dict.fromkeys(THREADS, str(threads))
    with subprocess.Popen(
        command,
        env=environment,
        # See `end_with_parent`.
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        assert process.stderr is not None
        last = ""
        for line in process.stderr:
            print(line, end="", file=log or sys.stderr, flush=True)
            said = line.strip()
            # Of an error its own sentence: below it may be a list.
            if said.startswith("Error: ") or (said and not last.startswith("Error: ")):
                last = said
    if process.returncode:
        ended = f"ended by signal {-process.returncode}" if process.returncode < 0 else "failed"
        return Product(job.name, failed=last.removeprefix("Error: ") or f"Its process {ended}.")
    return _of_run(run)


def _of_run(run: pathlib.Path) -> Product:
    """What a finished run's metrics say."""
    metrics = json.loads((run / run_folder.METRICS).read_text())
    scores, guarantee = metrics.get("scores", {}), metrics.get("guarantee")
    promise, held_out = "no image was held out: nothing is guaranteed", 0
    warnings = list(metrics.get("health", {}).get("warnings", []))
    if guarantee:
        held_out = guarantee["images"]
        promise = (
            f"{guarantee['expected_fpr']:.2%} ({guarantee['low']:.2%} to {guarantee['high']:.2%})"
        )
        if guarantee["expected_fpr"] > guarantee["target_fpr"] * (1 + 1e-9):
            warnings.append(
                f"Too few images are held out to guarantee {guarantee['target_fpr']:.2%}."
            )
    else:
        warnings.append("No image was held out.")
    return Product(
        name=run.name,
        images=metrics["train_images"] + held_out + metrics["test_images"],
        auroc=scores[metrics["decision"]["score"]]["auroc"] if scores else None,
        guarantee=promise,
        minutes=metrics["training_seconds"] / 60,
        warnings=tuple(warnings),
    )


def _write_index(model_dir: pathlib.Path, folder: pathlib.Path, products: list[Product]) -> None:
    index_page.write(model_dir / "index.html", str(folder), products)
    with (
        replacing(model_dir / "index.csv") as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([field.name for field in dataclasses.fields(Product)])
        for product in products:
            row = {**dataclasses.asdict(product), "warnings": " ".join(product.warnings)}
            writer.writerow(row.values())
