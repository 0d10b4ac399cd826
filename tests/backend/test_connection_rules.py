"""What a client holds back is closed, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from rejoin.backend.aws import _DURATIONS_S, _THREADS
from rejoin.backend.connection_rules import (
    DESCRIPTORS_KEPT,
    ConnectionRules,
    check_descriptors,
)
from rejoin.backend.owner_rules import CallPace
from rejoin.backend.problems import unreadable_body
from rejoin.backend.serving import serving
from rejoin.errors import ServiceError
from rejoin.signaling.transport import _LIMITS
from rejoin.signaling.wire import ProblemCode

SOON_S = 0.4
LATE_S = 20.0
"""Only what is never closed takes this long."""


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"hello {len(await request.body())} {request.client}")


async def endless(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(parts())


async def slow(request: Request) -> Response:
    await asyncio.sleep(1.5 * SOON_S)
    return PlainTextResponse("at last")


async def unread(_: Request) -> Response:
    return PlainTextResponse("no body is needed")


APP = Starlette(
    routes=[
        Route("/unread", unread, methods=["POST"]),
        Route("/", hello, methods=["GET", "POST"]),
        Route("/endless", endless),
        Route("/slow", slow),
    ]
)


@asynccontextmanager
async def connected(
    rules: ConnectionRules,
) -> AsyncIterator[tuple[int, asyncio.StreamReader, asyncio.StreamWriter]]:
    async with serving(APP, "127.0.0.1", 0, rules=rules, close_patience_s=0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield port, reader, writer
        finally:
            writer.close()


async def closed_within(reader: asyncio.StreamReader) -> float:
    """How long until the connection is closed."""
    began_at = time.monotonic()
    try:
        async with asyncio.timeout(LATE_S):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    return time.monotonic() - began_at


async def test_a_silent_connection_is_closed() -> None:
    began_at = time.monotonic()  # before the server's time begins
    async with connected(ConnectionRules(first_byte_s=SOON_S)) as (_, reader, _writer):
        assert await closed_within(reader) < LATE_S
        assert time.monotonic() - began_at >= 0.9 * SOON_S


async def test_a_header_section_that_drips_is_closed() -> None:
    async with connected(ConnectionRules(header_section_s=SOON_S)) as (_, reader, writer):

        async def drip() -> None:
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        assert await closed_within(reader) < LATE_S
        dripping.cancel()


async def test_the_second_request_of_a_connection_has_the_same_limits() -> None:
    async with connected(ConnectionRules(header_section_s=SOON_S)) as (_, reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200" in await reader.readline()
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await closed_within(reader) < LATE_S


async def test_a_body_that_does_not_come_is_closed() -> None:
    async with connected(ConnectionRules(request_s=SOON_S)) as (_, reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        assert await closed_within(reader) < LATE_S


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT", b"T"),
        (b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", b"x"),
        (b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nx", b"x"),
        (b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["next_header_section", "end_of_body", "body", "chunks"],
)
async def test_what_comes_after_the_answer_has_a_limit_too(first: bytes, then: bytes) -> None:
    rules = ConnectionRules(header_section_s=SOON_S, request_s=SOON_S, keep_alive_s=1)
    async with connected(rules) as (_, reader, writer):
        writer.write(first)
        await reader.readuntil(b"\r\n\r\n")  # answered: 405 before the body was there
        writer.write(then)
        assert await closed_within(reader) < LATE_S


async def test_a_body_that_ends_after_the_answer_leaves_the_connection_usable() -> None:
    async with connected(ConnectionRules(request_s=SOON_S)) as (_, reader, writer):
        writer.write(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
        assert b"405" in await reader.readuntil(b"\r\n\r\nMethod Not Allowed")
        writer.write(b"x")
        await asyncio.sleep(2 * SOON_S)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200" in await reader.readline()


async def test_an_answer_that_nobody_reads_is_closed() -> None:
    async with connected(ConnectionRules(request_s=SOON_S)) as (_, reader, writer):
        writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(2 * SOON_S)
        assert await closed_within(reader) < LATE_S


async def test_an_answer_that_takes_its_time_within_the_limit_arrives() -> None:
    rules = ConnectionRules(first_byte_s=SOON_S, header_section_s=SOON_S, request_s=LATE_S)
    async with (
        serving(APP, "127.0.0.1", 0, rules=rules) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as http,
    ):
        for _ in range(2):
            assert (await http.get("/slow")).text == "at last"


async def test_many_silent_connections_keep_nobody_out_for_longer_than_they_last() -> None:
    rules = ConnectionRules(first_byte_s=SOON_S, connections=20)
    async with (
        serving(APP, "127.0.0.1", 0, rules=rules, close_patience_s=0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        until = time.monotonic() + LATE_S
        while True:
            try:
                assert (await http.get("/")).status_code == 200
                break
            except httpx.HTTPError:
                assert time.monotonic() < until, "it stays closed"
                await asyncio.sleep(0.05)
        for _, writer in silent:
            writer.close()


async def test_a_proxy_is_believed_only_where_it_is_configured() -> None:
    for proxies, seen in (((), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.7")):
        async with (
            serving(APP, "127.0.0.1", 0, rules=ConnectionRules(proxies=proxies)) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
            ) as http,
        ):
            answer = await http.get("/", headers={"X-Forwarded-For": "203.0.113.7"})
            assert seen in answer.text


@pytest.mark.parametrize("path", ["/", "/unread", "/slow"])
async def test_a_body_in_more_chunks_than_any_client_makes_is_refused(path: str) -> None:
    """Also one that nobody reads, and one that comes after the answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    async with connected(ConnectionRules()) as (_, reader, writer):
        began_at = time.monotonic()
        writer.write(head)
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and time.monotonic() - began_at < LATE_S:
                writer.write(b"1\r\nx\r\n" * 100)
                await writer.drain()
                await asyncio.sleep(0)
        assert await closed_within(reader) < LATE_S
        assert time.monotonic() - began_at < LATE_S, "it goes on reading"


