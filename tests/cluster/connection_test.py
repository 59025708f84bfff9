"""Where no cluster answers, a sentence says so before anything is begun."""

import concurrent.futures
import contextlib
import http.server
import socket
import threading

import grpc
import pytest
from conftest import run_python

from tf_ssae.cluster.connection import ClusterFailed, reason, require_answer


@contextlib.contextmanager
def grpc_server(token):
    """The address of a server that answers what any cluster does, to those who show the token if it
    is not empty; of one that knows no such question for None.
    """

    def answer(request, context):
        shown = dict(context.invocation_metadata()).get("authorization")
        if token and shown != f"Bearer {token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "")
        return b""

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        if token is not None:
            handlers = {"GetClusterId": grpc.unary_unary_rpc_method_handler(answer)}
            of_ray = grpc.method_handlers_generic_handler("ray.rpc.NodeInfoGcsService", handlers)
            server.add_generic_rpc_handlers([of_ray])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(0).wait()


def test_a_port_without_a_cluster_is_said():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(ClusterFailed, match=f"no cluster answers there.*--port={port}"):
            require_answer(f"127.0.0.1:{port}")


def test_another_server_is_no_cluster():
    with grpc_server(None) as address, pytest.raises(ClusterFailed, match="is not a Ray cluster"):
        require_answer(address)

    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(ClusterFailed, match="no cluster answers there"):
            require_answer(f"127.0.0.1:{server.server_port}")


def test_a_cluster_that_asks_for_a_token_gets_this_machines(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with grpc_server("") as address:
        assert require_answer(address) is False
    with grpc_server("secret") as address:
        with pytest.raises(ClusterFailed, match="asks for a token: copy ~/.ray/auth_token of its"):
            require_answer(address)
        (tmp_path / ".ray").mkdir()
        kept = tmp_path / ".ray" / "auth_token"
        kept.write_text("of another cluster")
        with pytest.raises(ClusterFailed, match="asks for another token than this machine has"):
            require_answer(address)
        kept.write_text("secret\n")
        assert require_answer(address) is True
        monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
        with pytest.raises(ClusterFailed, match="another token"):
            require_answer(address)


@pytest.mark.parametrize(
    "address", ["auto", "ray://host:10001", "host:", ":1", "host:port", "host:70000"]
)
def test_what_is_no_address_is_said(address):
    with pytest.raises(ValueError, match="expected HOST:PORT of the cluster's head, or local"):
        require_answer(address)


def test_the_reason_is_the_exception_at_the_end_of_a_traceback():
    text = "\x1b[36mray::f()\x1b[39m (pid=1)\n  File x\nValueError: no such model: a.keras\n"
    assert reason(RuntimeError(text)) == "ValueError: no such model: a.keras"
    assert reason(RuntimeError("lost")) == "lost"


def test_nothing_imports_ray_before_a_connection_is_asked_for():
    """It reads the environment when it is imported, and `connected` sets that."""
    modules = ("score", "runs", "products")
    imports = ", ".join(f"tf_ssae.cluster.{name}" for name in modules)
    done = run_python("-c", f"import sys, {imports}; sys.exit('ray' in sys.modules)")
    assert done.returncode == 0, done.stderr
