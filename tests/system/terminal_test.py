import os
import signal
import sys

import pytest
from conftest import ROOT, run_python

from tf_ssae.system.terminal import held_back_stderr


def test_native_notices_are_held_back_unless_the_body_fails(capfd):
    with held_back_stderr():
        os.write(2, b"news\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(RuntimeError), held_back_stderr():
        os.write(2, b"what went wrong\n")
        raise RuntimeError
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "what went wrong\nafter it\n"


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_an_expected_exception_is_not_a_failure(exception, capfd):
    with pytest.raises(exception), held_back_stderr(ValueError):
        os.write(2, b"news\n")
        raise exception
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "after it\n"


def test_what_python_prints_appears_at_once(capfd):
    with held_back_stderr():
        print("progress", file=sys.stderr)
        assert capfd.readouterr().err == "progress\n"


def test_a_user_who_wants_to_see_all_does(capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with held_back_stderr():
        os.write(2, b"news\n")
        assert capfd.readouterr().err == "news\n"


def test_a_crash_of_native_code_is_located():
    program = (
        "import os, signal, sys\n"
        "from tf_ssae.system.terminal import held_back_stderr\n"
        "with held_back_stderr():\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    done = run_python("-c", program, cwd=ROOT)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr and 'File "<string>", line 4' in done.stderr
