"""A model behind a socket, until a signal ends it."""

import socket

import uvicorn

from tf_ssae.serve import app, limits
from tf_ssae.serve.engine import Engine

# Requests that are being answered have so many seconds when the server is asked to end.
_LAST_SECONDS = 1


def run(engine: Engine, at: socket.socket) -> None:
    """Answers at a bound socket until SIGINT or SIGTERM, and raises that signal again."""
    config = uvicorn.Config(
        app.make(engine),
        # The application logs what fails, metrics count the rest.
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        limit_concurrency=limits.CONNECTIONS,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[at])
