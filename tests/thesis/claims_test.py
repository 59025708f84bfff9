"""A run has one holder at a time, whoever dies."""

import json
import os
import subprocess
import sys
import threading

import pytest

from thesis.claims import ClaimLost, Claims


def take_by_many(folder, expiry, workers=16):
    """How many of so many threads, each with its own Claims, get the run "a"."""
    taken, together = [], threading.Barrier(workers)

    def take():
        claims = Claims(folder, expiry)
        together.wait()
        taken.append(claims.take("a"))

    threads = [threading.Thread(target=take) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(claim is not None for claim in taken)


def age(claim, seconds):
    then = claim.path.stat().st_mtime - seconds
    os.utime(claim.path, (then, then))


def held_by(claim, **changes):
    """Rewrites who holds it, as of now."""
    claim.path.write_text(json.dumps({**json.loads(claim.path.read_text()), **changes}))


def test_one_of_many_gets_a_free_run(tmp_path):
    assert take_by_many(tmp_path, 60) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.claim.0"]


def test_one_of_many_takes_over_a_stale_run(tmp_path):
    age(Claims(tmp_path, 60).take("a"), 61)
    assert take_by_many(tmp_path, 60) == 1


def test_one_of_many_processes_gets_each_run(tmp_path):
    """Processes race for 20 runs, each of which died in the hands of another machine's worker."""
    for name in map(str, range(20)):
        age(Claims(tmp_path, 60).take(name), 61)
    program = (
        "import sys, pathlib; from thesis.claims import Claims; claims ="
        " Claims(sys.argv[1], 60); sys.stdin.readline(); print(*[i for i in range(20) if"
        " claims.take(str(i))], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [number for process in processes for number in process.stdout.readline().split()]
    # Only now may they end: what a dead process holds is free.
    for process in processes:
        process.communicate()
    assert sorted(taken, key=int) == [str(i) for i in range(20)]


def test_a_claim_lives_as_long_as_it_is_kept(tmp_path):
    claims = Claims(tmp_path, 60)
    claim = claims.take("a")
    age(claim, 50)
    assert claims.take("a") is None
    age(claim, 100)
    claim.keep()
    assert claims.take("a") is None and claims.take("b") is not None and claims.live() == 2


def test_a_holder_that_was_taken_for_dead_is_told(tmp_path):
    first = Claims(tmp_path, 60).take("a")
    age(first, 61)
    second = Claims(tmp_path, 60).take("a")
    with pytest.raises(ClaimLost, match="a was taken over by another worker"):
        first.keep()
    second.keep()


def test_a_dead_process_of_this_machine_holds_nothing(tmp_path):
    claims = Claims(tmp_path, 3600)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (f"from thesis.claims import Claims; Claims({str(tmp_path)!r}, 3600).take('a')"),
        ]
    )
    assert process.wait() == 0
    assert claims.live() == 0 and claims.take("a") is not None


def test_a_process_number_used_again_is_another_process(tmp_path):
    claims = Claims(tmp_path, 3600)
    held_by(claims.take("a"), started=1)
    assert claims.take("a") is not None


def test_of_another_machine_only_time_tells(tmp_path):
    claims = Claims(tmp_path, 60)
    claim = claims.take("a")
    held_by(claim, host="elsewhere", pid=4_000_000)
    assert claims.take("a") is None
    age(claim, 61)
    assert claims.take("a") is not None


def test_a_claim_given_up_is_free_at_once_and_a_finished_one_leaves_nothing(tmp_path):
    claims = Claims(tmp_path, 60)
    claims.take("a").give_up()
    again = claims.take("a")
    assert again.number == 1
    again.finish()
    assert not list(tmp_path.iterdir())
