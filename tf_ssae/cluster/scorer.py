"""What scores a block of files on a node: a process that holds the model and a CPU or more."""

import json
import os
import pathlib
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator

import pyarrow
import tensorflow as tf

from tf_ssae.cluster.model_files import ModelFiles
from tf_ssae.data.reader import ReadFile, TileReader
from tf_ssae.data.storage import Storage
from tf_ssae.ops.limits import Limits
from tf_ssae.scoring import readers
from tf_ssae.scoring.batches import scored
from tf_ssae.scoring.rows import Rows

# The columns of what comes in and of what goes out.
PATH, BLOCK = "path", "block"


class Scorer:
    """Scores blocks of files, as `scoring.run.score` scores them one after the other."""

    def __init__(
        self,
        model: ModelFiles,
        storage: Storage,
        limits: Limits,
        accept_damaged: bool,
        cpus: int,
    ):
        """`cpus`: how many threads the networks may use."""
        tf.config.threading.set_intra_op_parallelism_threads(cpus)
        tf.config.threading.set_inter_op_parallelism_threads(cpus)
        with tempfile.TemporaryDirectory() as folder:
            self._reader = readers.load(model.write(pathlib.Path(folder)), cpus)
        description = self._reader.description
        self._rows = Rows(description.calibration)
        self._tiles = TileReader.of(description, limits, accept_damaged, storage)
        self._storage = storage
        self._waited = 0.0

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        """A table of a column PATH of bytes to one of a row: BLOCK, a JSON object. It has `rows`,
        in the order of the paths; `node`, where; `seconds`, in all; and `waited`, those of them in
        which the networks waited for a file to be read and decoded.
        """
        # Here: in the process that starts all, `connected` sets what it reads when it is imported.
        import ray

        began, self._waited = time.perf_counter(), 0.0
        paths = [pathlib.Path(os.fsdecode(path)) for path in table.column(PATH).to_pylist()]
        rows = scored(self._reader, self._timed(self._tiles.read(paths)), self._rows)
        node = ray.get_runtime_context().get_node_id()
        named = [{**row, "path": self._storage.name(path)} for row, path in zip(rows, paths)]
        block = {
            "rows": named,
            "node": f"{socket.gethostname()}, node {node[:6]}",
            "seconds": time.perf_counter() - began,
            "waited": self._waited,
        }
        # ASCII: names of bytes that are no text are escaped.
        return pyarrow.table({BLOCK: [json.dumps(block)]})

    def _timed(self, files: Iterable[ReadFile]) -> Iterator[ReadFile]:
        """The files; adds the seconds that each was waited for."""
        files = iter(files)
        while True:
            began = time.perf_counter()
            file = next(files, None)
            self._waited += time.perf_counter() - began
            if file is None:
                return
            yield file
