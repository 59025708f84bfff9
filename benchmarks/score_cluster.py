"""Image files scored by `tf-ssae score` and by two nodes of a Ray cluster, both on this machine, of
which one is killed half-way and another joins, and whose command is killed and given again.

    python benchmarks/score_cluster.py --model_dir=RUN_OR_EXPORT --images=FOLDER --work=FOLDER

A node has one CPU. The rows of every form are compared with those of `score`: which there are, what
each says, and how far scores are apart. "memory" is the largest resident set of one process, in MB;
seconds include start-up; the rate is what the command says. Tables are left in --work.
"""

import collections
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


def report(name, seconds, memory, said):
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


def main(argv):
    from ray.cluster_utils import Cluster

    work = pathlib.Path(_WORK.value)
    work.mkdir(parents=True)
    start = time.perf_counter()
    with Memory() as memory:
        said = ended(begin(work / "one.parquet"))
    seconds = time.perf_counter() - start
    expected = {row["path"]: row for row in parquet.read_table(work / "one.parquet").to_pylist()}
    report(f"score, {len(expected):,} images", seconds, memory, said)
    print(f"    {len(expected) / seconds:.1f} images a second, start-up and report included")

    def rows(name):
        return parquet.read_table(work / name).to_pylist()

    start = time.perf_counter()
    with Memory() as memory:
        said = ended(begin(work / "local.parquet", cluster="local"))
    report("--cluster=local", time.perf_counter() - start, memory, said)
    compare(rows("local.parquet"), expected)

    def cluster(nodes):
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "object_store_memory": _STORE},
        )
        for _ in range(nodes - 1):
            made.add_node(num_cpus=1, object_store_memory=_STORE)
        return made

    for nodes in (1, 2):
        made = cluster(nodes)
        name = f"nodes{nodes}.parquet"
        start = time.perf_counter()
        with Memory() as memory:
            said = ended(begin(work / name, cluster=made.address))
        report(f"{nodes} node(s) of one CPU", time.perf_counter() - start, memory, said)
        compare(rows(name), expected)
        if nodes == 1:
            made.shutdown()

    # The second node is killed when a third of the parts is there, another joins at half.
    output = work / "lost.parquet"
    all_parts = parts(work / "nodes2.parquet")
    start = time.perf_counter()
    with Memory() as memory:
        process = begin(output, cluster=made.address)
        while parts(output) < all_parts // 3 and process.poll() is None:
            time.sleep(0.1)
        made.remove_node(next(iter(made.worker_nodes)), allow_graceful=False)
        while parts(output) < all_parts // 2 and process.poll() is None:
            time.sleep(0.1)
        made.add_node(num_cpus=1, object_store_memory=_STORE)
        said = ended(process)
    report("a node killed, another joined", time.perf_counter() - start, memory, said)
    compare(rows(output.name), expected)

    output = work / "killed.parquet"
    start = time.perf_counter()
    with Memory() as memory:
        process = begin(output, cluster=made.address)
        while parts(output) < all_parts // 2 and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        ended(process, -signal.SIGKILL)
        print(f"    killed after {parts(output)} of {all_parts} parts")
        said = ended(begin(output, cluster=made.address))
    report("the command killed, given again", time.perf_counter() - start, memory, said)
    compare(rows(output.name), expected)
    made.shutdown()


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    app.run(main)
