"""Files beside the exported models with which TF Serving can be started."""

import pathlib

from tf_ssae.system.files import replacing

# In images. A server that batches refuses a request that is larger than its batches.
LARGEST_REQUEST = 64

# A file without it is somebody else's, and not overwritten.
_MARK = "# Written by tf-ssae export, each time. Remove this line to keep changes."

_MODEL = """  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
"""

# One image takes about as long as the timeout, so a single request is not delayed by much, and many
# are batched.
_BATCHING = f"""max_batch_size {{ value: {LARGEST_REQUEST} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: 2 }}
# Batches are padded up to these, so that the server meets few shapes.
allowed_batch_sizes: 1
allowed_batch_sizes: 8
allowed_batch_sizes: {LARGEST_REQUEST}
pad_variable_length_inputs: false
"""

_COMPOSE = """services:
  tf-serving:
    # Of the TensorFlow that wrote these models, or newer.
    image: tensorflow/serving:2.21.0
    # For this machine alone: TF Serving knows no passwords. Leave out 127.0.0.1 behind a firewall.
    ports:
      - "127.0.0.1:8500:8500"  # gRPC
      - "127.0.0.1:8501:8501"  # REST
    volumes:
      - .:/models:ro
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      - --enable_batching=true
      - --batching_parameters_file=/models/batching.config
"""

_README = """# Serving these models

`docker compose up` in this folder starts TF Serving with every model of `models.config`: {names}.
New versions are picked up by themselves.

Ask it about image files, over REST or gRPC (the latter needs `pip install 'tf_ssae[serving]'`):

    tf-ssae ask --model={name} --rest=http://localhost:8501 part1.png part2.jpg
    tf-ssae ask --model={name} --grpc=localhost:8500 part1.png part2.jpg

Or without any of this package, for a file of any size:

    (printf '{{"signature_name": "decide", "inputs": {{"image_bytes": [{{"b64": "'
     base64 -w0 part1.png
     printf '"}}]}}}}') | curl http://localhost:8501/v1/models/{name}:predict -d @-

It answers with every score, the decision, and how often a normal image scores as high:

    {{"outputs": {{"a_...": [0.71], "is_anomaly": [false], "decision": ["normal"],
                 "error": [""], "p_value": [0.4]}}}}

A file that cannot be used does not fail those beside it: its `error` says why, its `decision` is
`unreadable`, and its numbers are NaN, which JSON in the strict sense does not have. Look at
`decision`, not at `is_anomaly` alone, which is false for it.

It is up when `curl http://localhost:8501/v1/models/{name}` says `"state": "AVAILABLE"`.

Signatures: `serving_default` (`images`, uint8 [N, H, W, C]) and `serving_bytes` (`image_bytes`,
PNG or JPEG files, [N]) give every score, higher = more anomalous, the latter with `error`; `decide`
(`image_bytes`) adds `is_anomaly`, whether the score that decides is above its threshold
(`NAME/VERSION/detector.json` names both), `decision`, normal, review, anomaly or unreadable, and,
if images were held out in training, `p_value`; `decide_images` (`images`) does so for the frames of
a camera; `explain` (`images`) adds to the scores the reconstruction, the squared error, and the
probability that the classifier gives to each of the four true rotations. The server's batching
joins requests of one shape: send images of one size, or files. A photo whose EXIF tag turns it must
be turned by the client: the server reads pixels as they are stored.

`NAME/VERSION/tflite/` holds the same detector for small devices, each `.tflite` with a `.json` that
holds its thresholds. `NAME/VERSION/parity.json` holds how each file compares with the trained
model.
"""


def write(export_dir: pathlib.Path) -> None:
    """Writes `models.config` for every model in the folder, `batching.config`, `compose.yaml` and
    `SERVING.md`.

    Files of these names that it did not write are not overwritten.
    """
    names = sorted(
        {
            path.parent.parent.name
            for path in export_dir.glob("*/*/saved_model.pb")
            if path.parent.name.isdigit()
        }
    )
    models = "model_config_list {\n" + "".join(_MODEL.format(name=name) for name in names) + "}\n"
    for file, text in {
        "models.config": models,
        "batching.config": _BATCHING,
        "compose.yaml": _COMPOSE,
        "SERVING.md": _README.format(name=names[0], names=", ".join(names)),
    }.items():
        path = export_dir / file
        mark = _MARK if file != "SERVING.md" else f"<!-- {_MARK} -->"
        if path.exists() and _MARK not in path.read_text(errors="replace"):
            print(
                f"Not overwritten: {path}, which tf-ssae export did not write, or which was changed"
                " since."
            )
            continue
        with replacing(path) as temporary:
            temporary.write_text(f"{mark}\n{text}")
            # Whatever this process's umask: a server runs as another user.
            temporary.chmod(0o644)
