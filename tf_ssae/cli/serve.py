"""`tf-ssae serve`: a model over HTTP on this machine, with a page to drop a photo on."""

import contextlib
import importlib.util
import ipaddress
import pathlib
import sys

from absl import flags

from tf_ssae.cli import plugins, quiet, reading
from tf_ssae.cli.verb import Failed, Verb
from tf_ssae.scoring import places
from tf_ssae.serve import address

_FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "model_dir",
    None,
    "A run's folder, an exported version (EXPORTED/NAME/VERSION) or a .tflite file.",
    flag_values=_FLAGS,
)
flags.DEFINE_integer(
    "port", 8501, "0: any that is free.", lower_bound=0, upper_bound=65535, flag_values=_FLAGS
)
flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "The address to answer at: 127.0.0.1 is this machine alone, 0.0.0.0 whoever reaches it."
    " Nobody is asked for a password.",
    flag_values=_FLAGS,
)
reading.define_limits(_FLAGS)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    plugins.load(_FLAGS.plugin)
    limits = reading.limits(_FLAGS)
    places.require_model(pathlib.Path(_FLAGS.model_dir))
    missing = [
        name
        for name in ("starlette", "uvicorn", "prometheus_client")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise Failed(f"serve needs {' and '.join(missing)}: pip install 'tf_ssae[serve]'.")
    with address.bound(_FLAGS.host, _FLAGS.port) as at:
        with quiet.native_code():
            from tf_ssae.serve import server
            from tf_ssae.serve.engine import Engine

            engine = Engine(pathlib.Path(_FLAGS.model_dir), limits)
        # Its threads would outlive a signal.
        with contextlib.closing(engine):
            if not ipaddress.ip_address(at.getsockname()[0]).is_loopback:
                print("WARNING: whoever reaches this machine can use it.", file=sys.stderr)
            # Whoever reads the line below may ask at once.
            at.listen()
            url = address.url(at)
            print(
                f"{engine.name}: a page for photos at {url}, REST at {url}/v1/models/{engine.name}."
                " Ctrl-C stops it.",
                flush=True,
            )
            server.run(engine, at)


VERB = Verb(
    name="serve",
    summary="Serve a trained detector over HTTP on this machine, with a page for photos",
    example="--model_dir=runs/parts-locator-seed-0",
    flag_values=_FLAGS,
    first={
        "What to serve": ("model_dir",),
        "Where": ("port", "host"),
        "What is refused": reading.LIMITS,
    },
    run=_run,
    required=("model_dir",),
)
