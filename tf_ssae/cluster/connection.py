"""A connection to a Ray cluster, or to one of this process' own."""

import contextlib
import importlib.metadata
import logging
import os
import pathlib
import re
import signal
import threading
from collections.abc import Iterator

import grpc

from tf_ssae._version import __version__

LOCAL = "local"
# To a machine that does not answer. Ray itself waits for a minute, whatever is there.
_SECONDS = 5
# What any cluster answers: its number.
_QUESTION = "/ray.rpc.NodeInfoGcsService/GetClusterId"
# Model and paths are all that goes through Ray's store; its default is a third of the memory.
_STORE = 2**29
# Where Ray keeps a cluster's token, if no variable says otherwise.
_TOKEN = "~/.ray/auth_token"


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
        # Ray shows its token to a cluster that it finds by itself, not to one at an address. Where
        # nobody asks for it, a process that does is kept from its own actors.
        os.environ["RAY_AUTH_MODE"] = "token" if require_answer(address) else "disabled"
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


def require_answer(address: str) -> bool:
    """Whether the cluster at an address asks for a token, which this machine then has.

    Raises:
        ValueError: it is no address.
        ClusterFailed: no cluster answers there, or it asks for another token.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) >= 2**16 or "/" in host:
        raise ValueError(
            f"--cluster={address}: expected HOST:PORT of the cluster's head, or {LOCAL}."
        )
    found = _ask(address)
    if found is grpc.StatusCode.OK:
        return False
    if found is grpc.StatusCode.UNAUTHENTICATED:
        token = _token()
        if token and _ask(address, token) is grpc.StatusCode.OK:
            return True
        whose = "another token than this machine has" if token else "a token"
        raise ClusterFailed(
            f"--cluster={address}: the cluster asks for {whose}: copy {_TOKEN} of its head to here."
        )
    if found in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        raise ClusterFailed(
            f"--cluster={address}: no cluster answers there. Start one with `ray start --head"
            f" --port={port}`, or pass --cluster={LOCAL}."
        )
    raise ClusterFailed(f"--cluster={address}: what answers there is not a Ray cluster.")


def _ask(address: str, token: str = "") -> grpc.StatusCode:
    """What becomes of a question to the head of a cluster."""
    # As Ray's own programs: whatever a proxy answers is not the cluster.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(_QUESTION)(
                b"",
                timeout=_SECONDS,
                metadata=[("authorization", f"Bearer {token}")] if token else None,
            )
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def _token() -> str:
    """This machine's token, from where Ray takes it; empty if there is none."""
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token.strip()
    path = pathlib.Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or _TOKEN).expanduser()
    return path.read_text().strip() if path.is_file() else ""


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
