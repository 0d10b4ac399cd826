"""boto3 against a small HTTP server that plays the service, well and badly, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import botocore.session
import pytest

from rejoin.backend.aws import _BY_CODE, AwsStreamService
from rejoin.backend.aws_requests import noted_in
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.create_pace import APART_S
from rejoin.backend.service import (
    ListedStream,
    ServiceFault,
    StreamId,
    StreamServiceError,
    StreamStatus,
)
from rejoin.errors import BadInputError

_T = TypeVar("_T")
ARN = "arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/sg-1AB2C3De4/ABC123def4567"
STREAM = StreamId("sg-1AB2C3De4", ARN)
TOKEN = "canary-token-" + "x" * 32
OFFER = json.dumps({"type": "offer", "sdp": "canary-offer"})


@dataclass
class Reply:
    """One scripted answer. `hang_s` before it; `close` instead of it."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    close: bool = False


def ok(status: int = 200, **members: object) -> Reply:
    return Reply(status, json.dumps(members).encode())


def error(name: str, status: int, **headers: str) -> Reply:
    return Reply(
        status,
        json.dumps({"Message": "canary-offer was refused"}).encode(),
        {"x-amzn-ErrorType": name, **{key.replace("_", "-"): v for key, v in headers.items()}},
    )


@dataclass
class Seen:
    """One request that arrived."""

    method: str
    path: str
    body: dict[str, Any]
    authorization: str
    connection: object
    at: float


class Endpoint:
    """Plays the script, then repeats its last line; records the requests."""

    def __init__(self, script: list[Reply]) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.over = threading.Event()
        endpoint = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                endpoint.seen.append(
                    Seen(
                        self.command,
                        self.path,
                        json.loads(content or b"{}"),
                        self.headers.get("Authorization", ""),
                        self.client_address,
                        time.monotonic(),
                    )
                )
                script = endpoint.script
                reply = script.pop(0) if len(script) > 1 else script[0]
                if reply.hang_s:
                    endpoint.over.wait(reply.hang_s)
                if reply.close:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):
                    self.send_response_only(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    body = b"" if reply.status == 204 else reply.body
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def settings_for(url: str | None, **changes: Any) -> BackendSettings:
    given: dict[str, Any] = {
        "region": "us-west-2",
        "stream_group": "sg-1AB2C3De4",
        "application": "a-9ZY8X7Wv6",
        "applications": {"tour": "a-tour"},
        "tokens": ("canary-bearer-token",),
        "endpoint_url": url,
        "access_key_id": "AKIACANARYCANARYCANA",
        "secret_access_key": "canary-secret",
    }
    return BackendSettings(**(given | changes))


@contextlib.contextmanager
def one_of_its_own(*script: Reply, **changes: Any) -> Iterator[tuple[AwsStreamService, Endpoint]]:
    endpoint = Endpoint(list(script))
    service = AwsStreamService(settings_for(endpoint.url, **changes))
    try:
        yield service, endpoint
    finally:
        service.close()
        endpoint.close()


Playing = Callable[..., contextlib.AbstractContextManager[tuple[AwsStreamService, Endpoint]]]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[AwsStreamService, Endpoint]]:
    """One for most tests: boto3 takes a while to make its clients."""
    with one_of_its_own(ok()) as pair:
        yield pair


@pytest.fixture
def playing(shared: tuple[AwsStreamService, Endpoint]) -> Playing:
    """Start to play a script, from the beginning."""

    @contextlib.contextmanager
    def play(*script: Reply) -> Iterator[tuple[AwsStreamService, Endpoint]]:
        _, endpoint = shared
        endpoint.script = list(script)
        endpoint.seen = []
        yield shared

    return play


