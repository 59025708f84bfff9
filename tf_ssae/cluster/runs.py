"""Many runs on a cluster: each a task, in a process of its own, tried again where its node is
lost.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from tf_ssae.cluster.connection import connected, reason

_Result = TypeVar("_Result")

# Of a run whose process or node was lost, as by too little memory: then it is given up.
_RETRIES = 3


@dataclasses.dataclass(frozen=True)
class Ended(Generic[_Result]):
    """A task that ended.

    Attributes:
        name: of the task.
        result: what its function returned; None if it failed.
        failed: why; empty if it did not.
    """

    name: str
    result: _Result | None = None
    failed: str = ""


def each(
    tasks: Mapping[str, Callable[[], _Result]], address: str, cpus: int
) -> Iterator[Ended[_Result]]:
    """Calls functions on the nodes of a cluster, as many at a time as it has CPUs for; yields each
    as it ends.

    Args:
        tasks: `{name: function}`. A function is sent to its node, so it is one of a module, or a
            `functools.partial` of one. It may be called again, elsewhere, after its node was lost.
        address: see `connected`.
        cpus: of each task.

    Raises:
        ClusterFailed: see `connected`.
    """
    with connected(address, cpus):
        # Not before: it reads the environment when it is imported.
        import ray

        # A process for each: what one leaves in TensorFlow is not another's.
        remote: Any = ray.remote(num_cpus=cpus, max_retries=_RETRIES, max_calls=1)(_call)
        names = {remote.remote(function): name for name, function in tasks.items()}
        while names:
            (done,), _ = ray.wait(list(names), num_returns=1)
            name = names.pop(done)
            try:
                yield Ended(name, ray.get(done))
            except ray.exceptions.RayError as error:
                yield Ended(name, failed=reason(error))


def _call(function: Callable[[], _Result]) -> _Result:
    return function()
