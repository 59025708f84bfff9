"""What one client may cost: bytes, requests at a time, seconds. Of a photo, see `ops.limits`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request

LARGEST_BODY = 32 * 2**20  # bytes
AT_ONCE = 16  # requests that are read and worked on; others wait, with their bodies unread
CONNECTIONS = 256  # open at a time; those beyond are told that the server is busy
SECONDS = 30  # for one request, the waiting included

# A body that is too large is read to its end, up to this, and forgotten: a client that is cut off
# while it writes never sees the answer.
_READ_AWAY = 8 * LARGEST_BODY


class Refused(Exception):
    """A request that is not answered as was asked; a sentence says why.

    Attributes:
        status: of the HTTP answer.
        sentence: for the person who reads it.
    """

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Turns:
    """Gives requests their turn, `AT_ONCE` at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn, and gives the body what is left of `SECONDS`.

        Raises:
            Refused: 503, there was no answer in time.
        """
        try:
            async with asyncio.timeout(SECONDS), self._free:
                yield
        except TimeoutError:
            raise Refused(
                503,
                f"No answer within {SECONDS} seconds: the server is busy, or the upload is slow."
                " Try again.",
            ) from None


async def body(request: Request) -> bytes:
    """The body of a request. Raises Refused, 413, for more than `LARGEST_BODY` bytes."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        else:
            parts.clear()
        if size > _READ_AWAY:
            break
    if size > LARGEST_BODY:
        raise Refused(413, f"More than {LARGEST_BODY // 2**20} MB; send a smaller photo, or fewer.")
    return b"".join(parts)
