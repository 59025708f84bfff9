"""Programs started by something else than a terminal. A verb of their own keeps them short."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

_PROGRAM = """
import os, sys, time
from absl import flags
from tf_ssae.cli.verb import Verb

def run(arguments):
    {body}

verb = Verb("try", "Tries", "", flags.FlagValues(), {{}}, run, takes_files=True)
sys.exit(verb.main(sys.argv[1:]))
"""


def command(body, *arguments):
    return [sys.executable, "-c", _PROGRAM.format(body=body), *arguments]


def done(body, *arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command(body, *arguments), cwd=ROOT, timeout=60, **options)


def closed(*descriptors):
    return lambda: [os.close(descriptor) for descriptor in descriptors]


@pytest.mark.parametrize("descriptors", [(1,), (2,), (0, 1, 2)])
def test_without_standard_streams_nothing_is_printed_into_files(descriptors, tmp_path):
    body = f"""
    with open({str(tmp_path / "table")!r}, "w") as file:
        os.write(1, b"native"), os.write(2, b"native")
        print("out", flush=True), print("err", file=sys.stderr)
        file.write("rows"), file.flush()
        assert file.fileno() > 2"""
    found = done(body, preexec_fn=closed(*descriptors))
    assert found.returncode == 0 and (tmp_path / "table").read_text() == "rows"
    refused = done("    raise ValueError('no')", preexec_fn=closed(*descriptors))
    assert refused.returncode == 1


def test_a_reader_that_goes_away_does_not_end_the_work(tmp_path):
    body = f"""
    for _ in range(1000): print("x" * 1000, flush=True)
    open({str(tmp_path / "done")!r}, "w").close()"""
    with subprocess.Popen(
        command(body), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_a_full_disk_keeps_from_being_printed_is_a_failure(unbuffered):
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        found = done("    print('row')", stdout=full, env=environment)
    assert found.returncode == 1
    assert found.stderr == b"Error: not all could be printed: No space left on device.\n"


def test_a_terminal_that_knows_ascii_alone():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    found = done("    print('caf\\u00e9 \\udce9')", env=environment)
    assert found.returncode == 0 and found.stdout == b"caf\\xe9 \\udce9\n"


def test_home_is_meant_by_a_tilde_in_any_argument():
    arguments = ["~/a", "b~", "~nobody-of-this-name/c"]
    environment = {**os.environ, "HOME": "/home/me"}
    found = done("    print(arguments)", *arguments, env=environment)
    assert found.stdout == b"['/home/me/a', 'b~', '~nobody-of-this-name/c']\n"


def assert_stops(body, number):
    """A signal ends a body that has printed "ready": in one sentence, with its status."""
    with subprocess.Popen(
        command(body),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert process.stderr.read() == b"\nStopped.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(60)",
        # What native code makes of it, and what a half-finished import does.
        """
        time.sleep(60)
    except BaseException:
        raise ImportError("numpy is broken")
    finally:
        pass""",
    ],
)
def test_a_signal_is_one_sentence_and_its_status(number, body):
    body = f"""
    print("ready", flush=True)
    try:
        {body.strip()}
    finally:
        pass"""
    if "except" in body:
        body = body.rsplit("\n    finally", 1)[0]
    assert_stops(body, number)


def test_a_signal_that_a_process_was_started_to_ignore_is_ignored():
    body = """
    print("ready", flush=True)
    sys.stdin.readline()"""
    with subprocess.Popen(
        command(body),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_native_code_that_goes_on_is_ended(number, tmp_path):
    # As a call of TensorFlow: it lets other threads run, and knows of no signal.
    body = f"""
    import hashlib
    print("ready", flush=True)
    try:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    finally:
        open({str(tmp_path / "tidied")!r}, "w").close()"""
    assert_stops(body, number)
    assert not (tmp_path / "tidied").exists()