def run(call: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(call)


def fault_of(call: Coroutine[Any, Any, object]) -> StreamServiceError:
    with pytest.raises(StreamServiceError) as caught:
        run(call)
    assert "canary" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert caught.value.__cause__ is None
    return caught.value


def create(service: AwsStreamService, budget_s: float = 60.0) -> Coroutine[Any, Any, str]:
    return service.create_connection(STREAM, token=TOKEN, signal_request=OFFER, budget_s=budget_s)


def test_what_aws_calls_a_request_is_noted_of_each_answer(playing: Playing) -> None:
    good, bad = ok(SignalResponse="answer"), error("InternalServerException", 500)
    good.headers["x-amzn-RequestId"], bad.headers["x-amzn-RequestId"] = "second", "first"
    ids: list[str] = []
    with playing(bad, good) as (service, _), noted_in(ids):
        assert run(create(service)) == "answer"
    assert ids == ["first", "second"]


@pytest.mark.usefixtures("nothing_left_behind")
def test_all_calls_of_a_session_are_as_in_the_service_model() -> None:
    with one_of_its_own(
        ok(201, Arn=ARN, Status="ACTIVATING", ConnectionTimeoutSeconds=10),
        Reply(
            200,
            json.dumps(
                {
                    "Arn": ARN,
                    "Status": "ACTIVE",
                    "ConnectionTimeoutSeconds": 10,
                    "SessionLengthSeconds": 600,
                    "CreatedAt": 1_900_000_000,
                    "SignalRequest": "offer-1",
                    "SignalResponse": "answer-1",
                }
            ).encode(),
            # 100 s after CreatedAt by the service's own clock, which is years from ours.
            {"Date": "Sun, 17 Mar 2030 17:48:20 GMT"},
        ),
        ok(SignalResponse="answer-2"),
        Reply(204),
        connection_timeout_s=10,
        session_length_s=600,
    ) as (service, endpoint):
        started = run(
            service.start(
                token=TOKEN, signal_request=OFFER, application=None, user_id=None, budget_s=60
            )
        )
        assert started.stream == STREAM
        assert started.status == StreamStatus("ACTIVATING", connection_timeout_s=10)
        assert run(service.get_status(STREAM, budget_s=60)) == StreamStatus(
            "ACTIVE",
            connection_timeout_s=10,
            session_ends_in_s=499,
            signal_request="offer-1",
            signal_response="answer-1",
        )
        assert run(create(service)) == "answer-2"
        run(service.terminate(STREAM, budget_s=60))
    session = "/streamgroups/sg-1AB2C3De4/streamsessions/" + ARN.replace(":", "%3A").replace(
        "/", "%2F"
    )
    assert [(seen.method, seen.path) for seen in endpoint.seen] == [
        ("POST", "/streamgroups/sg-1AB2C3De4/streamsessions"),
        ("GET", session),
        ("POST", session + "/connections"),
        ("DELETE", session),
    ]
    assert endpoint.seen[0].body == {
        "ClientToken": TOKEN,
        "Protocol": "WebRTC",
        "SignalRequest": OFFER,
        "ApplicationIdentifier": "a-9ZY8X7Wv6",
        "ConnectionTimeoutSeconds": 10,
        "SessionLengthSeconds": 600,
    }
    assert endpoint.seen[2].body == {"ClientToken": TOKEN, "SignalRequest": OFFER}
    assert all("/us-west-2/gameliftstreams/" in seen.authorization for seen in endpoint.seen)


def test_a_page_of_a_list_is_that_of_its_status_and_token(playing: Playing) -> None:
    mine = {"Arn": ARN, "Status": "CONNECTED", "UserId": "tag"}
    other = {"Arn": ARN + "2", "Status": "CONNECTED"}
    with playing(ok(Items=[mine, other], NextToken="more"), ok(Items=[])) as (service, endpoint):
        first = run(service.list_page(status="CONNECTED", page=None, budget_s=60))
        last = run(service.list_page(status="CONNECTED", page=first.following, budget_s=60))
    group = STREAM.stream_group
    assert first.items == (
        ListedStream(StreamId(group, ARN), "CONNECTED", "tag"),
        ListedStream(StreamId(group, ARN + "2"), "CONNECTED", ""),
    )
    assert (last.items, last.following) == ((), None)
    path = f"/streamgroups/{group}/streamsessions?Status=CONNECTED"
    assert [each.path for each in endpoint.seen] == [
        path + "&MaxResults=100",
        path + "&MaxResults=100&NextToken=more",
    ]


def test_a_client_may_name_an_application_of_the_configuration(playing: Playing) -> None:
    with playing(ok(201, Arn=ARN, Status="ACTIVATING")) as (service, endpoint):
        run(
            service.start(
                token=TOKEN, signal_request=OFFER, application="tour", user_id=None, budget_s=60
            )
        )
        assert endpoint.seen[0].body["ApplicationIdentifier"] == "a-tour"
        assert "ConnectionTimeoutSeconds" not in endpoint.seen[0].body
        refused = fault_of(
            service.start(
                token=TOKEN, signal_request=OFFER, application="other", user_id=None, budget_s=60
            )
        )
        assert refused.fault is ServiceFault.INVALID
        assert len(endpoint.seen) == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(error("InternalServerException", 500), id="500"),
        pytest.param(Reply(close=True), id="hung up"),
        pytest.param(Reply(503, b"<html>"), id="gateway"),
        pytest.param(Reply(200, b"{broken"), id="broken answer"),
        pytest.param(ok(), id="no answer in it"),
    ],
)
def test_the_second_try_is_the_same_bytes_with_the_same_token(
    playing: Playing, first: Reply
) -> None:
    with playing(first, ok(SignalResponse="answer-2")) as (service, endpoint):
        assert run(create(service)) == "answer-2"
        assert len(endpoint.seen) == 2
        assert endpoint.seen[0].body == endpoint.seen[1].body
        assert endpoint.seen[0].body["ClientToken"] == TOKEN


