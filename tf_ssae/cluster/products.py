"""Trains products on a cluster: a run each, wherever there is room for it."""

import functools
import os
import pathlib
import socket
from collections.abc import Iterator, Sequence

from tf_ssae.cluster import runs
from tf_ssae.system.text import printable
from tf_ssae.training.products import Job, Product, train_one


def on_cluster(jobs: Sequence[Job], address: str, cpus: int) -> Iterator[Product]:
    """Trains products on the nodes of a cluster; yields each when it is done.

    The nodes share the folders of the images and of the runs. A run whose node is lost is resumed
    by another from its last finished epoch. What it says is in `NAME.log` beside its folder.

    Raises what `runs.each` raises.
    """
    tasks = {job.name: functools.partial(_train, job, cpus, pathlib.Path.cwd()) for job in jobs}
    for number, ended in enumerate(runs.each(tasks, address, cpus), 1):
        product, node = ended.result or (Product(ended.name, failed=ended.failed), "")
        if product.failed:
            said = f"not trained: {product.failed}"
        else:
            said = f"{product.images:,} images, {product.minutes:.1f} minutes on {node}"
        print(f"{printable(ended.name)} ({number} of {len(jobs)}): {printable(said)}", flush=True)
        yield product


def _train(job: Job, cpus: int, where: pathlib.Path) -> tuple[Product, str]:
    """The product, and the node that trained it. `where`: what names are relative to."""
    node = socket.gethostname()
    for folder in (where, where / job.images, where / job.model_dir):
        if not folder.is_dir():
            failed = f"{folder} is not there on {node}: all nodes need to see it."
            return Product(job.name, failed=failed), node
    # This process is the task's own.
    os.chdir(where)
    with open(job.model_dir / f"{job.name}.log", "a", encoding="utf-8") as log:
        return train_one(job, log, cpus), node
