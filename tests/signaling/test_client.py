"""The client against the real backend, and against servers that misbehave, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import email.utils
import ipaddress
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers.backend_client import LEFT, PATIENT, failure_of, started
from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    FakeStreamService,
    answer_to,
    live_backend,
    new_offer,
    new_token,
)
from helpers.misbehaving_server import (
    JSON,
    PROBLEM,
    Behaviour,
    answering,
    closes_after_the_request,
    closes_at_once,
    drips,
    floods,
    hangs,
    read_request,
    resets_in_the_body,
    server_that,
    speaks_no_http,
)
from helpers.reports import report_body
from helpers.stores import opened
from rejoin.backend.service import ServiceFault
from rejoin.backend.store.reports import DAY_S, ReportStore
from rejoin.core.model import AttemptNumber, SessionId, WindowLeft
from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.service_model.status import Status
from rejoin.signaling.client import BackendClient, CallFailedError
from rejoin.signaling.wire import ReportBody, sha256_hex

ONE, TWO, THREE = AttemptNumber(1), AttemptNumber(2), AttemptNumber(3)


def nothing() -> None:
    """For calls where it does not matter when they are written."""


@contextlib.asynccontextmanager
async def client_for(
    url: str, token: str = GOOD_TOKEN, **options: Any
) -> AsyncIterator[BackendClient]:
    client = BackendClient(url, token, http=replace(PATIENT, **options))
    try:
        yield client
    finally:
        await client.aclose()


# --- reconnect reports ----------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_report_arrives_and_a_double_is_no_failure() -> None:
    body = ReportBody.model_validate(report_body(ended_ago_s=3.0))
    async with opened() as store:
        async with live_backend(FakeStreamService(), store=store) as url, client_for(url) as client:
            for _ in range(2):
                await client.report(body, budget_s=60)
        day = int((time.time() - 3) / DAY_S)
        kept = ReportStore(store.database)
        found = [*await kept.of_day(day, within_s=60.0), *await kept.of_day(day + 1, within_s=60.0)]
    assert [report.lost_s for report in found] == [1.5]


@pytest.mark.parametrize(
    ("head", "content", "kind"),
    [
        (f"404 x\r\n{PROBLEM}", b'{"code": "INVALID_REQUEST"}', FailureKind.INVALID),
        (f"404 x\r\n{JSON}", b"{}", FailureKind.NOT_FOUND),
        ("404 x\r\nContent-Type: text/html", b"", FailureKind.NOT_BACKEND),
        (f"200 x\r\n{JSON}", b"{}", FailureKind.NOT_BACKEND),
        (f"503 x\r\n{JSON}", b"{}", FailureKind.OUTCOME_UNKNOWN),
    ],
)
async def test_a_backend_that_knows_no_reports(
    head: str, content: bytes, kind: FailureKind
) -> None:
    body = ReportBody.model_validate(report_body())
    async with (
        server_that(answering(head, content)) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        failure = await failure_of(client.report(body, budget_s=60))
    assert failure.kind is kind
    assert failure.http_status == int(head[:3])


# --- a complete session, against our own backend --------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_session_from_start_and_drop_to_rejoin_and_end() -> None:
    service = FakeStreamService(status="ACTIVATING")
    async with live_backend(service) as url, client_for(url) as client:
        offer = new_offer()
        view = await started(client, offer)
        assert view.status == "ACTIVATING"
        assert view.attempt == 1
        assert view.connection_timeout_s == 30
        assert view.signal_response is None

        service.place()
        view = await client.status(
            view.session_id, known=Status("ACTIVATING"), wait_s=5, budget_s=60
        )
        assert view.status == "ACTIVE"
        assert view.signal_request_sha256 == sha256_hex(offer)
        assert view.signal_response == answer_to(offer)
        assert view.session_ends_in_s == 1000
        assert view.remaining is None

        service.status = "CONNECTED"
        view = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert view.remaining is not None
        assert view.remaining.at_least_s == 30
        assert 0 <= view.remaining.age_s < 5

        service.status = "PENDING_CLIENT_RECONNECTION"
        view = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert view.remaining is not None

        written: list[str] = []
        fresh, token = new_offer(), new_token()
        answer = await client.reconnect(
            view.session_id,
            attempt=TWO,
            token=token,
            signal_request=fresh,
            budget_s=60,
            left=LEFT,
            on_written=lambda: written.append("now"),
        )
        assert answer == answer_to(fresh)
        assert written == ["now"]
        assert service.count("create") == 1

        view = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert view.attempt == 2
        assert view.signal_request_sha256 == sha256_hex(fresh)
        assert view.signal_response == answer

        await client.terminate(view.session_id, budget_s=60)
        await client.terminate(view.session_id, budget_s=60)
        view = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert (view.status, view.reason) == ("TERMINATED", "apiTerminated")


async def test_a_long_poll_returns_when_the_status_changes() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)

        async def later() -> None:
            await asyncio.sleep(0.5)
            service.status = "PENDING_CLIENT_RECONNECTION"

        begun = time.monotonic()
        seen, _ = await asyncio.gather(
            client.status(view.session_id, known=Status("CONNECTED"), wait_s=60, budget_s=60),
            later(),
        )
        assert seen.status == "PENDING_CLIENT_RECONNECTION"
        assert time.monotonic() - begun > 0.4


async def test_a_long_poll_without_news_ends_after_its_wait() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)
        begun = time.monotonic()
        seen = await client.status(
            view.session_id, known=Status("CONNECTED"), wait_s=0.7, budget_s=60
        )
        assert seen.status == "CONNECTED"
        assert time.monotonic() - begun > 0.6


async def test_an_unknown_status_is_passed_on() -> None:
    service = FakeStreamService(status="HIBERNATING_2", reason="solarFlare")
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)
        view = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert (view.status, view.reason) == ("HIBERNATING_2", "solarFlare")
        assert view.remaining is None


async def test_an_older_attempt_is_refused() -> None:
    async with live_backend(FakeStreamService()) as url, client_for(url) as client:
        view = await started(client)

        async def reconnect(attempt: AttemptNumber) -> str:
            return await client.reconnect(
                view.session_id,
                attempt=attempt,
                token=new_token(),
                signal_request=new_offer(),
                budget_s=60,
                left=LEFT,
                on_written=nothing,
            )

        await reconnect(THREE)
        failure = await failure_of(reconnect(TWO))
        assert (failure.kind, failure.http_status) == (FailureKind.STALE_ATTEMPT, 409)
        assert failure.retryable is False
        assert (await failure_of(reconnect(THREE))).kind is FailureKind.STALE_ATTEMPT


async def test_a_lost_answer_is_recovered_by_the_same_bytes_and_by_the_status() -> None:
    service = FakeStreamService(status="PENDING_CLIENT_RECONNECTION")
    service.fail("create answer", ServiceFault.TIMED_OUT)
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)
        offer, token = new_offer(), new_token()

        async def reconnect() -> str:
            return await client.reconnect(
                view.session_id,
                attempt=TWO,
                token=token,
                signal_request=offer,
                budget_s=60,
                left=LEFT,
                on_written=nothing,
            )

        failure = await failure_of(reconnect())
        assert (failure.kind, failure.code) == (FailureKind.OUTCOME_UNKNOWN, "SERVICE_TIMEOUT")
        seen = await client.status(view.session_id, known=None, wait_s=0, budget_s=60)
        assert seen.signal_request_sha256 == sha256_hex(offer)
        assert seen.signal_response == answer_to(offer)
        assert await reconnect() == answer_to(offer)


@pytest.mark.usefixtures("expected_logs")
async def test_problems_explain_the_refusal() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)

        async def reconnect(attempt: int) -> str:
            return await client.reconnect(
                view.session_id,
                attempt=AttemptNumber(attempt),
                token=new_token(),
                signal_request=new_offer(),
                budget_s=60,
                left=LEFT,
                on_written=nothing,
            )

        service.fail("create", ServiceFault.CONFLICT)
        failure = await failure_of(reconnect(2))
        assert failure.kind is FailureKind.CONFLICT
        assert failure.session_status == "CONNECTED"
        assert failure.retryable is True

        for number, (fault, kind) in enumerate(
            [
                (ServiceFault.THROTTLED, FailureKind.THROTTLED),
                (ServiceFault.ACCESS_DENIED, FailureKind.FORBIDDEN),
                (ServiceFault.NOT_FOUND, FailureKind.NOT_FOUND),
                (ServiceFault.INVALID, FailureKind.INVALID),
                (ServiceFault.FAILED, FailureKind.OUTCOME_UNKNOWN),
                (ServiceFault.UNAVAILABLE, FailureKind.OUTCOME_UNKNOWN),
                (ServiceFault.TIMED_OUT, FailureKind.OUTCOME_UNKNOWN),
                (ServiceFault.MISCONFIGURED, FailureKind.OUTCOME_UNKNOWN),
            ],
            start=3,
        ):
            service.fail("create", fault)
            assert (await failure_of(reconnect(number))).kind is kind, fault


async def test_a_wrong_token_and_a_refreshed_one() -> None:
    async with (
        live_backend(FakeStreamService()) as url,
        client_for(url, "canary-of-nobody") as client,
    ):
        failure = await failure_of(started(client))
        assert (failure.kind, failure.http_status) == (FailureKind.UNAUTHENTICATED, 401)
        client.use_token(GOOD_TOKEN)
        assert (await started(client)).attempt == 1


async def test_the_session_of_another_player_is_not_found() -> None:
    async with (
        live_backend(FakeStreamService()) as url,
        client_for(url) as mine,
        client_for(url, OTHER_TOKEN) as theirs,
    ):
        view = await started(mine)
        for call in (
            theirs.status(view.session_id, known=None, wait_s=0, budget_s=60),
            theirs.terminate(view.session_id, budget_s=60),
            theirs.reconnect(
                view.session_id,
                attempt=TWO,
                token=new_token(),
                signal_request=new_offer(),
                budget_s=60,
                left=LEFT,
                on_written=nothing,
            ),
        ):
            assert (await failure_of(call)).kind is FailureKind.NOT_FOUND


async def test_the_budget_reaches_the_backend_and_too_small_a_one_is_refused() -> None:
    service = FakeStreamService()
    async with live_backend(service) as url, client_for(url) as client:
        view = await started(client)
        failure = await failure_of(
            client.status(view.session_id, known=None, wait_s=0, budget_s=0.4)
        )
        # On a slow machine the client's own clock may run out first; nothing was tried.
        assert failure.code in ("BUDGET_TOO_SMALL", "")
        assert service.count("get_status") == 0


async def test_no_secret_in_any_log_record(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        service = FakeStreamService()
        service.fail("create", ServiceFault.CONFLICT, RuntimeError("canary in an exception"))
        async with live_backend(service) as url, client_for(url) as client:
            view = await started(client)
            for attempt in (2, 3, 4):
                with contextlib.suppress(CallFailedError):
                    await client.reconnect(
                        view.session_id,
                        attempt=AttemptNumber(attempt),
                        token=new_token(),
                        signal_request=new_offer(),
                        budget_s=60,
                        left=LEFT,
                        on_written=nothing,
                    )
            client.use_token("canary-of-nobody")
            await failure_of(client.terminate(view.session_id, budget_s=60))

    with caplog.at_level(logging.DEBUG):
        await run()
    assert any("RuntimeError" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        text = record.getMessage() + str(record.exc_info) + str(record.args)
        assert "canary" not in text, record.name


# --- servers that misbehave -----------------------------------------------------------------------

DATE = email.utils.format_datetime(datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC), usegmt=True)
LATER = email.utils.format_datetime(
    datetime.datetime(2031, 1, 1, 0, 0, 40, tzinfo=datetime.UTC), usegmt=True
)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        pytest.param(closes_at_once, FailureKind.OUTCOME_UNKNOWN, id="closes at once"),
        pytest.param(closes_after_the_request, FailureKind.OUTCOME_UNKNOWN, id="closes"),
        pytest.param(resets_in_the_body, FailureKind.OUTCOME_UNKNOWN, id="resets"),
        pytest.param(hangs, FailureKind.OUTCOME_UNKNOWN, id="hangs"),
        pytest.param(drips, FailureKind.OUTCOME_UNKNOWN, id="drips"),
        pytest.param(speaks_no_http, FailureKind.OUTCOME_UNKNOWN, id="no http"),
        pytest.param(floods, FailureKind.NOT_BACKEND, id="ten megabytes"),
        pytest.param(
            answering(f"200 OK\r\n{JSON}", length=10_000_000),
            FailureKind.NOT_BACKEND,
            id="announces ten megabytes",
        ),
        pytest.param(
            answering(f"200 OK\r\n{JSON}", b"{canary"), FailureKind.OUTCOME_UNKNOWN, id="garbage"
        ),
        pytest.param(
            answering(f"200 OK\r\n{JSON}", b"[" * 100_000),
            FailureKind.OUTCOME_UNKNOWN,
            id="deep nesting",
        ),
        pytest.param(
            answering(f"200 OK\r\n{JSON}", b"{}"), FailureKind.OUTCOME_UNKNOWN, id="empty object"
        ),
        pytest.param(
            answering(
                f"200 OK\r\n{JSON}",
                json.dumps(
                    {
                        "attempt": 2,
                        "signal_request_sha256": "0" * 64,
                        "signal_response": "canary",
                    }
                ).encode(),
            ),
            FailureKind.OUTCOME_UNKNOWN,
            id="answer to another offer",
        ),
        pytest.param(
            answering("200 OK\r\nContent-Type: text/html", b"<html>canary"),
            FailureKind.NOT_BACKEND,
            id="html",
        ),
        pytest.param(
            answering(f"200 OK\r\n{JSON}\r\nContent-Encoding: gzip", b"\x1f\x8b"),
            FailureKind.NOT_BACKEND,
            id="gzip",
        ),
        pytest.param(
            answering("302 Found\r\nLocation: http://127.0.0.1:1/login"),
            FailureKind.NOT_BACKEND,
            id="redirect",
        ),
        pytest.param(answering("511 Portal"), FailureKind.NOT_BACKEND, id="portal"),
        pytest.param(
            answering("403 No\r\nContent-Type: text/html"), FailureKind.NOT_BACKEND, id="403 html"
        ),
        pytest.param(
            answering("502 Bad\r\nContent-Type: text/html", b"<html>"),
            FailureKind.OUTCOME_UNKNOWN,
            id="gateway",
        ),
        pytest.param(
            answering(f"500 Oops\r\n{JSON}", b"{}"), FailureKind.OUTCOME_UNKNOWN, id="500"
        ),
        pytest.param(
            answering(f"418 Teapot\r\n{JSON}", b"{}"), FailureKind.INVALID, id="unknown 4xx"
        ),
        pytest.param(
            answering(f"403 No\r\n{PROBLEM}", b'{"code": "can ary", "session_status": "<canary>"}'),
            FailureKind.FORBIDDEN,
            id="problem with odd words",
        ),
    ],
)
async def test_a_server_that_misbehaves(behaviour: Behaviour, kind: FailureKind) -> None:
    ends_with_the_budget = behaviour in (hangs, drips)
    async with (
        server_that(behaviour) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        begun = time.monotonic()
        failure = await failure_of(
            client.reconnect(
                SessionId("session-1"),
                attempt=TWO,
                token=new_token(),
                signal_request=new_offer(),
                budget_s=3.0 if ends_with_the_budget else 60.0,
                left=LEFT,
                on_written=nothing,
            )
        )
        assert failure.kind is kind
        assert failure.session_status is None
        if ends_with_the_budget:
            assert time.monotonic() - begun < 30, "before the server ends it"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ("Retry-After: 3", 3.0),
        (f"Date: {DATE}\r\nRetry-After: {LATER}", 40.0),
        (f"Date: {LATER}\r\nRetry-After: {DATE}", 0.0),
        ("Retry-After: soon", None),
        ("Retry-After: 99999999999999", 86400.0),
        ("X-Nothing: 1", None),
    ],
)
async def test_retry_after(headers: str, wait_s: float | None) -> None:
    behaviour = answering(f"429 Slow\r\n{PROBLEM}\r\n{headers}", b'{"code": "THROTTLED"}')
    async with (
        server_that(behaviour) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        failure = await failure_of(started(client))
        assert (failure.kind, failure.retry_after_s) == (FailureKind.THROTTLED, wait_s)


@pytest.mark.parametrize(
    ("code", "members", "kind", "place", "turn_in_s"),
    [
        ("THROTTLED", {"place": 3, "turn_in_s": 40}, FailureKind.QUEUED, 3, 40.0),
        ("THROTTLED", {"place": 3, "turn_in_s": "soon"}, FailureKind.QUEUED, 3, None),
        ("THROTTLED", {"turn_in_s": 0.5, "colour": "red"}, FailureKind.QUEUED, None, 0.5),
        ("THROTTLED", {"place": -1}, FailureKind.THROTTLED, None, None),
        ("IN_FLIGHT", {"place": 3}, FailureKind.CONFLICT, None, None),
        ("", {"place": 3}, FailureKind.THROTTLED, None, None),
    ],
)
async def test_a_place_in_the_queue(
    code: str,
    members: dict[str, object],
    kind: FailureKind,
    place: int | None,
    turn_in_s: float | None,
) -> None:
    body = json.dumps({"code": code, "session_status": "ACTIVE", **members}).encode()
    behaviour = answering(f"429 Slow\r\n{PROBLEM}\r\nRetry-After: 1", body)
    async with (
        server_that(behaviour) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        failure = await failure_of(reconnecting(client, [], 5))
    assert (failure.kind, failure.place, failure.turn_in_s) == (kind, place, turn_in_s)
    assert (failure.retry_after_s, failure.session_status) == (1.0, "ACTIVE")


@pytest.mark.parametrize(
    ("left", "window", "latest"),
    [
        (WindowLeft(23.4567, 83.0), b"23456", b"83000"),
        (WindowLeft(0.0, 0.0), b"0", b"0"),
        (WindowLeft(-3.0, -1.0), b"0", b"0"),
        (WindowLeft(None, 600.0), None, b"600000"),
        (WindowLeft(1e12, 1e12), b"86400000", b"86400000"),
    ],
)
async def test_a_reconnect_says_how_much_time_is_left(
    left: WindowLeft, window: bytes | None, latest: bytes
) -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader)).lower())
        writer.write(b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with (
        server_that(behave) as port,
        client_for(f"http://127.0.0.1:{port}") as client,
    ):
        await failure_of(reconnecting(client, [], 5, left))
        await failure_of(started(client))
    reconnect, start = heads
    values = dict(
        line.split(b": ", 1) for line in reconnect.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    )
    assert values[b"rejoin-latest-ms"] == latest
    assert values.get(b"rejoin-window-ms") == window
    assert b"rejoin-latest-ms" not in start
    assert b"rejoin-window-ms" not in start


async def test_cookies_are_not_kept_and_no_secret_but_the_bearer_is_sent() -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader)).lower())
        writer.write(b"HTTP/1.1 204 No\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with (
        server_that(behave) as port,
        client_for(f"http://127.0.0.1:{port}/studio/") as client,
    ):
        for _ in range(2):
            await client.terminate(SessionId("session-1"), budget_s=60)
    assert len(heads) == 2
    for head in heads:
        assert head.startswith(b"delete /studio/v1/sessions/session-1 http/1.1")
        assert b"cookie" not in head
        assert b"authorization: bearer " + GOOD_TOKEN.encode() in head
        assert b"rejoin-budget-ms: 59000" in head


# --- unreachable and untrusted servers ------------------------------------------------------------


def reconnecting(
    client: BackendClient, written: list[str], budget_s: float, left: WindowLeft = LEFT
) -> Coroutine[Any, Any, str]:
    return client.reconnect(
        SessionId("session-1"),
        attempt=TWO,
        token=new_token(),
        signal_request=new_offer(),
        budget_s=budget_s,
        left=left,
        on_written=lambda: written.append("now"),
    )


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = unused.getsockname()[1]
        async with client_for(f"http://127.0.0.1:{port}") as client:
            written: list[str] = []
            failure = await failure_of(reconnecting(client, written, 60))
            assert failure.kind is FailureKind.NOT_SENT
            assert written == []


async def test_an_unknown_host_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_dns(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_dns)
    async with client_for("https://studio.invalid") as client:
        failure = await failure_of(started(client))
        assert failure.kind is FailureKind.NOT_SENT
        assert "studio.invalid" in failure.detail


async def test_a_connection_that_never_opens_was_not_sent() -> None:
    # A full accept queue: the kernel answers no further connection.
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with client_for(url, first_connect_timeout_s=0.3) as client:
            written: list[str] = []
            failure = await failure_of(reconnecting(client, written, 20))
            assert failure.kind is FailureKind.NOT_SENT
        async with client_for(url) as client:
            failure = await failure_of(reconnecting(client, written, 0.3))
            assert failure.kind is FailureKind.NOT_SENT
        assert written == []


async def test_on_written_is_called_once_before_the_answer() -> None:
    async with server_that(hangs) as port, client_for(f"http://127.0.0.1:{port}") as client:
        written: list[str] = []
        failure = await failure_of(reconnecting(client, written, 3.0))
        assert failure.kind is FailureKind.OUTCOME_UNKNOWN
        assert written == ["now"]


async def test_a_cancelled_call_is_cancelled_and_not_a_failure() -> None:
    async with server_that(hangs) as port, client_for(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.status(SessionId("session-1"), known=None, wait_s=0, budget_s=20)


def make_certificate(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> Path:
    """A self-signed certificate for this address and its key in one file. `days`: until when."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_an_untrusted_certificate_is_refused_and_a_trusted_one_works(tmp_path: Path) -> None:
    path = make_certificate(tmp_path)
    serving_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving_context.load_cert_chain(path)

    ends = answering("204 No")
    async with server_that(ends, ssl=serving_context) as port:
        url = f"https://127.0.0.1:{port}"
        async with client_for(url) as client:
            written: list[str] = []
            failure = await failure_of(reconnecting(client, written, 10))
            assert failure.kind is FailureKind.TLS
            assert written == []
        trusting = ssl.create_default_context(cafile=str(path))
        async with client_for(url, verify=trusting) as client:
            await client.terminate(SessionId("session-1"), budget_s=10)


