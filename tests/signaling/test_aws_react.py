"""Dialect `aws-react` from the client's side, against our backend in this dialect on sockets."""

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
from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    FakeStreamService,
    answer_to,
    new_offer,
    new_token,
)
from helpers.misbehaving_server import JSON, answering, read_request, server_that
from helpers.sample_backends import APPLICATION, ARN, STREAM_GROUP, ArnStreamService, live_react
from rejoin.backend.service import ServiceFault
from rejoin.clock import Clock, boot_s
from rejoin.core.model import AttemptNumber, SessionId, SessionView
from rejoin.core.retry import FailureKind
from rejoin.service_model.status import Status
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import CANNOT_TERMINATE, StreamChoice
from rejoin.signaling.client import CallFailedError

CHOICE = StreamChoice(STREAM_GROUP, APPLICATION, ("us-west-2", "eu-west-1"))
SESSION = SessionId(ARN)


@contextlib.asynccontextmanager
async def client_for(
    url: str, token: str = GOOD_TOKEN, clock: Clock = boot_s
) -> AsyncIterator[ReactClient]:
    client = ReactClient(url, CHOICE, token, http=PATIENT, clock=clock, poll_every_s=0.05)
    try:
        yield client
    finally:
        await client.aclose()


def getting_status(
    client: ReactClient, session_id: SessionId = SESSION
) -> Coroutine[Any, Any, SessionView]:
    return client.status(session_id, known=None, wait_s=0, budget_s=60)


def reconnecting(
    client: ReactClient,
    offer: str,
    written: list[str] | None = None,
    *,
    session_id: SessionId = SESSION,
    budget_s: float = 5,
) -> Coroutine[Any, Any, str]:
    return client.reconnect(
        session_id,
        attempt=AttemptNumber(2),
        token=new_token(),
        signal_request=offer,
        budget_s=budget_s,
        left=LEFT,
        on_written=lambda: None if written is None else written.append("now"),
    )


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_session_from_start_and_drop_to_rejoin() -> None:
    service = ArnStreamService(status="ACTIVATING")
    async with live_react(service) as url, client_for(url) as client:
        offer = new_offer()
        view = await started(client, offer)
        assert (view.session_id, view.status) == (ARN, "ACTIVATING")
        assert view.signal_response is None
        assert view.connection_timeout_s is None

        async def placed_later() -> None:
            await asyncio.sleep(0.3)
            service.place()

        seen, _ = await asyncio.gather(
            client.status(SESSION, known=Status("ACTIVATING"), wait_s=20, budget_s=20),
            placed_later(),
        )
        assert seen.status == "ACTIVE"
        assert seen.signal_response == answer_to(offer)

        for status in ("CONNECTED", "PENDING_CLIENT_RECONNECTION"):
            service.status = status
            assert (await getting_status(client)).status == status

        written: list[str] = []
        fresh = new_offer()
        assert await reconnecting(client, fresh, written) == answer_to(fresh)
        assert written == ["now"]
        seen = await getting_status(client)
        assert seen.status == "ACTIVE"
        # The starter does not report which offer its answer belongs to.
        assert service.held_response is not None
        assert seen.signal_response is None

        service.status, service.reason = "TERMINATED", "reconnectionTimeout"
        seen = await getting_status(client)
        assert (seen.status, seen.reason) == ("TERMINATED", None)


async def test_a_long_poll_is_not_ended_by_an_answer_that_was_there_before() -> None:
    service = ArnStreamService()
    read = itertools.count()  # each time it is read, its clock has gone on by a second
    async with (
        live_react(service) as url,
        client_for(url, clock=lambda: float(next(read))) as client,
    ):
        await started(client)
        service.place()
        service.status = "CONNECTED"
        seen = await client.status(SESSION, known=Status("CONNECTED"), wait_s=7.5, budget_s=60)
        assert seen.status == "CONNECTED"
        assert service.count("get_status") == 4


