"""What a `.tflite` file needs of the device that runs it."""

import collections
import os
import pathlib
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def examine(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A dict of what the file at `path` holds and takes.

    `operators`: `{name: count}`; `flex`: those that need TensorFlow's own operators; `bytes`: of
    the file; `weight_bytes`: of its constants; `arena_bytes`: of the largest set of activations
    alive at one time, with weights that the file dequantises: an estimate of what an interpreter
    needs beside the file.

    Raises:
        ValueError: it is no TFLite file.
    """
    data = pathlib.Path(path).read_bytes()
    if data[4:8] != b"TFL3":
        raise ValueError(f"{path} is no TFLite file: it lacks the identifier TFL3.")
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    # The reader of the format follows offsets wherever they lead.
    except Exception as error:
        raise ValueError(f"{path} is a broken TFLite file: {error}") from error
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if isinstance(value, int)
    }
    operators: collections.Counter[str] = collections.Counter()
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
            operators[code.customCode.decode() if code.customCode else names[builtin]] += 1
    main = model.subgraphs[0]
    constants = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    return {
        "operators": dict(sorted(operators.items())),
        "flex": sorted(name for name in operators if name.startswith("Flex")),
        "bytes": len(data),
        "weight_bytes": constants,
        "arena_bytes": _peak_activations(main),
    }


def _peak_activations(graph: schema.SubGraphT) -> int:
    """Bytes of the tensors alive at one operator, at the operator where they are the most."""
    kinds = schema.TensorType
    sizes = {
        kinds.FLOAT64: 8,
        kinds.INT64: 8,
        kinds.FLOAT32: 4,
        kinds.INT32: 4,
        kinds.FLOAT16: 2,
        kinds.INT16: 2,
    }
    born, dies = {}, {}
    for i in graph.inputs:
        born[i] = 0
    for step, operator in enumerate(graph.operators):
        for i in operator.outputs:
            born.setdefault(i, step)
        for i in operator.inputs:
            dies[i] = step
    for i in graph.outputs:
        dies[i] = len(graph.operators)
    alive = np.zeros(len(graph.operators) + 1, np.int64)
    for i, start in born.items():
        tensor = graph.tensors[i]
        size = int(np.prod(np.abs(tensor.shape))) * sizes.get(tensor.type, 1)
        alive[start : dies.get(i, start) + 1] += size
    return int(alive.max())
