import concurrent.futures
import threading

import numpy as np
import pytest

from tf_ssae.serve.batcher import Batcher


@pytest.fixture
def batcher():
    """One whose function "wait" is held until `release` is set; it notes the sizes of batches."""
    sizes, release, began = [], threading.Event(), threading.Event()

    def double(tiles):
        sizes.append(len(tiles))
        return {"twice": 2 * tiles[:, 0]}

    def wait(tiles):
        began.set()
        assert release.wait(60)
        return double(tiles)

    def fail(tiles):
        raise ValueError("no such score")

    made = Batcher({"double": double, "wait": wait, "fail": fail}, gathered=8)
    made.sizes, made.release, made.began = sizes, release, began
    yield made
    release.set()
    made.close()


def tiles(*values):
    return np.array(values)[:, np.newaxis]


def held(batcher):
    """A batch that the batcher works on until it is released."""
    first = batcher.submit("wait", tiles(0))
    assert batcher.began.wait(60)
    return first


def test_what_gathers_meanwhile_is_one_batch_and_each_gets_its_own(batcher):
    held(batcher)
    answers = [batcher.submit("double", tiles(i, i + 1)) for i in range(3)]
    batcher.release.set()
    assert [list(a.result(60)["twice"]) for a in answers] == [[0, 2], [2, 4], [4, 6]]
    assert batcher.sizes == [1, 6]


def test_a_batch_is_closed_once_it_has_enough(batcher):
    held(batcher)
    answers = [batcher.submit("double", tiles(*range(5))) for _ in range(3)]
    batcher.release.set()
    concurrent.futures.wait(answers, 60)
    assert batcher.sizes == [1, 10, 5]


def test_a_failure_reaches_who_asked_for_it_and_nobody_else(batcher):
    held(batcher)
    bad, good = batcher.submit("fail", tiles(1)), batcher.submit("double", tiles(1))
    batcher.release.set()
    with pytest.raises(ValueError, match="no such score"):
        bad.result(60)
    assert list(good.result(60)["twice"]) == [2]
    assert list(batcher.submit("double", tiles(4)).result(60)["twice"]) == [8]
    assert batcher.is_alive


def test_who_went_away_is_not_computed_for(batcher):
    held(batcher)
    gone, kept = batcher.submit("double", tiles(1, 2, 3)), batcher.submit("double", tiles(4))
    assert gone.cancel()
    batcher.release.set()
    assert list(kept.result(60)["twice"]) == [8] and batcher.sizes == [1, 1]


def test_when_it_closes_what_waits_is_cancelled_and_what_runs_is_answered(batcher):
    running = held(batcher)
    waiting = [batcher.submit("double", tiles(1)) for _ in range(3)]
    batcher.close()
    late = batcher.submit("double", tiles(1))
    batcher.release.set()
    assert list(running.result(60)["twice"]) == [0]
    for answer in (*waiting, late):
        with pytest.raises(concurrent.futures.CancelledError):
            answer.result(60)
    assert batcher.sizes == [1] and not batcher.is_alive