def test_create_calls_of_one_session_lie_apart_whoever_makes_them(playing: Playing) -> None:
    async def two_clients(service: AwsStreamService) -> None:
        both = await asyncio.gather(create(service), create(service), return_exceptions=True)
        assert all(isinstance(each, StreamServiceError) for each in both)

    with playing(error("InternalServerException", 500)) as (service, endpoint):
        fault_of(create(service))
        fault_of(create(service))
        run(two_clients(service))
        arrived = [seen.at for seen in endpoint.seen]
    assert len(arrived) == 8
    # All four tries of the first two calls, one after another, begin after the end of the last one.
    for before, after in itertools.pairwise(arrived[:4]):
        assert after - before >= APART_S
    # Those of two clients begin apart; how long each takes to arrive is not in our hands.
    assert arrived[-1] - arrived[4] >= 2 * APART_S


def test_calls_of_other_kinds_do_not_wait_for_create_calls(playing: Playing) -> None:
    with playing(ok(SignalResponse="answer-2", Status="ACTIVE")) as (service, endpoint):
        turn_s = service._pace.take_turn(STREAM)
        assert turn_s <= APART_S
        assert run(service.get_status(STREAM, budget_s=60)).status == "ACTIVE"
        service._pace._free_at[STREAM] += 60.0
        assert run(service.get_status(STREAM, budget_s=60)).status == "ACTIVE"
        assert fault_of(create(service)).fault is ServiceFault.UNAVAILABLE
        assert [seen.method for seen in endpoint.seen] == ["GET", "GET"]
        del service._pace._free_at[STREAM]


def test_there_is_no_third_try(playing: Playing) -> None:
    with playing(error("InternalServerException", 500)) as (service, endpoint):
        assert fault_of(create(service)).fault is ServiceFault.FAILED
        assert len(endpoint.seen) == 2


@pytest.mark.parametrize(
    ("name", "status", "fault"),
    [
        ("ValidationException", 400, ServiceFault.INVALID),
        ("AccessDeniedException", 403, ServiceFault.ACCESS_DENIED),
        ("ResourceNotFoundException", 404, ServiceFault.NOT_FOUND),
        ("ConflictException", 409, ServiceFault.CONFLICT),
        ("ThrottlingException", 429, ServiceFault.THROTTLED),
        ("TooManyRequestsException", 429, ServiceFault.THROTTLED),
        ("ExpiredTokenException", 403, ServiceFault.MISCONFIGURED),
        ("UnrecognizedClientException", 403, ServiceFault.MISCONFIGURED),
        ("InvalidSignatureException", 403, ServiceFault.MISCONFIGURED),
        ("SomethingNewException", 409, ServiceFault.CONFLICT),
        ("SomethingNewException", 418, ServiceFault.INVALID),
    ],
)
def test_a_definite_refusal_is_not_tried_again(
    playing: Playing, name: str, status: int, fault: ServiceFault
) -> None:
    with playing(error(name, status)) as (service, endpoint):
        assert fault_of(create(service)).fault is fault
        assert len(endpoint.seen) == 1


