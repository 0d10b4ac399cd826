"""Request bodies: bounded in size, with and without Content-Length, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rejoin.backend import bodies
from rejoin.backend.bodies import BodyError, BodyFault, read_body


async def chunks(*parts: bytes, forever: bool = False) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    while forever:
        await asyncio.sleep(0.01)
        yield b""


async def test_parts_are_joined_up_to_the_limit() -> None:
    assert await read_body(chunks(b"ab", b"", b"cd"), "", 4) == b"abcd"
    assert await read_body(chunks(), "0", 4) == b""


@pytest.mark.parametrize(
    ("announced", "sent"), [("5", [b""]), ("", [b"abc", b"de"]), ("4", [b"abcde"])]
)
async def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(
    announced: str, sent: list[bytes]
) -> None:
    with pytest.raises(BodyError) as caught:
        await read_body(chunks(*sent), announced, 4)
    assert caught.value.fault is BodyFault.TOO_LARGE


@pytest.mark.parametrize("announced", ["", "x", "-1", "4" * 30])
async def test_a_content_length_that_is_no_length_is_ignored_or_too_large(
    announced: str,
) -> None:
    if announced.isdecimal():
        with pytest.raises(BodyError):
            await read_body(chunks(b"ab"), announced, 4)
    else:
        assert await read_body(chunks(b"ab"), announced, 4) == b"ab"


async def test_a_body_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_PATIENCE_S", 0.05)
    with pytest.raises(BodyError) as caught:
        await read_body(chunks(forever=True), "", 4)
    assert caught.value.fault is BodyFault.TOO_SLOW
