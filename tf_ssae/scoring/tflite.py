"""A `.tflite` file that scores (see `export.tflite`)."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_ssae.ops.batched import in_batches, padded


class TFLiteModel:
    """Scores images with a TFLite file, through its signature.

    Attributes:
        batch_size: how many images the file takes at once.
        image_shape: `(S, S, C)` of the images it takes.
    """

    def __init__(self, model: bytes, threads: int | None = 1):
        """`model`: the bytes of the file. `threads`: how many the interpreter may use."""
        self._interpreter = Interpreter(model_content=model, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._run = self._interpreter.get_signature_runner()
        (details,) = self._run.get_input_details().values()
        self.batch_size, *image_shape = (int(size) for size in details["shape"])
        self.image_shape = tuple(image_shape)
        self._batch = padded(lambda images: self._run(images=images), self.batch_size)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 `[N, S, S, C] -> {score name: float32 [N]}`."""
        return in_batches(self._batch, images, self.batch_size)