def test_every_error_of_the_service_model_has_its_fault() -> None:
    model = botocore.session.get_session().get_service_model("gameliftstreams")
    for operation in (
        "StartStreamSession",
        "GetStreamSession",
        "CreateStreamSessionConnection",
        "TerminateStreamSession",
    ):
        for shape in model.operation_model(operation).error_shapes:
            assert shape.name in _BY_CODE, shape.name


def test_retry_after_is_passed_on(playing: Playing) -> None:
    with playing(error("ThrottlingException", 429, Retry_After="7")) as (service, _):
        assert fault_of(create(service)).retry_after_s == 7


def test_an_unknown_outcome_of_the_first_try_is_not_forgotten(playing: Playing) -> None:
    for second, fault in (
        (error("ConflictException", 409), ServiceFault.FAILED),
        (error("ThrottlingException", 429), ServiceFault.FAILED),
        (error("ValidationException", 400), ServiceFault.INVALID),
    ):
        with playing(error("InternalServerException", 500), second) as (service, _):
            assert fault_of(create(service)).fault is fault


@pytest.mark.parametrize(("turns", "calls"), [(True, 2), (False, 1)])
def test_a_second_try_takes_a_turn_and_a_throttled_one_is_reported(
    playing: Playing, turns: bool, calls: int
) -> None:
    asked: list[str] = []

    class Budgets:
        async def take_within(self, operation: str, seconds: float) -> bool:
            asked.append(operation)
            return turns

        def throttled(self, operation: str) -> None:
            asked.append(f"throttled {operation}")

    with playing(error("InternalServerException", 500), error("ThrottlingException", 429)) as (
        service,
        endpoint,
    ):
        service.pays_with(Budgets())
        try:
            assert fault_of(create(service)).fault is ServiceFault.FAILED
        finally:
            service._budgets = None
        assert len(endpoint.seen) == calls
    name = "CreateStreamSessionConnection"
    assert asked == [name, f"throttled {name}"][:calls]


@pytest.mark.parametrize("call", ["create", "get_status"])
def test_a_service_that_hangs_costs_no_more_than_the_budget(playing: Playing, call: str) -> None:
    with playing(Reply(hang_s=20)) as (service, _):
        send: Callable[[], Coroutine[Any, Any, object]] = {
            "create": lambda: create(service, 1.2),
            "get_status": lambda: service.get_status(STREAM, budget_s=1.2),
        }[call]
        begun = time.monotonic()
        assert fault_of(send()).fault is ServiceFault.TIMED_OUT
        # Far below boto3's 60 s, below the 20 s that it hangs.
        assert time.monotonic() - begun < 15