async def test_an_unknown_status_is_passed_on() -> None:
    service = ArnStreamService(status="HIBERNATING_2")
    async with live_react(service) as url, client_for(url) as client:
        assert (await getting_status(client)).status == "HIBERNATING_2"


async def test_the_game_cannot_be_ended_and_the_sentence_says_so() -> None:
    service = ArnStreamService()
    async with live_react(service) as url, client_for(url) as client:
        await started(client)
        failure = await failure_of(client.terminate(SESSION, budget_s=60))
        assert failure.code == CANNOT_TERMINATE
        assert failure.retryable is False
        assert "cannot end a game" in failure.detail
        assert service.count("terminate") == 0


async def test_an_answer_lost_after_success_is_of_unknown_outcome() -> None:
    service = ArnStreamService()
    async with live_react(service, gateway_s=0.3) as url, client_for(url) as client:
        service.create_gate = asyncio.Event()
        offer = new_offer()
        failure = await failure_of(reconnecting(client, offer))
        assert (failure.kind, failure.http_status) == (FailureKind.OUTCOME_UNKNOWN, 504)
        # The call succeeded there; the same offer again would be a second call.
        assert service.held_request == offer
        assert (await failure_of(reconnecting(client, offer))).kind is FailureKind.REUSED_OFFER
        service.create_gate.set()
        service.create_gate = None
        fresh = new_offer()
        assert await reconnecting(client, fresh) == answer_to(fresh)


async def test_every_failure_of_the_service_looks_the_same() -> None:
    service = ArnStreamService()
    async with live_react(service) as url, client_for(url) as client:
        for fault in ServiceFault:
            for operation in ("start", "get_status", "create"):
                service.fail(operation, fault)
            for call in (
                started(client),
                getting_status(client),
                reconnecting(client, new_offer()),
            ):
                failure = await failure_of(call)
                assert failure.kind is FailureKind.OUTCOME_UNKNOWN
                assert (failure.http_status, failure.code) == (500, "")


async def test_after_an_expired_sign_in_the_same_offer_may_be_sent_again() -> None:
    service = ArnStreamService()
    async with live_react(service) as url, client_for(url, OTHER_TOKEN) as client:
        offer = new_offer()
        failure = await failure_of(reconnecting(client, offer))
        assert failure.kind is FailureKind.UNAUTHENTICATED
        assert service.calls == []
        client.use_token(GOOD_TOKEN)
        assert await reconnecting(client, offer) == answer_to(offer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answering(f"403 No\r\n{JSON}", b'{"message": "canary"}'), FailureKind.FORBIDDEN),
        (answering(f"404 No\r\n{JSON}", b"{}"), FailureKind.NOT_FOUND),
        (answering(f"413 Big\r\n{JSON}", b"{}"), FailureKind.INVALID),
        (answering(f"429 Slow\r\n{JSON}", b"{}"), FailureKind.THROTTLED),
        (answering(f"503 No\r\n{JSON}", b"{}"), FailureKind.OUTCOME_UNKNOWN),
        (answering(f"200 OK\r\n{JSON}", b'{"signalResponse": ""}'), FailureKind.OUTCOME_UNKNOWN),
        (answering(f"200 OK\r\n{JSON}", b'{"signalResponse": 7}'), FailureKind.OUTCOME_UNKNOWN),
        (answering(f"200 OK\r\n{JSON}", b"[]"), FailureKind.OUTCOME_UNKNOWN),
        (answering("200 OK\r\nContent-Type: text/html", b"<html>"), FailureKind.NOT_BACKEND),
        (answering("404 No\r\nContent-Type: text/html", b"<html>"), FailureKind.NOT_BACKEND),
        (answering("302 Found\r\nLocation: /login"), FailureKind.NOT_BACKEND),
    ],
)
async def test_what_an_answer_means(answer: Any, kind: FailureKind) -> None:
    async with server_that(answer) as port, client_for(f"http://127.0.0.1:{port}") as client:
        assert (await failure_of(reconnecting(client, new_offer()))).kind is kind