@pytest.mark.parametrize(
    "wrong", [{"address": "127.0.0.2"}, {"days": -1}], ids=["another host", "expired"]
)
async def test_a_trusted_certificate_that_does_not_fit_gets_no_request(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    path = make_certificate(tmp_path, **wrong)
    serving_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving_context.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))
    async with (
        server_that(answering("204 No"), ssl=serving_context) as port,
        client_for(f"https://127.0.0.1:{port}", verify=trusting) as client,
    ):
        written: list[str] = []
        failure = await failure_of(reconnecting(client, written, 10))
        assert failure.kind is FailureKind.TLS
        assert written == []


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", FailureKind.TLS),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", FailureKind.TLS),
        (b"<html>Please sign in</html>", FailureKind.TLS),
        (b"\x15\x03\x03\x00\x02\x02\x28", FailureKind.TLS),  # alert: handshake_failure
        (b"\x15\x03\x03\x00\x02\x02\x46", FailureKind.TLS),  # alert: protocol_version
        (b"", FailureKind.NOT_SENT),  # it hangs up: no proof of anybody
    ],
)
async def test_a_server_without_our_tls_gets_no_request_over_https(
    says: bytes, kind: FailureKind
) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(says)
        await writer.drain()
        writer.close()

    async with server_that(behave) as port, client_for(f"https://127.0.0.1:{port}") as client:
        written: list[str] = []
        failure = await failure_of(reconnecting(client, written, 10))
        assert failure.kind is kind
        assert written == []


