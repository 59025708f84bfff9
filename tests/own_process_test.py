"""The plugin that runs each file of tests in a process of its own, on files of tests made here."""

import os
import signal
import subprocess
import sys
import time

import own_process
import pytest
import tensorflow as tf
from conftest import ROOT

FIRST = """
import os, signal, subprocess, time, warnings
import pytest

@pytest.fixture(scope="module")
def process():
    yield os.getpid()
    print("torn down", file=open("torn", "a"))

def test_one(process):
    print(f"one in {process}, of {os.getppid()}", file=open("seen", "a"))

def test_two(process):
    print(f"two in {process}, of {os.getppid()}", file=open("seen", "a"))

def test_wrong(process):
    print("said before")
    assert [1, 2] == [1, 3]

def test_warned():
    warnings.warn("careful")

@pytest.mark.filterwarnings("error")
def test_strict():
    warnings.warn("careful, this is an error")

def test_killed():
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def test_ended():
    os._exit(3)

def test_after(process):
    assert process == os.getpid()
"""
SECOND = """
import os

def test_three():
    print(f"three in {os.getpid()}, of {os.getppid()}", file=open("seen", "a"))
"""
SLOW = """
import subprocess, time
import pytest

@pytest.fixture
def program():
    with subprocess.Popen(["sleep", "600"]) as process:
        yield
        process.kill()
        open("torn", "w").close()

def test_slow(program):
    open("started", "w").close()
    time.sleep(600)
"""


ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    "PYTHONPATH": str(ROOT / "tests"),
}
TEXT = dict(text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "first_test.py").write_text(FIRST)
    (tmp_path / "second_test.py").write_text(SECOND)
    return tmp_path


def command(*flags):
    plugin = ["-p", "own_process", "-o", "python_files=*_test.py"]
    return [sys.executable, "-m", "pytest", "-q", *plugin, *flags]


def run(folder, *flags):
    return subprocess.run(command(*flags), cwd=folder, env=ENVIRONMENT, **TEXT).stdout


def seen(folder):
    lines = (folder / "seen").read_text().splitlines()
    return {name: own.split(", of ") for name, own in (line.split(" in ") for line in lines)}


def test_each_file_has_a_process_and_every_failure_a_reason(folder):
    said = run(folder, "-n2", "--dist=loadfile")
    processes = seen(folder)
    assert processes["one"] == processes["two"] != processes["three"]
    assert all(own != parent for own, parent in processes.values())
    assert "4 failed, 5 passed, 1 warning" in said, said
    for part in (
        "first_test.py::test_wrong - assert [1, 2] == [1, 3]",
        "At index 1 diff: 2 != 3",
        "said before",
        "UserWarning: careful, this is an error",
        'warnings.warn("careful")',
        "The process of first_test.py ended by SIGKILL in this test.",
        "about to die",
        "The process of first_test.py ended with status 3 in this test.",
        "Largest memory of a process: ",
    ):
        assert part in said, part


def test_a_run_stopped_by_its_first_failure_tears_down_and_its_failures_run_again(folder):
    said = run(folder, "-n0", "-x", "-k", "one or wrong or after")
    assert "1 failed, 1 passed, 6 deselected" in said, said
    assert (folder / "torn").read_text() == "torn down\n"
    said = run(folder, "-n0", "--last-failed")
    assert "1 failed" in said and "passed" not in said, said


def test_who_debugs_has_one_process(folder):
    run(folder, "-n0", "-s", "-k", "one or three")
    ((_, parent), (_, other_parent)) = seen(folder)["one"], seen(folder)["three"]
    assert seen(folder)["one"][0] == seen(folder)["three"][0] and parent == other_parent


@pytest.mark.parametrize("flags", [["-n0"], ["-n2", "--dist=loadfile"]])
def test_ctrl_c_ends_all_and_tears_down(tmp_path, flags):
    (tmp_path / "slow_test.py").write_text(SLOW)
    with subprocess.Popen(
        command(*flags), cwd=tmp_path, env=ENVIRONMENT, start_new_session=True,
        # Whoever runs the suite in the background has its processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **TEXT,
    ) as process:  # fmt: skip
        while not (tmp_path / "started").exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        # As a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == pytest.ExitCode.INTERRUPTED and "KeyboardInterrupt" in said
    assert (tmp_path / "torn").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_importing_the_suite_does_not_start_tensorflow(request):
    """In this process, forked from one that has imported all files of tests that were asked for."""
    if request.config.option.capture == "no":
        pytest.skip("one process for all files")
    assert "tensorflow" in sys.modules and not own_process.tensorflow_runs()
    tf.constant(1)
    assert own_process.tensorflow_runs()


def test_a_file_that_starts_tensorflow_as_it_is_imported_is_an_error_of_that_file(folder):
    eager = folder / "tensorflow" / "python" / "eager"
    eager.mkdir(parents=True)
    # In place of TensorFlow, whose import takes seconds.
    (eager / "context.py").write_text("_context = None\n")
    start = "import types\nfrom tensorflow.python.eager import context\n"
    (folder / "tensor_test.py").write_text(
        f"{start}context._context = types.SimpleNamespace(_context_handle=1)\n"
    )
    (folder / "import_test.py").write_text(start)
    said = run(folder, "-n0")
    assert "tensor_test.py starts TensorFlow as it is imported" in said, said
    assert "1 error" in said and not (folder / "seen").exists()