async def test_a_call_that_is_cancelled_as_its_answer_comes_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a sweep that is to end goes on, and the backend never does."""
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    with one_of_its_own() as (service, _):
        monkeypatch.setattr(loop, "run_in_executor", lambda *_: answer)
        call = asyncio.create_task(service.get_status(STREAM, budget_s=60))
        await asyncio.sleep(0)
        answer.set_result({})
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


def test_a_closed_service_sends_nothing() -> None:
    with one_of_its_own(ok(Status="ACTIVE")) as (service, endpoint):
        service.close()
        assert fault_of(service.get_status(STREAM, budget_s=60)).fault is ServiceFault.UNAVAILABLE
        assert endpoint.seen == []


def test_without_time_nothing_is_sent(playing: Playing) -> None:
    with playing(ok(Status="ACTIVE")) as (service, endpoint):
        failed = fault_of(service.get_status(STREAM, budget_s=0.05))
        assert failed.fault is ServiceFault.UNAVAILABLE
        assert failed.fault.outcome_known
        assert endpoint.seen == []


def test_a_service_that_does_not_run_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        service = AwsStreamService(settings_for(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        try:
            assert fault_of(create(service, 3)).fault is ServiceFault.UNAVAILABLE
        finally:
            service.close()


def test_missing_credentials_are_a_misconfiguration() -> None:
    with one_of_its_own(ok(Status="ACTIVE"), access_key_id=None, secret_access_key=None) as (
        service,
        endpoint,
    ):
        assert fault_of(service.get_status(STREAM, budget_s=60)).fault is ServiceFault.MISCONFIGURED
        assert endpoint.seen == []


def test_settings_that_boto3_cannot_use_are_one_sentence() -> None:
    with pytest.raises(BadInputError) as caught:
        AwsStreamService(
            settings_for(None, access_key_id=None, secret_access_key=None, profile="canary")
        )
    assert str(caught.value).endswith(".")
    assert "canary" not in str(caught.value)


def test_what_the_model_forbids_is_invalid_before_it_is_sent(playing: Playing) -> None:
    with playing(ok(SignalResponse="answer")) as (service, endpoint):
        short = service.create_connection(STREAM, token="x", signal_request=OFFER, budget_s=60)
        assert fault_of(short).fault is ServiceFault.INVALID
        assert endpoint.seen == []


def test_unknown_statuses_are_passed_on_and_empty_strings_are_none(playing: Playing) -> None:
    with playing(ok(Status="HIBERNATING", StatusReason="solarFlare", SignalResponse="")) as (
        service,
        _,
    ):
        assert run(service.get_status(STREAM, budget_s=60)) == StreamStatus(
            "HIBERNATING", reason="solarFlare"
        )


def test_an_answer_without_a_status_is_a_failure(playing: Playing) -> None:
    with playing(ok(Arn=ARN)) as (service, _):
        assert fault_of(service.get_status(STREAM, budget_s=60)).fault is ServiceFault.FAILED


def test_connections_are_kept_and_many_calls_run_in_parallel() -> None:
    with one_of_its_own(ok(Status="ACTIVE")) as (service, endpoint):
        for _ in range(5):
            run(service.get_status(STREAM, budget_s=60))
        assert len({seen.connection for seen in endpoint.seen}) == 1

    async def many(service: AwsStreamService, endpoint: Endpoint) -> None:
        calls = [asyncio.ensure_future(service.get_status(STREAM, budget_s=60)) for _ in range(12)]
        for _ in range(4000):
            if len({seen.connection for seen in endpoint.seen}) == 12:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("some wait for others")
        endpoint.over.set()
        await asyncio.gather(*calls)

    with one_of_its_own(Reply(200, b'{"Status": "ACTIVE"}', hang_s=5.5)) as (service, endpoint):
        run(many(service, endpoint))


async def test_status_calls_that_hang_do_not_delay_a_reconnect() -> None:
    async def crowd(service: AwsStreamService, endpoint: Endpoint) -> str:
        calls = [asyncio.ensure_future(service.get_status(STREAM, budget_s=20)) for _ in range(40)]
        for _ in range(6000):
            if len(endpoint.seen) >= 24:
                break
            await asyncio.sleep(0.01)
        endpoint.script[:] = [ok(SignalResponse="answer", Status="ACTIVE")]
        answer = await create(service)
        assert not any(call.done() for call in calls)
        endpoint.over.set()
        await asyncio.gather(*calls)
        return answer

    with one_of_its_own(Reply(hang_s=5.5)) as (service, endpoint):
        assert await crowd(service, endpoint) == "answer"


def test_no_secret_in_any_log_record(playing: Playing, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        playing(
            error("InternalServerException", 500),
            error("ValidationException", 400),
            ok(SignalResponse="canary-answer"),
            ok(Status="ACTIVE", SignalRequest="canary", SignalResponse="canary"),
        ) as (service, _),
    ):
        fault_of(create(service))
        run(create(service))
        run(service.get_status(STREAM, budget_s=60))
    ours = [r for r in caplog.records if r.name == "rejoin.backend.aws"]
    assert len(ours) == 2
    for record in caplog.records:
        text = record.getMessage() + str(record.exc_info)
        assert "canary" not in text.lower(), record.name
