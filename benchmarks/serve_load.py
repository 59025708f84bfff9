"""`tf-ssae serve` under load: clients in parallel for a minute, some of whose files are no images.
Answers, errors, latency and the server's memory; beside them the exported SavedModel's `decide`,
called for one file after the other in a process of its own.

    python benchmarks/serve_load.py --model_dir=exported/parts/1 --images=parts/test
"""

import collections
import http.client
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse

import numpy as np
from absl import app, flags

ROOT = pathlib.Path(__file__).parent.parent

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "An exported version.", required=True)
flags.DEFINE_string("images", None, "A folder of PNG or JPEG files.", required=True)
flags.DEFINE_integer("clients", 64, "How many ask at a time.")
flags.DEFINE_float("seconds", 60.0, "How long.")
flags.DEFINE_float("bad", 0.05, "The share of files that are no images.")
flags.DEFINE_string("path", "/predict", "Asked with the file as body.")

_LOOP = """
import pathlib, sys, time
from tf_ssae.scoring import saved_model
decide = saved_model.load_decide(sys.argv[1])
files = [pathlib.Path(path).read_bytes() for path in sys.argv[3:]]
decide(files[:1])
began, count = time.perf_counter(), 0
while time.perf_counter() - began < float(sys.argv[2]):
    decide([files[count % len(files)]])
    count += 1
print(count / (time.perf_counter() - began))
"""


class Clients:
    """Threads that ask one server again and again, each over a connection of its own."""

    def __init__(self, url: str, files: list[bytes]):
        self._host, self._files = urllib.parse.urlsplit(url).netloc, files
        self.statuses: collections.Counter = collections.Counter()
        self.wrong: list[str] = []
        self.seconds: list[float] = []
        self._lock = threading.Lock()

    def run(self, until: float) -> None:
        threads = [
            threading.Thread(target=self._ask, args=(i, until)) for i in range(FLAGS.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, seed: int, until: float) -> None:
        random = np.random.default_rng(seed)
        connection = http.client.HTTPConnection(self._host, timeout=60)
        while time.monotonic() < until:
            file = self._files[random.integers(len(self._files))]
            bad = random.random() < FLAGS.bad
            began = time.perf_counter()
            try:
                connection.request("POST", FLAGS.path, b"no image" if bad else file)
                response = connection.getresponse()
                answer, status = json.loads(response.read()), response.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                answer, status = {"error": repr(error)}, 0
            took = time.perf_counter() - began
            with self._lock:
                self.statuses[status] += 1
                self.seconds.append(took)
                if status != (400 if bad else 200):
                    self.wrong.append(f"{status}: {answer.get('error')}")


def resident_mb(pid: int) -> float:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) / 1000


def main(argv: list[str]) -> None:
    paths = sorted(
        path
        for path in pathlib.Path(FLAGS.images).rglob("*")
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    )[:200]
    command = [sys.executable, "-m", "tf_ssae.cli.main", "serve", f"--model_dir={FLAGS.model_dir}"]
    server = subprocess.Popen([*command, "--port=0"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://[\d.]+:\d+", server.stdout.readline()).group()
        clients = Clients(url, [path.read_bytes() for path in paths])
        began = time.monotonic()
        memory = []

        def watch() -> None:
            while time.monotonic() < began + FLAGS.seconds:
                memory.append((time.monotonic() - began, resident_mb(server.pid)))
                time.sleep(0.5)

        watching = threading.Thread(target=watch)
        watching.start()
        clients.run(began + FLAGS.seconds)
        watching.join()
        lasted = time.monotonic() - began
    finally:
        server.terminate()
        asked = time.monotonic()
        server.wait(30)
    print(f"ended {time.monotonic() - asked:.2f} s after SIGTERM")
    looped = subprocess.run(
        [sys.executable, "-c", _LOOP, FLAGS.model_dir, "20", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    good, total = clients.statuses[200], sum(clients.statuses.values())
    p50, p99 = 1000 * np.quantile(clients.seconds, [0.5, 0.99])
    early = max(value for when, value in memory if when <= 10)
    late = max(value for when, value in memory if when > 10)
    print(f"{FLAGS.clients} clients, {lasted:.0f} s: {total:,} requests, {dict(clients.statuses)}")
    print(f"unexpected answers: {len(clients.wrong)} {clients.wrong[:3]}")
    print(f"median {p50:.0f} ms, 99th percentile {p99:.0f} ms")
    print(f"memory: at most {early:.0f} MB in the first 10 s, {late:.0f} MB after them")
    print(f"images a second: {good / lasted:.1f}; SavedModel in a loop {float(looped.stdout):.1f}")


if __name__ == "__main__":
    app.run(main)
