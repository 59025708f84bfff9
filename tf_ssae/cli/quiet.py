"""Programs print their own lines, not TensorFlow's. It is done here, since a library must not
redirect anything.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator

from tf_ssae.cli.verb import EXPECTED
from tf_ssae.system.terminal import held_back_stderr


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras without their start-up notices."""
    with held_back_stderr():
        import keras
        import tensorflow as tf

        # The search for a GPU logs as well. Programs take of its memory what they need, not all.
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    # A program's own, whatever ~/.keras/keras.json says for others.
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    _filter_warnings()


@contextlib.contextmanager
def native_code() -> Iterator[None]:
    """As `import_tensorflow`, and holds back what native code prints in the body too, such as the
    TFLite converter's notices (see `held_back_stderr`).
    """
    with held_back_stderr(*EXPECTED):
        import_tensorflow()
        yield


def _filter_warnings() -> None:
    from PIL import Image

    # Pillow warns of images above half the size that it refuses; `data` checks the size itself.
    # (Not in a `catch_warnings` block: threads read files, and all share the filters.)
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    # Of a TIFF's tags, most of which are not looked at, and without the file's name.
    warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    # TensorFlow's converter uses its own interpreter when it quantises.
    warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
