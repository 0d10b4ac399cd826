"""One exchange: what every dialect's client relies on, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel

from helpers.backend_client import PATIENT
from helpers.misbehaving_server import (
    JSON,
    Behaviour,
    answering,
    closes_after_the_request,
    floods,
    hangs,
    read_request,
    server_that,
)
from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.signaling.exchange import CallFailedError, Exchange, HttpSettings, is_json


class Greeting(BaseModel):
    """What the servers of these tests answer."""

    word: str


@contextlib.asynccontextmanager
async def exchange_with(behaviour: Behaviour, token: str | None = None) -> AsyncIterator[Exchange]:
    async with server_that(behaviour) as port:
        exchange = Exchange(
            f"http://127.0.0.1:{port}/base/",
            token,
            stranger="is another server",
            http=PATIENT,
        )
        try:
            yield exchange
        finally:
            await exchange.aclose()


@pytest.mark.parametrize("status", ["200 OK", "404 No", "500 Oops", "302 Found"])
async def test_an_answer_of_any_status_is_an_answer(status: str) -> None:
    behaviour = answering(f"{status}\r\n{JSON}; charset=utf-8", b'{"word": "hello"}')
    async with exchange_with(behaviour) as exchange:
        reply = await exchange.call("GET", "/x", budget_s=60)
        assert reply.status == int(status[:3])
        assert is_json(reply)
        assert exchange.parsed(reply, Greeting).word == "hello"


@pytest.mark.parametrize("token", [None, "canary-token"])
async def test_the_bearer_token_is_sent_if_there_is_one(token: str | None) -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with exchange_with(behave, token) as exchange:
        await exchange.call("POST", "/a%2Fb", budget_s=60, query={"q": "1"}, content={"k": "v"})
        exchange.use_token("canary-new")
        await exchange.call("GET", "/", budget_s=60, headers={"X-Mine": "yes"})
    first, second = heads
    assert first.startswith(b"POST /base/a%2Fb?q=1 HTTP/1.1\r\n")
    assert first.endswith(b'{"k": "v"}')
    assert (b"Bearer canary-token" in first) is (token is not None)
    assert b"Bearer canary-new" in second
    assert b"X-Mine: yes" in second


@pytest.mark.parametrize(
    ("behaviour", "budget_s", "kind", "begun"),
    [
        (hangs, 3, FailureKind.OUTCOME_UNKNOWN, True),
        (closes_after_the_request, 20, FailureKind.OUTCOME_UNKNOWN, True),
        (floods, 20, FailureKind.NOT_BACKEND, True),
    ],
)
async def test_an_incomplete_answer_is_a_failure(
    behaviour: Behaviour, budget_s: float, kind: FailureKind, begun: bool
) -> None:
    async with exchange_with(behaviour) as exchange:
        written: list[str] = []
        with pytest.raises(CallFailedError) as caught:
            await exchange.call(
                "GET", "/", budget_s=budget_s, on_written=lambda: written.append("!")
            )
        assert caught.value.failure.kind is kind
        assert bool(written) is begun


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (f"401 No\r\n{JSON}", FailureKind.UNAUTHENTICATED),
        (f"403 No\r\n{JSON}", FailureKind.FORBIDDEN),
        (f"404 No\r\n{JSON}", FailureKind.NOT_FOUND),
        (f"409 No\r\n{JSON}", FailureKind.CONFLICT),
        (f"418 No\r\n{JSON}", FailureKind.INVALID),
        (f"429 No\r\n{JSON}", FailureKind.THROTTLED),
        ("429 No\r\nContent-Type: text/html", FailureKind.THROTTLED),
        (f"500 No\r\n{JSON}", FailureKind.OUTCOME_UNKNOWN),
        ("502 No\r\nContent-Type: text/html", FailureKind.OUTCOME_UNKNOWN),
        ("404 No\r\nContent-Type: text/html", FailureKind.NOT_BACKEND),
        (f"302 Found\r\n{JSON}", FailureKind.NOT_BACKEND),
    ],
)
async def test_a_refusal_is_known_by_its_status(answer: str, kind: FailureKind) -> None:
    async with exchange_with(answering(answer, b"{}")) as exchange:
        failure = exchange.refused(await exchange.call("GET", "/", budget_s=60)).failure
        assert failure.kind is kind
        assert failure.http_status == int(answer[:3])
        assert failure.detail.endswith(".")
        if kind is FailureKind.NOT_BACKEND:
            assert "is another server" in failure.detail


async def test_a_redirect_to_an_invalid_address_is_another_server() -> None:
    behaviour = answering(f"302 Found\r\nLocation: javascript:1\r\n{JSON}", b"{}")
    async with exchange_with(behaviour) as exchange:
        with pytest.raises(CallFailedError, match="is another server") as caught:
            await exchange.call("GET", "/", budget_s=60)
        assert caught.value.failure.kind is FailureKind.NOT_BACKEND


async def test_a_body_of_another_form_is_of_unknown_outcome_and_html_is_another_server() -> None:
    async with exchange_with(answering(f"200 OK\r\n{JSON}", b'{"canary": 1}')) as exchange:
        reply = await exchange.call("GET", "/", budget_s=60)
        with pytest.raises(CallFailedError) as caught:
            exchange.parsed(reply, Greeting)
        assert caught.value.failure.kind is FailureKind.OUTCOME_UNKNOWN
        assert "canary" not in str(caught.value)
    async with exchange_with(answering("200 OK", b"<html>")) as exchange:
        reply = await exchange.call("GET", "/", budget_s=60)
        with pytest.raises(CallFailedError) as caught:
            exchange.parsed(reply, Greeting)
        assert caught.value.failure.kind is FailureKind.NOT_BACKEND


async def test_a_byte_order_mark_is_no_part_of_an_answer() -> None:
    behaviour = answering(f"200 OK\r\n{JSON}", b'\xef\xbb\xbf{"word": "hello"}')
    async with exchange_with(behaviour) as exchange:
        reply = await exchange.call("GET", "/", budget_s=60)
        assert exchange.parsed(reply, Greeting).word == "hello"


async def test_after_a_network_change_no_earlier_connection_is_used() -> None:
    """The server counts connections; each answers any number of requests."""
    opened: list[int] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(len(opened))
        while await read_request(reader):
            writer.write(b"HTTP/1.1 204 No\r\n\r\n")
            await writer.drain()

    async with exchange_with(behave) as exchange:
        await exchange.call("GET", "/", budget_s=60)
        await exchange.call("GET", "/", budget_s=60)
        assert len(opened) == 1, "an idle connection is used again"
        exchange.drop_pooled_connections()
        exchange.drop_pooled_connections()
        await exchange.call("GET", "/", budget_s=60)
        await exchange.call("GET", "/", budget_s=60)
        assert len(opened) == 2
        assert not exchange._retired, "what was left is closed"


async def test_a_call_in_flight_continues_while_the_network_changes() -> None:
    requests: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        answer = asyncio.Event()
        requests.put_nowait(answer)
        await answer.wait()
        writer.write(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with exchange_with(behave) as exchange:
        before = asyncio.ensure_future(exchange.call("GET", "/", budget_s=20))
        answer_before = await asyncio.wait_for(requests.get(), 60)
        exchange.drop_pooled_connections()
        after = asyncio.ensure_future(exchange.call("GET", "/", budget_s=20))
        answer_after = await asyncio.wait_for(requests.get(), 60)
        answer_after.set()
        assert (await after).status == 204
        assert not before.done()
        answer_before.set()
        assert (await before).status == 204
        exchange.drop_pooled_connections()


async def test_after_close_nothing_is_sent() -> None:
    exchange = Exchange("http://127.0.0.1:9", None)
    await exchange.aclose()
    with pytest.raises(CallFailedError) as caught:
        await exchange.call("GET", "/", budget_s=60)
    assert caught.value.failure.kind is FailureKind.NOT_SENT


def test_unusable_arguments_are_reported_at_once() -> None:
    with pytest.raises(BadInputError):
        Exchange("http://studio.example", None)
    with pytest.raises(BadInputError):
        Exchange("https://studio.example", "with space")


class Opening:
    """Stands in for the transports: how long the last connection took to open."""

    def __init__(self) -> None:
        self.rtt_s: float | None = None


@pytest.mark.parametrize(
    ("rtt_s", "reached", "timeouts", "has_s"),
    [
        (None, False, 0, 5.0),
        (None, True, 0, 1.0),
        (None, True, 1, 2.0),
        (None, True, 2, 4.0),
        (None, True, 3, 5.0),
        (None, True, 5000, 5.0),
        (0.020, True, 0, 1.0),
        (0.600, True, 0, 2.3),
        (0.600, True, 1, 4.6),
        (0.600, True, 2, 5.0),
        (2.000, True, 0, 6.5),
        (2.000, True, 9, 6.5),
    ],
)
def test_a_connection_has_three_round_trips_and_more_after_one_that_was_not_opened(
    rtt_s: float | None, reached: bool, timeouts: int, has_s: float
) -> None:
    """One second for everybody let no game start over a satellite."""
    exchange = Exchange("http://127.0.0.1:9", None, http=HttpSettings(first_connect_timeout_s=5.0))
    exchange._transports = opening = Opening()  # type: ignore[assignment]
    opening.rtt_s, exchange._reached, exchange._connect_timeouts = rtt_s, reached, timeouts
    assert exchange._connect_timeout_s() == pytest.approx(has_s)
