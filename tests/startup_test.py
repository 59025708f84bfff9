"""What is printed, and refused, when the package is imported."""

import os

import pytest
from conftest import ROOT, run_python

from tf_ssae.system.terminal import held_back_stderr


@pytest.mark.parametrize("program", ["import tf_ssae, keras", "import keras, tf_ssae"])
def test_another_backend_of_keras_is_refused(program, tmp_path):
    # In place of Keras, which would need the other backend's own package.
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = staticmethod(lambda: 'jax')\n"
    )
    done = run_python("-c", program, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.returncode == 1
    assert "ImportError: tf_ssae needs Keras on the TensorFlow backend, found 'jax'." in done.stderr


def test_native_news_are_held_back_unless_the_body_fails(capfd):
    with held_back_stderr():
        os.write(2, b"news\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(KeyboardInterrupt), held_back_stderr():
        os.write(2, b"what went wrong\n")
        raise KeyboardInterrupt
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "what went wrong\nafter it\n"
