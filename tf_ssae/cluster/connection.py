"""A connection to a Ray cluster, or to one of this process' own."""

import contextlib
import importlib.metadata
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator

from tf_ssae._version import __version__

LOCAL = "local"
# To a machine that does not answer.
_SECONDS = 5
# How a gRPC client opens a connection, and what kind of frame (its fourth byte) a server answers
# with: Ray itself waits for minutes at a port that belongs to something else.
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS
# Model and paths are all that goes through Ray's store; its default is a third of the memory.
_STORE = 2**29


class ClusterFailed(OSError):
    """A cluster could not do what it was asked; the message says why."""


@contextlib.contextmanager
def connected(address: str, cpus: int) -> Iterator[None]:
    """Connects to a cluster for the time of the body.

    Args:
        address: HOST:PORT of its head, of which this machine is a node; or `local`, which starts
            one on this machine alone.
        cpus: of each process that is to work there.

    Raises:
        ClusterFailed: nothing answers at the address within seconds, or what answers is no cluster
            that this machine can use; or its nodes lack the CPUs, or this version of the package.
        ValueError: it is no address.
    """
    if address != LOCAL:
        require_answer(address)
    # Nothing is sent to anyone; and what a node's loss makes Ray's own programs log is not for the
    # person who reads the lines of this one.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DATA_LOG_LEVEL", "CRITICAL")
    # After that: it is read on import.
    import ray

    starts = address == LOCAL
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address,
            include_dashboard=False if starts else None,
            object_store_memory=_STORE if starts else None,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
    # Of many kinds, by version.
    except Exception as error:
        raise ClusterFailed(f"--cluster={address}: {reason(error)}") from error
    if threading.current_thread() is threading.main_thread():
        # Ray has taken it, to exit there and then.
        signal.signal(signal.SIGTERM, on_sigterm)
    try:
        _require_cpus(address, cpus)
        _require_package()
        yield
    finally:
        ray.shutdown()


def require_answer(address: str) -> None:
    """Raises ValueError for what is no address, ClusterFailed if nothing answers there."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or "/" in host:
        raise ValueError(
            f"--cluster={address}: expected HOST:PORT of the cluster's head, or {LOCAL}."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as opened:
            opened.sendall(_HELLO)
            answer = opened.recv(len(_SETTINGS))
    except (OSError, OverflowError) as error:
        raise ClusterFailed(
            f"--cluster={address}: no cluster answers there ({error}). Start one with"
            f" `ray start --head --port={port}`, or pass --cluster={LOCAL}."
        ) from error
    if answer[3:4] != _SETTINGS[3:4]:
        raise ClusterFailed(f"--cluster={address}: what answers there is not a Ray cluster.")


def _require_cpus(address: str, cpus: int) -> None:
    """Raises ClusterFailed if no node of the connected cluster has so many CPUs."""
    import ray

    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    if max(nodes, default=0) < cpus:
        raise ClusterFailed(
            f"--cluster={address}: none of its nodes has {cpus} CPUs; they have"
            f" {', '.join(f'{count:g}' for count in sorted(nodes)) or 'none'}. Lower --cpus."
        )


def _require_package() -> None:
    """Raises ClusterFailed if a node of the connected cluster has another version of this package,
    or none.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0)(importlib.metadata.version)
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        try:
            found = ray.get(ask.options(scheduling_strategy=there).remote("tf_ssae"))
        except ray.exceptions.RayTaskError as error:
            raise ClusterFailed(
                f"{node['NodeManagerHostname']} cannot run tf_ssae ({reason(error)}): install"
                f" 'tf_ssae[cluster]' {__version__} on every node."
            ) from error
        except ray.exceptions.RayError:
            # Lost meanwhile.
            continue
        if found != __version__:
            raise ClusterFailed(
                f"{node['NodeManagerHostname']} has tf_ssae {found}, this machine {__version__}:"
                " install one version on every node."
            )


def reason(error: BaseException) -> str:
    """Why something failed on a node, in one line: what the exception there said."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    lines = text.splitlines() or [type(error).__name__]
    # A traceback from elsewhere ends with the exception itself.
    said = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Failed|Busy)\b.*: ", line)]
    return f"{(said or lines)[-1].strip():.300}"
