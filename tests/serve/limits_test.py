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
    monkeypatch.setattr(limits, "SECONDS", 0.05)
    running = []

    async def ask(turns, done):
        async with turns.turn():
            running.append(len(running) + 1)
            await done.wait()

    async def three():
        turns, done = limits.Turns(), asyncio.Event()
        return await asyncio.gather(*(ask(turns, done) for _ in range(3)), return_exceptions=True)

    refused = asyncio.run(three())
    assert running == [1, 2]
    assert [error.status for error in refused] == [503, 503, 503]
    assert "No answer within" in refused[2].sentence