async def test_a_large_body_in_chunks_arrives() -> None:
    async with connected(ConnectionRules()) as (_, reader, writer):
        for _ in range(2):  # counted for each request
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write((b"200\r\n" + b"x" * 512 + b"\r\n") * 640 + b"0\r\n\r\n")
            await writer.drain()
            assert b"hello 327680" in await reader.readuntil(b"hello 327680")


def test_a_connection_is_kept_longer_than_our_client_uses_it() -> None:
    assert _LIMITS.keepalive_expiry is not None
    assert ConnectionRules().keep_alive_s > _LIMITS.keepalive_expiry


def test_too_few_descriptors_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    check_descriptors(ConnectionRules(connections=1000))
    assert set_to == [(2200, 4096)]
    with pytest.raises(ServiceError) as caught:
        check_descriptors(ConnectionRules(connections=10_000))
    assert "4096" in str(caught.value)
    assert str(caught.value).endswith(".")


def test_there_are_descriptors_for_all_that_calls_of_the_service_may_keep() -> None:
    database = 12
    assert sum(_THREADS.values()) * len(_DURATIONS_S) + database < DESCRIPTORS_KEPT


@pytest.mark.parametrize(
    ("limits", "set_to"),
    [
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), []),
        ((2500, resource.RLIM_INFINITY), []),
        ((256, resource.RLIM_INFINITY), [(2200, resource.RLIM_INFINITY)]),
    ],
)
def test_no_limit_is_enough_and_none_is_lowered(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    set_to: list[tuple[int, int]],
) -> None:
    done: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: done.append(wanted))
    check_descriptors(ConnectionRules(connections=1000))
    assert done == set_to


async def test_what_is_no_http_gets_problem_details() -> None:
    rules = ConnectionRules(unreadable=unreadable_body())
    async with connected(rules) as (_, reader, writer):
        writer.write(b"NOT HTTP\r\n\r\n")
        answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == ProblemCode.INVALID_REQUEST


async def test_what_is_no_body_ends_a_call_that_has_its_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected(ConnectionRules(unreadable=unreadable_body())) as (_, reader, writer):
        writer.write(b"POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"200" in await reader.readline()
        writer.write(b"no chunk\r\n")
        await closed_within(reader)
    assert not [record for record in caplog.records if record.exc_info]


# --- many requests with one token -----------------------------------------------------------------


class Clients:
    """Requests to a port, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def send(self, token: str, header: str = "Authorization") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        writer.write(f"GET / HTTP/1.1\r\nHost: here\r\n{header}: Bearer {token}\r\n\r\n".encode())
        return reader

    async def answered(self, token: str) -> bool:
        return b"200" in await (await self.send(token)).readline()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def paced(pace: CallPace, **rules: float) -> AsyncIterator[Clients]:
    chosen = ConnectionRules(token_pace=pace, **rules)  # type: ignore[arg-type]
    async with serving(APP, "127.0.0.1", 0, rules=chosen, close_patience_s=5) as port:
        clients = Clients(port)
        yield clients
    clients.hang_up()


async def test_of_many_requests_with_one_token_the_others_do_not_notice() -> None:
    async with paced(CallPace(per_s=0.51, at_once=2.0), first_byte_s=SOON_S) as clients:
        assert await clients.answered("one")
        assert await clients.answered("one")
        late = asyncio.ensure_future((await clients.send("one", "AUTHORIZATION")).readline())
        assert await clients.answered("another")
        assert not late.done()
        assert b"200" in await late, "whatever it may take to send the first byte"


async def test_a_request_that_waits_for_its_turn_is_answered_before_the_end() -> None:
    async with paced(CallPace(per_s=0.51, at_once=1.0)) as clients:
        assert await clients.answered("one")
        late = await clients.send("one")
        assert await clients.answered("another")
    assert b"200" in await late.readline()


async def test_a_client_that_leaves_before_its_turn_is_in_nobodys_way() -> None:
    async with paced(CallPace(per_s=2.0, at_once=1.0)) as clients:
        assert await clients.answered("one")
        await clients.send("one")
        clients.hang_up()
        assert await clients.answered("one")
