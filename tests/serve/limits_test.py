import asyncio

import pytest
from starlette.requests import Request

from tf_ssae.serve import limits


def body_of(parts):
    """What `limits.body` makes of a request whose body comes in these parts."""
    left = [
        {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
        for i, part in enumerate(parts)
    ]

    async def receive():
        return left.pop(0)

    return asyncio.run(limits.body(Request({"type": "http", "headers": []}, receive)))


def test_a_body_comes_in_parts():
    assert body_of([b"ab", b"", b"c"]) == b"abc"


def test_a_body_is_refused_by_what_arrives_and_not_by_what_it_claims(monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_BODY", 2**20)
    assert len(body_of([bytes(2**20)])) == 2**20
    with pytest.raises(limits.Refused, match="More than 1 MB") as refused:
        body_of([bytes(2**20), b"x"])
    assert refused.value.status == 413


def test_who_gets_no_turn_in_time_is_told_so(monkeypatch):
    monkeypatch.setattr(limits, "AT_ONCE", 2)
    running = []

    async def hold(turns, done):
        async with turns.turn():
            running.append(len(running) + 1)
            await done.wait()

    async def third():
        turns, done = limits.Turns(), asyncio.Event()
        holders = [asyncio.create_task(hold(turns, done)) for _ in range(2)]
        while len(running) < 2:
            await asyncio.sleep(0)
        # Only the third one's time is short, so that none of the two can end before it does.
        monkeypatch.setattr(limits, "SECONDS", 0.05)
        with pytest.raises(limits.Refused, match="No answer within") as refused:
            await hold(turns, done)
        done.set()
        await asyncio.gather(*holders)
        return refused.value.status

    assert asyncio.run(third()) == 503
    assert running == [1, 2]


def test_who_takes_too_long_over_its_turn_is_told_so_and_gives_it_back(monkeypatch):
    monkeypatch.setattr(limits, "AT_ONCE", 1)
    monkeypatch.setattr(limits, "SECONDS", 0.05)

    async def hold_and_follow():
        turns = limits.Turns()
        with pytest.raises(limits.Refused, match="No answer within") as refused:
            async with turns.turn():
                await asyncio.Event().wait()
        monkeypatch.setattr(limits, "SECONDS", 30)
        async with turns.turn():
            return refused.value.status

    assert asyncio.run(hold_and_follow()) == 503