async def test_a_proxy_of_the_environment_is_not_used_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with live_backend(FakeStreamService()) as url, client_for(url) as client:
        assert (await started(client)).attempt == 1


async def test_a_proxys_connect_does_not_count_as_our_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuses_tunnels(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await read_request(reader)).startswith(b"CONNECT studio.invalid:443 ")
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with server_that(refuses_tunnels) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        async with client_for("https://studio.invalid") as client:
            written: list[str] = []
            failure = await failure_of(reconnecting(client, written, 10))
            assert failure.kind is FailureKind.NOT_SENT
            assert written == []


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "studio.example",
        "ftp://studio.example",
        "https://",
        "https://user:canary@studio.example",
        "https://studio.example/?a=canary",
        "https://studio.example/#canary",
        "https://studio.example:99999",
        "https://studio.example:canary",
        "http://studio.example",
        "http://192.168.1.4",
        "https://[canary]/",
        "https://exa mple/",
    ],
)
def test_a_bad_url_is_one_sentence(url: str) -> None:
    with pytest.raises(BadInputError) as caught:
        BackendClient(url, GOOD_TOKEN)
    assert str(caught.value).endswith(".")
    assert "canary" not in str(caught.value)


async def test_http_to_another_machine_only_if_it_is_allowed() -> None:
    async with client_for("http://studio.invalid", allow_insecure=True):
        pass
    async with client_for("http://[::1]:8080/"):
        pass
    async with client_for("http://localhost"):
        pass


@pytest.mark.parametrize("token", ["", "with space", "ümlaut", "line\nbreak"])
def test_a_bad_bearer_token_is_one_sentence(token: str) -> None:
    with pytest.raises(BadInputError):
        BackendClient("https://studio.example", token)


async def test_calls_with_invalid_arguments_fail_like_all_others() -> None:
    async with client_for("http://127.0.0.1:9") as client:
        failure = await failure_of(
            client.status(SessionId("../../etc"), known=None, wait_s=0, budget_s=60)
        )
        assert failure.kind is FailureKind.INVALID
        failure = await failure_of(
            client.start(attempt=ONE, token="short", signal_request="{}", budget_s=60)
        )
        assert failure.kind is FailureKind.INVALID
    failure = await failure_of(
        client.status(SessionId("session-1"), known=None, wait_s=0, budget_s=60)
    )
    assert failure.kind is FailureKind.NOT_SENT
