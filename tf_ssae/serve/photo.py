"""A photo in the body of a request: its row, and what a page shows of it. Nothing of it is kept."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tf_ssae.data.decode import decode
from tf_ssae.report import overlay
from tf_ssae.serve import limits
from tf_ssae.serve.engine import Engine
from tf_ssae.serve.limits import Turns
from tf_ssae.serve.page import Page

# Pixels: maps are smooth, and drawn over the photo at any size.
_MAP_SIDE, _PREVIEW_SIDE = 768, 2048
_TIFF = (b"II*\0", b"MM\0*")
# Held-out scores for the ruler: their spread is to be seen, not each of them.
_ON_RULER = 200


def routes(engine: Engine, turns: Turns) -> list[Route]:
    """The routes of the page and of what it asks for."""
    shown = Page(engine.name)

    async def page(request: Request) -> Response:
        return HTMLResponse(shown.html, headers=shown.headers)

    async def model(request: Request) -> Response:
        return JSONResponse(described(engine))

    async def predict(request: Request) -> Response:
        async with turns.turn():
            data = await limits.body(request)
            row, anomaly_map = await engine.photo(data)
            answer = {name: row[name] for name in row if name not in ("path", "error")}
            answer["score"] = row[engine.calibration.deciding_score]
            if request.query_params.get("show") == "true":
                answer |= await engine.in_thread(_pictures, data, anomaly_map)
            return JSONResponse(answer)

    return [
        Route("/", page),
        Route("/model", model),
        Route("/predict", predict, methods=["POST"]),
    ]


def described(engine: Engine) -> dict[str, Any]:
    """What the page has to know of the model, JSON values."""
    calibration = engine.calibration
    scores = np.asarray(calibration.scores[calibration.deciding_score])
    spread = np.linspace(0, len(scores) - 1, min(len(scores), _ON_RULER)).round().astype(int)
    return {
        "name": engine.name,
        "version": engine.version,
        "deciding_score": calibration.deciding_score,
        "threshold": calibration.threshold,
        "review_threshold": calibration.review_threshold,
        "held_out": calibration.held_out,
        "images": calibration.images,
        "scores": scores[spread].tolist(),
        "guarantee": calibration.guarantee_in_words,
        "has_maps": engine.has_maps,
        "largest_body": limits.LARGEST_BODY,
    }


def _pictures(data: bytes, anomaly_map: np.ndarray | None) -> dict[str, str | None]:
    """Data URIs: `map`, to lay over the photo; `preview`, of a photo that browsers cannot show."""
    return {
        "map": None if anomaly_map is None else _map(anomaly_map),
        "preview": _preview(data) if data.startswith(_TIFF) else None,
    }


def _map(anomaly_map: np.ndarray) -> str:
    image = Image.fromarray(anomaly_map)
    image.thumbnail((_MAP_SIDE, _MAP_SIDE), Image.Resampling.BILINEAR)
    return _uri(Image.fromarray(overlay.layer(np.asarray(image))), "PNG")


def _preview(data: bytes) -> str:
    pixels = decode(data)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    return _uri(image, "JPEG")


def _uri(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{encoded}"
