"""Ways to train on several devices, and the machines of TF_CONFIG. Without TensorFlow, so that a
mistake is answered at once.
"""

import dataclasses
import json
import os

MIRRORED, MULTI_WORKER = "mirrored", "multi_worker"
STRATEGIES = (MIRRORED, MULTI_WORKER)

EXAMPLE = (
    '{"cluster": {"worker": ["host0:9000", "host1:9000"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Workers:
    """The machines that train together, and which of them this one is.

    Attributes:
        addresses: `host:port` of each.
        number: this one's place among them; 0 is the chief, which writes the run folder.
    """

    addresses: tuple[str, ...]
    number: int


def require(strategy: str) -> None:
    """Raises ValueError for a strategy that does not exist, or a TF_CONFIG that names no cluster
    where it has to.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy={strategy!r}: expected one of {', '.join(STRATEGIES)}.")
    if strategy == MULTI_WORKER:
        of_environment()


def writes(strategy: str | None) -> bool:
    """Whether this machine writes the run folder."""
    return strategy != MULTI_WORKER or of_environment().number == 0


def of_environment() -> Workers:
    """What TF_CONFIG says. Raises ValueError if it says nothing, or something else."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        if not text:
            raise ValueError("it is not set")
        return _read(text)
    except ValueError as error:
        raise ValueError(
            f"strategy={MULTI_WORKER!r} takes its machines from the environment variable TF_CONFIG:"
            f" {error}. Expected, on the first of two machines: {EXAMPLE}"
        ) from None


def _read(text: str) -> Workers:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error})") from None
    if not isinstance(found, dict) or not isinstance(found.get("cluster"), dict):
        raise ValueError("it has no object 'cluster'")
    others = sorted(set(found["cluster"]) - {"worker"})
    if others:
        raise ValueError(f"its cluster names {', '.join(others)}; all machines are 'worker'")
    workers = found["cluster"].get("worker")
    if not isinstance(workers, list) or not workers or not all(map(_is_address, workers)):
        raise ValueError(f"its workers are {workers!r}, no list of 'host:port'")
    if len(set(workers)) < len(workers):
        raise ValueError(f"its workers {', '.join(workers)} are not all different")
    task = found.get("task")
    if not isinstance(task, dict) or task.get("type") != "worker":
        raise ValueError(f"its task is {task!r}, none of type 'worker'")
    number = task.get("index")
    if type(number) is not int or not 0 <= number < len(workers):
        raise ValueError(f"its task has index {number!r}, of {len(workers)} workers from 0 on")
    return Workers(tuple(workers), number)


def _is_address(worker: object) -> bool:
    host, colon, port = str(worker).rpartition(":")
    return isinstance(worker, str) and bool(host and colon and port.isdigit())
