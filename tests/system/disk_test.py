import errno

import pytest
import tensorflow as tf

from tf_ssae.system.disk import FullDisk, full_disk_is_an_os_error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        PermissionError("Cannot write the folder: [Errno 28] No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "a/b.data; No space left on device"),
        RuntimeError("Unable to flush file: errno = 27, error message = 'File too large'"),
    ],
)
def test_whoever_notices_a_full_disk_it_is_one_sentence(error):
    with pytest.raises(FullDisk) as raised, full_disk_is_an_os_error("runs", "Free some."):
        raise error
    assert raised.value.errno == errno.ENOSPC and isinstance(raised.value, OSError)
    assert str(raised.value) == (
        "The disk is full, or a limit on what may be written is reached, in runs. Free some."
    )


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "denied"), ValueError("x"), MemoryError()])
def test_other_errors_are_left_alone(error):
    with pytest.raises(type(error)) as raised, full_disk_is_an_os_error("runs", "Free some."):
        raise error
    assert raised.value is error
