"""Scores image files on a cluster: the rows of `tf-ssae score`, in a table in parts."""

import dataclasses
import json
import math
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow
from tqdm import tqdm

from tf_ssae.cluster.connection import ClusterFailed, connected, reason
from tf_ssae.cluster.listing import list_images
from tf_ssae.cluster.model_files import ModelFiles
from tf_ssae.cluster.parts import Parts, require_parts
from tf_ssae.cluster.scorer import BLOCK, PATH, Scorer
from tf_ssae.data.kinds import kind_of
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.scoring import readers
from tf_ssae.scoring.rows import Rows, Summary
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.system.text import printable

# A block is what a node scores in one go, what is scored again if it is lost, and a part of the
# table: some hundred of them, so that all nodes are done at about the same time.
_BLOCKS = 200
_SMALLEST_BLOCK, _LARGEST_BLOCK = 32, 2048


@dataclasses.dataclass
class OfNode:
    """What one node did: images, and seconds of all its processes together, and those in which the
    networks waited for files.
    """

    images: int = 0
    seconds: float = 0.0
    waited: float = 0.0


@dataclasses.dataclass(frozen=True)
class ClusterSummary:
    """The outcome of a scoring on a cluster.

    Attributes:
        rows: as of a scoring on one machine.
        nodes: `{name: OfNode}`, of this command alone.
        seconds: that it took, from the first block sent to the last one written.
    """

    rows: Summary
    nodes: dict[str, OfNode]
    seconds: float


def score(
    model_dir: str | pathlib.Path,
    images: str,
    output: str,
    address: str,
    cpus: int = 1,
    limits: Limits = DEFAULTS,
    accept_damaged: bool = False,
) -> ClusterSummary:
    """Scores the images, each by one of many processes, which hold the model and `cpus` CPUs each.

    The rows are those of `scoring.run.score`, in any order. The same call resumes an interrupted
    scoring: files that have a row are left out. A node that is lost loses no row, and one that
    joins takes part.

    Args:
        model_dir: see `readers.load`; its files are sent to the nodes.
        images: see `listing.list_images`. The nodes read them: a folder of this machine has to be
            there on every node.
        output: a folder for the table in parts, here or as a URI: see `Parts`. This process writes
            it.
        address: see `connected`.
        limits, accept_damaged: see `scoring.run.score`.

    Raises:
        FileNotFoundError, ValueError: the model or the images are not there, or `output` is of
            another model.
        FileExistsError: `output` is finished, or another process is writing it.
        OSError: a file system does not answer, or the disk is full; the same call resumes.
        ClusterFailed: there is no such cluster, or it cannot score; the same call resumes.
    """
    require_parts(output)
    found = list_images(images)
    model = ModelFiles.of(pathlib.Path(model_dir))
    reader = readers.load(model_dir)
    root = pathlib.Path(images)
    rows = Rows(
        reader.calibration,
        [*found.notes, *reader.warnings],
        lambda path: kind_of(pathlib.Path(path), root),
    )
    how = {"limits": dataclasses.asdict(limits), "accept_damaged": accept_damaged}
    remedy = "Free some space and run the same command again: it resumes."
    with (
        full_disk_is_an_os_error(output, remedy),
        Parts(output, {**reader.description.to_dict(), **how}, rows.columns) as parts,
    ):
        done = set()
        for row in parts.rows():
            rows.add(row)
            # Parquet has escapes where a name is no text.
            done.add(printable(row["path"]))
        left = [path for path in found.paths if printable(found.storage.name(path)) not in done]
        nodes: dict[str, OfNode] = {}
        began = time.perf_counter()
        before = len(found.paths) - len(left)
        with tqdm(total=len(found.paths), unit=" images", disable=None, initial=before) as progress:
            arguments = (model, found.storage, limits, accept_damaged, cpus)
            for block in _blocks(left, arguments, address, cpus) if left else ():
                parts.add(block["rows"])
                for row in block["rows"]:
                    rows.add(row)
                of_node = nodes.setdefault(block["node"], OfNode())
                of_node.images += len(block["rows"])
                of_node.seconds += block["seconds"]
                of_node.waited += block["waited"]
                progress.update(len(block["rows"]))
        seconds = time.perf_counter() - began
        summary = ClusterSummary(rows.summary(), nodes, seconds)
        parts.finish(dataclasses.asdict(summary))
    return summary


def _blocks(
    paths: Sequence[pathlib.Path], arguments: tuple, address: str, cpus: int
) -> Iterator[dict[str, Any]]:
    """What the nodes' Scorers say of blocks of the files, as they finish."""
    size = min(max(math.ceil(len(paths) / _BLOCKS), _SMALLEST_BLOCK), _LARGEST_BLOCK)
    tables = [
        pyarrow.table({PATH: [bytes(path) for path in paths[start : start + size]]})
        for start in range(0, len(paths), size)
    ]
    with connected(address, cpus):
        # Its settings are read when it is imported.
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        scored = ray.data.from_arrow(tables).map_batches(
            Scorer,
            fn_constructor_args=arguments,
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=cpus,
            # As many as there is room for, now and when a node joins.
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=None),
        )
        try:
            for row in scored.iter_rows():
                yield json.loads(row[BLOCK])
        except ray.exceptions.RayError as error:
            raise ClusterFailed(
                f"--cluster={address}: {reason(error)}. The same command resumes."
            ) from error
