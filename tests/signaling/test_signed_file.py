"""A small file and its signature come from one server, and from nowhere else."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from helpers.misbehaving_server import answering, closes_at_once, hangs, read_request, server_that
from rejoin.errors import BadInputError
from rejoin.signaling.exchange import CallFailedError, HttpSettings
from rejoin.signaling.signed_file import fetch_signed

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def test_both_come_as_they_are() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            path = (await read_request(reader)).split()[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
            await writer.drain()

    async with server_that(serve) as port:
        found = await fetch_signed(f"http://127.0.0.1:{port}/a/feed.json", within_s=60)
    assert found == (b"/a/feed.json", b"/a/feed.json.minisig")


@pytest.mark.parametrize(
    "behaviour",
    [
        answering("404 Not Found", b"no"),
        answering("302 Found\r\nLocation: http://127.0.0.1:9/"),
        answering("200 OK", b"x" * 400_000),
        closes_at_once,
    ],
)
async def test_everything_else_is_one_error(behaviour: object) -> None:
    async with server_that(behaviour) as port:  # type: ignore[arg-type]
        with pytest.raises(CallFailedError, match=r"^The server of updates at 127\.0\.0\.1 "):
            await fetch_signed(f"http://127.0.0.1:{port}/feed.json", within_s=60)


async def test_time_is_bounded() -> None:
    async with server_that(hangs) as port:
        with pytest.raises(CallFailedError, match="in time"):
            await fetch_signed(f"http://127.0.0.1:{port}/feed.json", within_s=0.2)


async def test_a_slow_path_has_all_of_the_time_to_open_a_connection() -> None:
    given: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.extensions["timeout"]["connect"])
        return httpx.Response(200, stream=httpx.ByteStream(b"x"))

    http = HttpSettings(transport=httpx.MockTransport(answer))
    await fetch_signed("https://rejoin.example/feed.json", within_s=9.0, http=http)
    assert given[0] == 9.0


async def test_another_machine_is_asked_by_https_alone() -> None:
    with pytest.raises(BadInputError, match="https"):
        await fetch_signed("http://rejoin.example/feed.json", within_s=1)
