"""Points with a token: mistakes of a backend that they find."""

from __future__ import annotations

import asyncio

import pytest

from helpers.misbehaving_server import read_request, server_that
from helpers.studio_backend import Bug, bugs_of, found_by, probe_of
from rejoin.backend.check.findings import AdviceError
from rejoin.backend.check.token_points import too_large

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    "bug",
    bugs_of("unknown-session", "unknown-call", "bad-report", "too-large"),
    ids=lambda bug: bug.name,
)
async def test_each_mistake_is_found(bug: Bug) -> None:
    assert bug.point in await found_by(bug)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"])
async def test_a_refusal_of_a_large_body_that_is_lost_on_its_way_is_advice(said: bytes) -> None:
    async def loses_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    async with server_that(loses_it, limit=2**20) as port:
        probe = probe_of(f"http://127.0.0.1:{port}")
        with pytest.raises(AdviceError, match=r"413 would say why|Give it the limit too, 320 KiB"):
            await too_large(probe)
        assert probe.refusals == []
