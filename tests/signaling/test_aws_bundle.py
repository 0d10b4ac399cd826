"""Dialect `aws-bundle` from the client's side, against our backend in this dialect on sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from helpers.backend_client import LEFT, PATIENT, failure_of, started
from helpers.fake_stream_service import FakeStreamService, answer_to, new_offer, new_token
from helpers.misbehaving_server import read_request, server_that
from helpers.sample_backends import APPLICATION, STREAM_GROUP, Wall, live_bundle
from rejoin.backend.service import ServiceFault
from rejoin.clock import Clock, boot_s
from rejoin.core.model import AttemptNumber, SessionId, SessionView
from rejoin.core.retry import FailureKind
from rejoin.service_model.status import Status
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_samples import STATUS_UNAVAILABLE, StreamChoice
from rejoin.signaling.client import CallFailedError

CHOICE = StreamChoice(STREAM_GROUP, APPLICATION, ("us-west-2",), "player-1")


@contextlib.asynccontextmanager
async def client_for(
    url: str, choice: StreamChoice = CHOICE, clock: Clock = boot_s
) -> AsyncIterator[BundleClient]:
    client = BundleClient(url, choice, None, http=PATIENT, clock=clock, poll_every_s=0.05)
    try:
        yield client
    finally:
        await client.aclose()


def getting_status(client: BundleClient, session_id: SessionId) -> Coroutine[Any, Any, SessionView]:
    return client.status(session_id, known=None, wait_s=0, budget_s=60)


def reconnecting(
    client: BundleClient, session_id: SessionId, offer: str, written: list[str] | None = None
) -> Coroutine[Any, Any, str]:
    return client.reconnect(
        session_id,
        attempt=AttemptNumber(2),
        token=new_token(),
        signal_request=offer,
        budget_s=60,
        left=LEFT,
        on_written=lambda: None if written is None else written.append("now"),
    )


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_session_from_start_and_drop_to_rejoin_and_end() -> None:
    service = FakeStreamService(status="ACTIVATING")
    async with live_bundle(service) as url, client_for(url) as client:
        offer = new_offer()
        view = await started(client, offer)
        assert view.status == "ACTIVATING"
        assert view.connection_timeout_s is None
        assert (await getting_status(client, view.session_id)).status == "ACTIVATING"

        async def placed_later() -> None:
            await asyncio.sleep(0.3)
            service.place()

        seen, _ = await asyncio.gather(
            client.status(view.session_id, known=Status("ACTIVATING"), wait_s=20, budget_s=20),
            placed_later(),
        )
        assert seen.status == "ACTIVE"
        assert seen.signal_response == answer_to(offer)
        # The sample reports none of these, so none is made up.
        assert seen.signal_request_sha256 is None
        assert seen.remaining is None
        assert seen.reason is None

        service.status = "PENDING_CLIENT_RECONNECTION"
        written: list[str] = []
        fresh = new_offer()
        assert await reconnecting(client, view.session_id, fresh, written) == answer_to(fresh)
        assert written == ["now"]

        await client.terminate(view.session_id, budget_s=60)
        assert service.status == "TERMINATED"
        failure = await failure_of(client.terminate(view.session_id, budget_s=60))
        assert failure.kind is FailureKind.NOT_FOUND


async def test_a_long_poll_without_news_ends_after_its_wait() -> None:
    service = FakeStreamService(status="ACTIVATING")
    read = itertools.count()  # each time it is read, its clock has gone on by a second
    async with (
        live_bundle(service) as url,
        client_for(url, clock=lambda: float(next(read))) as client,
    ):
        view = await started(client)
        seen = await client.status(
            view.session_id, known=Status("ACTIVATING"), wait_s=7.5, budget_s=60
        )
        assert seen.status == "ACTIVATING"
        assert service.count("get_status") == 4


async def test_a_session_that_fails_while_it_is_placed_is_not_found() -> None:
    service = FakeStreamService(status="ACTIVATING")
    async with live_bundle(service) as url, client_for(url) as client:
        view = await started(client)
        service.status, service.reason = "ERROR", "placementTimeout"
        failure = await failure_of(getting_status(client, view.session_id))
        assert failure.kind is FailureKind.NOT_FOUND


@pytest.mark.parametrize("status", ["CONNECTED", "PENDING_CLIENT_RECONNECTION", "TERMINATED"])
async def test_once_the_game_runs_a_404_proves_nothing(status: str) -> None:
    service = FakeStreamService()
    async with live_bundle(service) as url, client_for(url) as client:
        view = await started(client)
        service.place()
        assert (await getting_status(client, view.session_id)).status == "ACTIVE"
        service.status = status
        failure = await failure_of(getting_status(client, view.session_id))
        assert failure.code == STATUS_UNAVAILABLE
        assert failure.kind is FailureKind.OUTCOME_UNKNOWN
        assert failure.retryable is False
        assert failure.session_status is None


async def test_after_600_s_an_active_session_has_no_status_but_can_be_rejoined() -> None:
    service, wall = FakeStreamService(), Wall()
    async with live_bundle(service, wall=wall) as url, client_for(url) as client:
        view = await started(client)
        service.place()
        wall.now += 599
        assert (await getting_status(client, view.session_id)).status == "ACTIVE"
        wall.now += 2
        failure = await failure_of(getting_status(client, view.session_id))
        assert failure.code == STATUS_UNAVAILABLE
        offer = new_offer()
        assert await reconnecting(client, view.session_id, offer) == answer_to(offer)


async def test_an_answer_that_may_belong_to_another_offer_is_not_returned() -> None:
    service = FakeStreamService()
    async with live_bundle(service) as url, client_for(url) as client:
        view = await started(client)
        service.place()
        # The service accepted the offer, and its answer was lost on the way.
        service.fail("create answer", ServiceFault.FAILED)
        failure = await failure_of(reconnecting(client, view.session_id, new_offer()))
        assert failure.kind is FailureKind.OUTCOME_UNKNOWN
        seen = await getting_status(client, view.session_id)
        assert seen.status == "ACTIVE"
        assert service.held_response is not None
        assert seen.signal_response is None


async def test_every_failure_of_the_service_looks_the_same() -> None:
    service = FakeStreamService()
    async with live_bundle(service) as url, client_for(url) as client:
        view = await started(client)
        service.place()
        for fault in ServiceFault:
            for operation in ("start", "get_status", "create", "terminate"):
                service.fail(operation, fault)
            for call in (
                started(client),
                getting_status(client, view.session_id),
                reconnecting(client, view.session_id, new_offer()),
                client.terminate(view.session_id, budget_s=60),
            ):
                failure = await failure_of(call)
                assert failure.kind is FailureKind.OUTCOME_UNKNOWN
                assert (failure.http_status, failure.code) == (502, "")


async def test_the_same_offer_is_never_sent_twice() -> None:
    service = FakeStreamService()
    async with live_bundle(service) as url, client_for(url) as client:
        first, second = new_offer(), new_offer()
        view = await started(client, first)
        service.fail("create", ServiceFault.FAILED)
        await failure_of(reconnecting(client, view.session_id, second))
        calls = len(service.calls)
        for offer in (first, second):
            written: list[str] = []
            failure = await failure_of(reconnecting(client, view.session_id, offer, written))
            assert failure.kind is FailureKind.REUSED_OFFER
            assert written == []
        assert (await failure_of(started(client, first))).kind is FailureKind.REUSED_OFFER
        assert len(service.calls) == calls


async def test_a_token_that_the_backend_does_not_know_is_not_found() -> None:
    async with live_bundle(FakeStreamService()) as url, client_for(url) as client:
        failure = await failure_of(reconnecting(client, SessionId("unknown"), new_offer()))
        assert failure.kind is FailureKind.NOT_FOUND
        failure = await failure_of(getting_status(client, SessionId("with space")))
        assert failure.kind is FailureKind.INVALID


async def test_a_stream_group_that_is_not_offered_is_a_502() -> None:
    choice = StreamChoice("sg-other")
    async with live_bundle(FakeStreamService()) as url, client_for(url, choice) as client:
        assert (await failure_of(started(client))).http_status == 502


async def test_the_sample_reads_what_is_sent() -> None:
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
            b'{"Token":"t"}'
        )
        await writer.drain()

    async with (
        server_that(behave) as port,
        client_for(f"http://127.0.0.1:{port}/base/") as client,
    ):
        await started(client, "offer")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/api/CreateStreamSession HTTP/1.1")
    assert b"authorization" not in head.lower()
    assert b"idempotency" not in head.lower()
    assert json.loads(body) == {
        "StreamGroupId": STREAM_GROUP,
        "ApplicationIdentifier": APPLICATION,
        "UserId": "player-1",
        "Locations": ["us-west-2"],
        "SignalRequest": "offer",
    }


async def test_no_secret_in_any_log_record(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> str:
        service = FakeStreamService()
        service.fail("create", ServiceFault.CONFLICT, RuntimeError("canary in an exception"))
        async with live_bundle(service) as url, client_for(url) as client:
            view = await started(client)
            for _ in range(3):
                with contextlib.suppress(CallFailedError):
                    await reconnecting(client, view.session_id, new_offer())
            await client.terminate(view.session_id, budget_s=60)
            return view.session_id

    with caplog.at_level(logging.DEBUG):
        token = await run()
    assert any("RuntimeError" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        text = record.getMessage() + str(record.exc_info) + str(record.args)
        assert "canary" not in text, record.name
        assert token not in text, record.name
