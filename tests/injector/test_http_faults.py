"""What a client sees of a call that meets a fault is what it would see of the real one."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from helpers.waiting import eventually
from rejoin.core.model import AttemptNumber, SessionId, WindowLeft
from rejoin.core.retry import Failure, FailureKind
from rejoin.injector import http_faults
from rejoin.injector.faults import Calls, HttpFault, HttpKind
from rejoin.injector.http_faults import HttpFaults, _Body
from rejoin.signaling.client import BackendClient
from rejoin.signaling.exchange import CallFailedError, HttpSettings
from rejoin.signaling.wire import sha256_hex

OFFER = "an offer"
SESSION = SessionId("abc")


class Backend:
    """A backend that answers everything, and a client of it behind the faults."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked: list[str] = []
        self.refusal: Exception | None = None
        self.release: asyncio.Event | None = None
        self.faults = HttpFaults(clock=lambda: self.now)
        self.written = 0
        self.client = BackendClient(
            "http://127.0.0.1:1",
            "token",
            http=HttpSettings(
                transport=httpx.MockTransport(self._answer), around=self.faults.around
            ),
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        await request.extensions["trace"](
            "http11.send_request_headers.started", {"request": request}
        )
        if self.release is not None:
            await self.release.wait()
        if self.refusal is not None:
            raise self.refusal
        if request.method == "DELETE":
            return httpx.Response(204, stream=_Body(b""))
        answer = {
            "attempt": json.loads(request.content)["attempt"],
            "signal_request_sha256": sha256_hex(OFFER),
            "signal_response": "an answer",
        }
        kind = {"Content-Type": "application/json"}
        return httpx.Response(200, headers=kind, stream=_Body(json.dumps(answer).encode()))

    async def reconnect(self, *, budget_s: float = 60.0) -> str:
        def count() -> None:
            self.written += 1

        return await self.client.reconnect(
            SESSION,
            attempt=AttemptNumber(1),
            token="t" * 32,
            signal_request=OFFER,
            budget_s=budget_s,
            left=WindowLeft(60.0, 60.0),
            on_written=count,
        )

    async def failure(self, *, budget_s: float = 60.0) -> Failure:
        with pytest.raises(CallFailedError) as caught:
            await self.reconnect(budget_s=budget_s)
        return caught.value.failure


async def test_without_a_fault_calls_pass_and_what_became_of_them_is_noted() -> None:
    backend = Backend()
    assert await backend.reconnect() == "an answer"
    await backend.client.terminate(SESSION, budget_s=60.0)
    backend.refusal = httpx.ConnectError("away")
    await backend.failure()
    assert [(each.status, each.reconnect) for each in backend.faults.outcomes] == [
        (200, True),
        (204, False),
        (None, True),
    ]
    assert [each.method for each in backend.faults.outcomes] == ["POST", "DELETE", "POST"]
    assert {each.ids for each in backend.faults.outcomes} == {()}


async def test_what_an_answer_calls_its_request_is_noted() -> None:
    faults = HttpFaults()
    headers = {
        "X-Request-Id": "0123456789abcdef",
        "x-amzn-RequestId": "8b0dd0b0-8d2e-4b2c-9c3c-0f8d7b3f3c11",
        "apigw-requestid": "not an id: it has spaces",
        "x-other": "other",
    }
    answer = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers))
    async with httpx.AsyncClient(transport=faults.around(answer)) as client:
        await client.get("http://studio.example/")
    [outcome] = faults.outcomes
    assert dict(outcome.ids) == {
        "x-request-id": headers["X-Request-Id"],
        "x-amzn-requestid": headers["x-amzn-RequestId"],
    }


@pytest.mark.parametrize(
    ("kind", "expected", "sent", "written"),
    [
        (HttpKind.RESET, FailureKind.OUTCOME_UNKNOWN, True, True),
        (HttpKind.PORTAL, FailureKind.NOT_BACKEND, False, True),
        (HttpKind.BIG_JSON, FailureKind.NOT_BACKEND, False, True),
        (HttpKind.BAD_CERTIFICATE, FailureKind.TLS, False, False),
        (HttpKind.REFUSED, FailureKind.NOT_SENT, False, False),
        (HttpKind.NO_NAME, FailureKind.NOT_SENT, False, False),
        (HttpKind.ANSWER, FailureKind.OUTCOME_UNKNOWN, False, True),
    ],
)
async def test_a_fault_is_the_failure_that_it_stands_for(
    kind: HttpKind, expected: FailureKind, sent: bool, written: bool
) -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=kind, times=1))
    assert (await backend.failure()).kind is expected
    assert bool(backend.asked) == sent
    assert bool(backend.written) == written
    assert await backend.reconnect() == "an answer", "once only"
    assert backend.faults.met == {kind.value: 1}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(HttpKind.HANG, FailureKind.OUTCOME_UNKNOWN), (HttpKind.SILENT, FailureKind.NOT_SENT)],
)
async def test_a_call_without_an_answer_ends_when_the_caller_gives_up(
    kind: HttpKind, expected: FailureKind
) -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=kind))
    assert (await backend.failure(budget_s=0.05)).kind is expected
    assert backend.asked == []


