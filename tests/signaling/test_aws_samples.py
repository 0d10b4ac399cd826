"""What the clients of both samples guarantee: an offer is sent once, and a poll ends in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from helpers.backend_client import LEFT, PATIENT
from helpers.fake_stream_service import new_offer, new_token
from helpers.misbehaving_server import (
    JSON,
    Behaviour,
    answering,
    hangs,
    read_request,
    server_that,
)
from rejoin.core.model import AttemptNumber, SessionId
from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.exchange import CallFailedError


@contextlib.asynccontextmanager
async def client_of(behaviour: Behaviour) -> AsyncIterator[BundleClient]:
    async with server_that(behaviour) as port:
        client = BundleClient(f"http://127.0.0.1:{port}", StreamChoice("sg-1"), None, http=PATIENT)
        try:
            yield client
        finally:
            await client.aclose()


async def kind_of(client: BundleClient, offer: str, budget_s: float = 60) -> FailureKind:
    with pytest.raises(CallFailedError) as caught:
        await client.reconnect(
            SessionId("session"),
            attempt=AttemptNumber(2),
            token=new_token(),
            signal_request=offer,
            budget_s=budget_s,
            left=LEFT,
            on_written=lambda: None,
        )
    return caught.value.failure.kind


@pytest.mark.parametrize(
    ("answer", "first", "again"),
    [
        (f"401 No\r\n{JSON}", FailureKind.UNAUTHENTICATED, FailureKind.UNAUTHENTICATED),
        (f"429 No\r\n{JSON}", FailureKind.THROTTLED, FailureKind.THROTTLED),
        (f"404 No\r\n{JSON}", FailureKind.NOT_FOUND, FailureKind.REUSED_OFFER),
        (f"502 No\r\n{JSON}", FailureKind.OUTCOME_UNKNOWN, FailureKind.REUSED_OFFER),
        (f"200 OK\r\n{JSON}", FailureKind.OUTCOME_UNKNOWN, FailureKind.REUSED_OFFER),
        ("200 OK\r\nContent-Type: text/html", FailureKind.NOT_BACKEND, FailureKind.REUSED_OFFER),
    ],
)
async def test_only_after_a_refusal_before_processing_an_offer_may_be_sent_again(
    answer: str, first: FailureKind, again: FailureKind
) -> None:
    async with client_of(answering(answer, b"{}")) as client:
        offer = new_offer()
        assert await kind_of(client, offer) is first
        assert await kind_of(client, offer) is again
        assert await kind_of(client, new_offer()) is first


async def test_a_sample_backend_is_not_told_the_time_that_is_left() -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader)).lower())
        writer.write(b"HTTP/1.1 429 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with client_of(behave) as client:
        await kind_of(client, new_offer())
    assert len(heads) == 1
    assert b"rejoin-" not in heads[0]


async def test_an_offer_that_was_not_sent_may_be_sent_again() -> None:
    client = BundleClient("http://127.0.0.1:9", StreamChoice("sg-1"), None)
    try:
        offer = new_offer()
        for _ in range(2):
            assert await kind_of(client, offer) is FailureKind.NOT_SENT
    finally:
        await client.aclose()


async def test_an_offer_whose_call_was_cancelled_counts_as_sent() -> None:
    arrived = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await hangs(reader, writer)

    async with client_of(behave) as client:
        offer = new_offer()
        call = asyncio.ensure_future(kind_of(client, offer, budget_s=60))
        await asyncio.wait_for(arrived.wait(), 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await kind_of(client, offer) is FailureKind.REUSED_OFFER


@pytest.mark.parametrize(
    "choice",
    [
        {"stream_group": ""},
        {"stream_group": "with space"},
        {"stream_group": "sg-1", "application": "ümlaut"},
        {"stream_group": "sg-1", "locations": ("us-west-2", "")},
        {"stream_group": "sg-1", "user_id": "x" * 257},
    ],
)
def test_an_invalid_choice_is_refused_in_one_sentence(choice: dict[str, str]) -> None:
    with pytest.raises(BadInputError) as caught:
        StreamChoice(**choice)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")


def test_a_choice_is_sent_under_the_names_of_the_dialect() -> None:
    names = {"stream_group": "SGIdentifier", "application": "AppIdentifier", "locations": "Regions"}
    assert StreamChoice("sg-1").body(**names) == {"SGIdentifier": "sg-1"}
    assert StreamChoice("sg-1", "a-1", ("us-west-2",), "player").body(**names) == {
        "SGIdentifier": "sg-1",
        "AppIdentifier": "a-1",
        "UserId": "player",
        "Regions": ["us-west-2"],
    }
