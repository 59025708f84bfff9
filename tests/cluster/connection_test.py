"""Where no cluster answers, a sentence says so before anything is begun."""

import http.server
import socket
import threading

import pytest

from tf_ssae.cluster.connection import ClusterFailed, reason, require_answer


def test_a_port_without_a_cluster_is_said():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(ClusterFailed, match=f"no cluster answers there.*--port={port}"):
            require_answer(f"127.0.0.1:{port}")


def test_another_server_is_no_cluster():
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(ClusterFailed, match="what answers there is not a Ray cluster"):
            require_answer(f"127.0.0.1:{server.server_port}")


@pytest.mark.parametrize("address", ["auto", "ray://host:10001", "host:", ":1", "host:port"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(ValueError, match="expected HOST:PORT of the cluster's head, or local"):
        require_answer(address)


def test_the_reason_is_the_exception_at_the_end_of_a_traceback():
    text = "\x1b[36mray::f()\x1b[39m (pid=1)\n  File x\nValueError: no such model: a.keras\n"
    assert reason(RuntimeError(text)) == "ValueError: no such model: a.keras"
    assert reason(RuntimeError("lost")) == "lost"