async def test_too_many_requests_say_when_to_come_back() -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=HttpKind.ANSWER, times=2, status=429, retry_after_s=3.0))
    for _ in range(2):
        failure = await backend.failure()
        assert (failure.kind, failure.retry_after_s) == (FailureKind.THROTTLED, 3.0)
    assert await backend.reconnect() == "an answer"


async def test_a_late_answer_arrives() -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=HttpKind.SLOW, times=1, delay_s=0.05))
    began_at = asyncio.get_running_loop().time()
    assert await backend.reconnect() == "an answer"
    assert asyncio.get_running_loop().time() - began_at >= 0.05


async def test_a_late_answer_that_is_given_up_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []

    async def close(self: httpx.Response) -> None:
        closed.append(self.status_code)

    monkeypatch.setattr(httpx.Response, "aclose", close)
    backend = Backend()
    backend.faults.begin(HttpFault(kind=HttpKind.SLOW, delay_s=3600.0))
    assert (await backend.failure(budget_s=3.0)).kind is FailureKind.OUTCOME_UNKNOWN
    assert closed == [200]


async def test_a_fault_of_reconnects_leaves_other_calls_alone() -> None:
    backend = Backend()
    active = backend.faults.begin(HttpFault(kind=HttpKind.REFUSED, calls=Calls.RECONNECT))
    await backend.client.terminate(SESSION, budget_s=60.0)
    assert (await backend.failure()).kind is FailureKind.NOT_SENT
    backend.faults.end(active)
    backend.faults.end(active)
    assert await backend.reconnect() == "an answer"


async def test_calls_under_way_break_with_the_connections() -> None:
    backend = Backend()
    backend.release = asyncio.Event()
    for kind in (HttpKind.REFUSED, HttpKind.NO_NAME):
        backend.asked.clear()
        call = asyncio.ensure_future(backend.failure())
        await eventually(lambda: bool(backend.asked))
        active = backend.faults.begin(HttpFault(kind=kind))
        assert (await call).kind is FailureKind.OUTCOME_UNKNOWN
        backend.faults.end(active)


async def test_a_reconnect_that_hangs_is_noted_when_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_faults, "HUNG_AFTER_S", 0.02)
    backend = Backend()
    backend.release = asyncio.Event()
    assert (await backend.failure(budget_s=3.0)).kind is FailureKind.OUTCOME_UNKNOWN
    assert [each.status for each in backend.faults.outcomes] == [None]
    monkeypatch.setattr(http_faults, "HUNG_AFTER_S", 60.0)
    await backend.failure(budget_s=0.1)
    assert len(backend.faults.outcomes) == 1, "a call that was given up soon proves nothing"


async def test_each_ask_in_the_queue_comes_a_place_nearer() -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=HttpKind.QUEUE, calls=Calls.RECONNECT, times=3))
    assert [(await backend.failure()).place for _ in range(2)] == [3, 2]
    backend.now += 10.0
    failure = await backend.failure()
    assert failure.kind is FailureKind.QUEUED
    assert failure.place == 3, "who does not ask is at its end again"
    assert [(await backend.failure()).place for _ in range(2)] == [2, 1]
    assert await backend.reconnect() == "an answer"
    assert await backend.reconnect() == "an answer", "the queue is gone"


async def test_of_two_faults_the_older_is_met_first() -> None:
    backend = Backend()
    backend.faults.begin(HttpFault(kind=HttpKind.BAD_CERTIFICATE, times=1))
    backend.faults.begin(HttpFault(kind=HttpKind.PORTAL, times=1))
    assert (await backend.failure()).kind is FailureKind.TLS
    assert (await backend.failure()).kind is FailureKind.NOT_BACKEND
    backend.faults.begin(HttpFault(kind=HttpKind.PORTAL))
    backend.faults.close()
    assert await backend.reconnect() == "an answer"


@pytest.mark.parametrize(
    "path", ["/v1/sessions/x/connections", "/api/ReconnectStreamSession", "/stage/reconnect"]
)
async def test_a_reconnect_is_known_in_every_dialect(path: str) -> None:
    faults = HttpFaults()
    faults.begin(HttpFault(kind=HttpKind.HANG, calls=Calls.RECONNECT))
    request = httpx.Request("POST", f"http://127.0.0.1:1{path}")
    assert faults.take(request) is not None
    assert faults.take(httpx.Request("GET", f"http://127.0.0.1:1{path}")) is None
    assert faults.take(httpx.Request("POST", "http://127.0.0.1:1/v1/sessions")) is None
