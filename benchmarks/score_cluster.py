"""Image files scored by `tf-ssae score` and by two nodes of a Ray cluster, both on this machine, of
which one is killed half-way and another joins, and whose command is killed and given again.

    python benchmarks/score_cluster.py --model_dir=RUN_OR_EXPORT --images=FOLDER --work=FOLDER

A node has one CPU. The rows of every form are compared with those of `score`: which there are, what
each says, and how far scores are apart, those above 1 as a share of themselves. Memory is the
largest resident set of one process; seconds include start-up; the rate is what the command says.
Tables are left in --work.
"""

import collections
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

from absl import app, flags
from pyarrow import parquet

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "A run or an export.", required=True)
_IMAGES = flags.DEFINE_string("images", None, "A folder of images.", required=True)
_WORK = flags.DEFINE_string("work", None, "A folder for the tables, new.", required=True)

_STORE = 200_000_000  # bytes of Ray's object store of a node
_PROGRAM = "import sys; from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"


class Memory:
    """The largest resident set of one process among those that run the package; as a context."""

    def __enter__(self):
        self.megabytes, self._over = 0.0, threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._watch.join()

    def _look(self):
        while not self._over.wait(0.5):
            for status in pathlib.Path("/proc").glob("[0-9]*/status"):
                try:
                    name = (status.parent / "cmdline").read_bytes()
                    if b"ray::" not in name and b"tf_ssae" not in name:
                        continue
                    largest = re.search(r"VmHWM:\s+(\d+)", status.read_text())
                except OSError:
                    continue
                if largest and str(os.getpid()) != status.parent.name:
                    self.megabytes = max(self.megabytes, int(largest[1]) / 1e3)


def begin(output, **more):
    """A `tf-ssae score`, started."""
    given = {"model_dir": _MODEL_DIR.value, "images": _IMAGES.value, "output": output, **more}
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "score", *(f"--{n}={v}" for n, v in given.items())],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def parts(output):
    return len(list(output.glob("part-*")))


def ended(process, expected=0):
    said, _ = process.communicate()
    if process.returncode != expected:
        sys.exit(f"Status {process.returncode}, expected {expected}:\n{said}")
    return said


def measured(name, run):
    """Prints how long `run()` took, in what memory, and what it said of nodes."""
    start = time.perf_counter()
    with Memory() as memory:
        said = run()
    seconds = time.perf_counter() - start
    rate = re.search(r"([\d.,]+) images a second in all", said)
    print(
        f"{name:34}{seconds:>8.0f} s{rate[1] if rate else '-':>10} images/s"
        f"{memory.megabytes:>8,.0f} MB",
        flush=True,
    )
    for line in said.splitlines():
        if "a second and process" in line:
            print(f"    {line}", flush=True)


def compare(rows, expected):
    """Prints what differs; ends the program where a row is missing or double."""
    counts = collections.Counter(row["path"] for row in rows)
    again = [path for path, count in counts.items() if count > 1]
    missing = expected.keys() - {row["path"] for row in rows}
    if again or missing or len(rows) != len(expected):
        sys.exit(f"{len(again)} rows twice, {len(missing)} missing: {[*again, *missing][:3]}")
    furthest = collections.defaultdict(float)
    others = 0
    for row in rows:
        one = expected[row["path"]]
        others += row["decision"] != one["decision"] or row["error"] != one["error"]
        for name in row:
            if name.startswith("a_") and one[name] is not None:
                scale = max(1, abs(one[name]))
                furthest[name] = max(furthest[name], abs(row[name] - one[name]) / scale)
    print(
        f"    {len(rows):,} rows, each once; {others} with another decision or reason;"
        f" scores differ by up to {dict((n, float(f'{d:.1g}')) for n, d in furthest.items())}",
        flush=True,
    )


def wait_for(count, output, process):
    """Until so many parts are there, or the process has ended."""
    while parts(output) < count and process.poll() is None:
        time.sleep(0.1)


def two_nodes():
    """A cluster of two nodes of one CPU."""
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": _STORE}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **store})
    made.more = functools.partial(made.add_node, num_cpus=1, **store)
    made.more()
    return made


def main(argv):
    work = pathlib.Path(_WORK.value)
    work.mkdir(parents=True)

    def rows(output):
        return parquet.read_table(output).to_pylist()

    one = work / "one.parquet"
    measured("score", lambda: ended(begin(one)))
    expected = {row["path"]: row for row in rows(one)}
    print(f"    {len(expected):,} images; its seconds include its report")

    def on(name, address, run=None):
        """A table made on a cluster by `run(output)`, or by one command, measured and compared."""
        output = work / f"{name}.parquet"
        run = run or (lambda output: ended(begin(output, cluster=address)))
        measured(name, lambda: run(output))
        compare(rows(output), expected)
        return parts(output)

    on("local", "local")
    cluster = two_nodes()
    cluster.remove_node(next(iter(cluster.worker_nodes)))
    on("one node", cluster.address)
    cluster.more()
    all_parts = on("two nodes", cluster.address)

    def lose_a_node(output):
        process = begin(output, cluster=cluster.address)
        wait_for(all_parts // 3, output, process)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        wait_for(all_parts // 2, output, process)
        cluster.more()
        return ended(process)

    def lose_the_command(output):
        process = begin(output, cluster=cluster.address)
        wait_for(all_parts // 2, output, process)
        process.send_signal(signal.SIGKILL)
        ended(process, -signal.SIGKILL)
        print(f"    killed after {parts(output)} of {all_parts} parts")
        return ended(begin(output, cluster=cluster.address))

    on("a node killed, another joined", cluster.address, lose_a_node)
    on("the command killed, given again", cluster.address, lose_the_command)
    cluster.shutdown()


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    app.run(main)
