"""Times alternatives in turns, each in a process of its own, so that a slow minute of the machine
is slow for all of them.
"""

import contextlib
import json
import subprocess
import sys
import time

import numpy as np
from absl import flags

_ALTERNATIVE = flags.DEFINE_string(
    "alternative", "", "The one alternative that this process runs; empty: all, in turns."
)
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Turns of each alternative.")


def run(alternatives, calls):
    """In the parent process: the seconds of every alternative. In a child: serves its parent, and
    exits.

    A child's process is this very command with `--alternative` added. A turn is some calls in a
    row; a round is a turn of each alternative, in another order each time.

    Args:
        alternatives: `{name: make}`. `make()` prepares the alternative, in its own process, and
            returns a function without arguments that runs it once.
        calls: how many of them make a turn.

    Returns:
        `{name: [rounds]}`, the seconds of a call in each round.
    """
    if _ALTERNATIVE.value:
        _serve(alternatives[_ALTERNATIVE.value](), calls)
        sys.exit()
    children = {name: _Child(name) for name in alternatives}
    seconds, rng = {name: [] for name in alternatives}, np.random.default_rng(0)
    for _ in range(_ROUNDS.value):
        for name in rng.permutation(list(children)):
            seconds[name].append(children[name].turn() / calls)
    for child in children.values():
        child.end()
    return {name: np.array(values) for name, values in seconds.items()}


def say(text):
    """Prints a line, once for all processes."""
    if not _ALTERNATIVE.value:
        print(text, flush=True)


class _Child:
    def __init__(self, name):
        command = [sys.executable, *sys.argv, f"--alternative={name}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def turn(self):
        # If the child has died, there is no answer either, and `_answer` reports it.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("turn\n")
            self._process.stdin.flush()
        return self._answer()

    def end(self):
        self._process.stdin.close()
        self._process.wait()

    def _answer(self):
        # Other lines, printed by libraries, are ignored.
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)["seconds"]
        sys.exit(f"{' '.join(self._process.args)} failed.")


def _serve(call, calls):
    for _ in range(3):
        call()
    print(json.dumps({"seconds": 0}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
