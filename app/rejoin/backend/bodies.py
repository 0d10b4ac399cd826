"""Reading a request body, bounded in size and time: the same for every dialect."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterable
from typing import Final

from rejoin.errors import RejoinError

BODY_PATIENCE_S: Final = 10.0
"""How long a client may take to send its body."""


class BodyFault(enum.Enum):
    """Why a body was not read."""

    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"


class BodyError(RejoinError):
    """A body that is not read to its end."""

    code = "body"

    def __init__(self, fault: BodyFault) -> None:
        super().__init__("The body is too large or took too long.")
        self.fault = fault


async def read_body(chunks: AsyncIterable[bytes], announced: str, max_bytes: int) -> bytes:
    """All of the body. `announced`: the Content-Length header, "" where there is none.

    Raises BodyError for more than `max_bytes`, announced or sent, and after BODY_PATIENCE_S.
    """
    if announced.isdecimal() and int(announced[:12]) > max_bytes:
        raise BodyError(BodyFault.TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE_S):
            async for chunk in chunks:
                body += chunk
                if len(body) > max_bytes:
                    raise BodyError(BodyFault.TOO_LARGE)
    except TimeoutError:
        raise BodyError(BodyFault.TOO_SLOW) from None
    return bytes(body)
