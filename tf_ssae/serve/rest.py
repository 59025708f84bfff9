"""TF Serving's REST paths, https://www.tensorflow.org/tfx/serving/api_rest, for any stored model.

They answer as TF Serving does over the exported SavedModel, but for this: image files are read as
`tf-ssae score` reads them, so photos are turned upright, and what cannot be read is refused in the
same words.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tf_ssae.data.decode import UnreadableImage
from tf_ssae.serve import limits, signatures
from tf_ssae.serve.engine import Engine
from tf_ssae.serve.limits import Refused, Turns


def routes(engine: Engine, turns: Turns) -> list[Route]:
    """The routes of one model."""
    described = signatures.metadata(engine)

    def check_name(request: Request) -> None:
        asked = request.path_params
        name, version = asked["name"], asked.get("version", engine.version)
        if (name, version) != (engine.name, engine.version):
            raise Refused(
                404,
                f"No version {version} of a model {name} here; this server has version"
                f" {engine.version} of {engine.name}.",
            )

    async def status(request: Request) -> Response:
        check_name(request)
        state = "AVAILABLE" if engine.is_alive else "END"
        version = {
            "version": engine.version,
            "state": state,
            "status": {"error_code": "OK", "error_message": ""},
        }
        return JSONResponse({"model_version_status": [version]})

    async def metadata(request: Request) -> Response:
        check_name(request)
        return JSONResponse(described)

    async def predict(request: Request) -> Response:
        check_name(request)
        async with turns.turn():
            body = await limits.body(request)
            return Response(await _answered(engine, body), media_type="application/json")

    model = "/v1/models/{name}"
    # A path ends where its first match does: the longer ones come first.
    return [
        route
        for path in (f"{model}/versions/{{version}}", model)
        for route in (
            Route(f"{path}:predict", predict, methods=["POST"]),
            Route(f"{path}/metadata", metadata),
            Route(path, status),
        )
    ]


async def _answered(engine: Engine, body: bytes) -> bytes:
    """The answer to the body of a request. Raises Refused, 400, saying what is wrong with it."""
    channels = engine.description.image_shape[2]
    asked = await engine.in_thread(signatures.asked, body, channels)
    explains = asked.signature == "explain"
    if asked.images is None:
        files = await engine.read(asked.files)
        errors = [file.error for file in files]
        tiles = [engine.black if file.error else file.tiles for file in files]
    else:
        errors = None
        try:
            tiles = await engine.in_thread(engine.cut, asked.images)
        except UnreadableImage as error:
            raise Refused(400, f"images: {error}") from None
    count = sum(len(of_image) for of_image in tiles)
    if explains and count > signatures.LARGEST_EXPLAINED:
        raise Refused(
            400,
            f"{count} tiles to explain; expected at most {signatures.LARGEST_EXPLAINED} at a time.",
        )
    answer = await engine.answer("explain" if explains else "score", tiles, errors)
    return await engine.in_thread(_encoded, asked, answer, engine)


def _encoded(asked: signatures.Asked, answer: signatures.Answer, engine: Engine) -> bytes:
    return signatures.encoded(signatures.outputs(asked.signature, answer, engine), asked.in_rows)