@pytest.mark.parametrize("body", ["{}", '{"arn": "canary", "status": "ACTIVE"}', '{"arn": 1}'])
async def test_a_start_with_an_unreadable_answer_has_unknown_outcome(body: str) -> None:
    answer = answering(f"200 OK\r\n{JSON}", body.encode())
    async with server_that(answer) as port, client_for(f"http://127.0.0.1:{port}") as client:
        assert (await failure_of(started(client))).kind is FailureKind.OUTCOME_UNKNOWN


async def test_the_status_of_another_session_is_refused() -> None:
    body = json.dumps({"arn": ARN + "x", "status": "TERMINATED", "signalResponse": ""})
    answer = answering(f"200 OK\r\n{JSON}", body.encode())
    async with server_that(answer) as port, client_for(f"http://127.0.0.1:{port}") as client:
        assert (await failure_of(getting_status(client))).kind is FailureKind.OUTCOME_UNKNOWN


@pytest.mark.parametrize(
    "session_id", ["", "session-1", "arn:a/b", "arn:a/b/c d", "arn:a/../../c/d"]
)
async def test_a_session_id_that_is_no_arn_is_not_sent(session_id: str) -> None:
    async with client_for("http://127.0.0.1:9") as client:
        for call in (
            getting_status(client, SessionId(session_id)),
            reconnecting(client, new_offer(), session_id=SessionId(session_id)),
        ):
            assert (await failure_of(call)).kind is FailureKind.INVALID


async def test_the_starter_reads_what_is_sent() -> None:
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        body = json.dumps({"arn": ARN, "status": "ACTIVATING", "region": "x"}).encode()
        head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()

    async with (
        server_that(behave) as port,
        client_for(f"http://127.0.0.1:{port}/prod") as client,
    ):
        await started(client, "offer")
        await getting_status(client)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /prod/ HTTP/1.1")
    assert b"authorization: bearer " + GOOD_TOKEN.encode() in head.lower()
    assert json.loads(body) == {
        "SGIdentifier": STREAM_GROUP,
        "AppIdentifier": APPLICATION,
        "Regions": ["us-west-2", "eu-west-1"],
        "SignalRequest": "offer",
    }
    encoded = ARN.replace(":", "%3A").replace("/", "%2F")
    assert seen[1].startswith(f"GET /prod/session/{STREAM_GROUP}/{encoded} HTTP/1.1".encode())


async def test_no_secret_in_any_log_record(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        service: FakeStreamService = ArnStreamService()
        service.fail("create", ServiceFault.CONFLICT, RuntimeError("canary in an exception"))
        async with live_react(service) as url, client_for(url) as client:
            await started(client)
            for _ in range(3):
                with contextlib.suppress(CallFailedError):
                    await reconnecting(client, new_offer())
            client.use_token("canary-of-nobody")
            await failure_of(getting_status(client))

    with caplog.at_level(logging.DEBUG):
        await run()
    assert any("RuntimeError" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        text = record.getMessage() + str(record.exc_info) + str(record.args)
        assert "canary" not in text, record.name


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("There is no such stream group or application.", FailureKind.NOT_FOUND),
        ("StreamGroup with identifier canary not found", FailureKind.NOT_FOUND),
        ("Application arn:canary could not be found.", FailureKind.NOT_FOUND),
        ("The stream group canary does not exist", FailureKind.NOT_FOUND),
        ("The stream session canary was not found.", FailureKind.OUTCOME_UNKNOWN),
        ("Rate exceeded", FailureKind.OUTCOME_UNKNOWN),
        ("", FailureKind.OUTCOME_UNKNOWN),
    ],
)
async def test_a_wrong_stream_group_is_known_by_the_services_own_words(
    message: str, kind: FailureKind
) -> None:
    """This dialect calls every error a 500."""
    body = json.dumps({"message": message}).encode()
    async with (
        server_that(answering(f"500 No\r\n{JSON}", body)) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        failure = await failure_of(
            client.start(
                attempt=AttemptNumber(1), token="8" * 32, signal_request=new_offer(), budget_s=20
            )
        )
    assert failure.kind is kind
    assert "canary" not in failure.detail
