"""The application: its routes, the headers of every answer, and errors as sentences."""

import logging
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tf_ssae.serve import metrics, photo, rest
from tf_ssae.serve.engine import Engine
from tf_ssae.serve.limits import Refused, Turns

_LOG = logging.getLogger(__name__)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Of what is no page; a page brings its own.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def make(engine: Engine) -> ASGIApp:
    """The ASGI application of one model."""
    turns = Turns()

    async def healthz(request: Request) -> Response:
        if engine.is_alive:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "ending"}, 503)

    async def measured(request: Request) -> Response:
        return Response(engine.metrics.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    app = Starlette(
        routes=[
            *photo.routes(engine, turns),
            *rest.routes(engine, turns),
            Route("/healthz", healthz),
            Route("/metrics", measured),
        ],
        exception_handlers={
            Refused: _refused,
            HTTPException: _not_there,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    return engine.metrics.counted(_with_headers(app))


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    # As TF Serving answers.
    return JSONResponse({"error": sentence}, status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"Retry-After": "5"} if error.status == 503 else None
    return _error(error.status, error.sentence, headers)


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    sentence = f"{phrase}: {request.method} {request.url.path}"
    return _error(error.status_code, sentence, dict(error.headers or {}))


async def _gone(request: Request, error: Exception) -> Response:
    # Nobody reads it.
    return _error(400, "The client went away.")


async def _failed(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s failed:", request.method, request.url.path, exc_info=error)
    return _error(500, "The server failed at this request; its own output says how.")


def _with_headers(app: ASGIApp) -> ASGIApp:
    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await app(scope, receive, sending)

    return adding
