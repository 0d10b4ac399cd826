"""Bad input for the whole emulator: every bad request gets a documented error.

20,000 cases, seeded, without sockets and with throttling off; `REJOIN_FUZZ_TIMES=10` makes it ten
times as many and `REJOIN_FUZZ_SEED` others. A failing case names its number and seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette

from conftest import LogRecords
from helpers.fake_host import FakeHost, FakeHosts
from helpers.manual_timers import ManualTimers
from rejoin.emulator.host import connection
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.service.api.app import BODY_LIMIT_BYTES, build_app
from rejoin.emulator.service.control_server import build_control, new_token
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.errors import SignalError
from rejoin.rtc.signal_codec import decode_request

TIMES = float(os.environ.get("REJOIN_FUZZ_TIMES", "1"))
SEED = os.environ.get("REJOIN_FUZZ_SEED", "1")
REQUESTS = int(11_000 * TIMES)
OFFERS = int(7_700 * TIMES)
CONTROLS = int(900 * TIMES)
ANSWERED = int(400 * TIMES)
PATIENCE_S = 60.0

SETTINGS = EmulatorSettings(
    connection_timeout_s=2,
    requests_per_s=1e9,
    placement_s=0.0,
    ended_session_kept_s=5.0,
    token_lifetime_s=5.0,
    relay_ports=(0, 0),
)
GROUP = SETTINGS.stream_group_ids[0]
DATA = Path(__file__).parents[1] / "data"
REAL_OFFERS = [path.read_text() for path in sorted(DATA.glob("signal-request-*.json"))]

DOCUMENTED = {
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ConflictException": 409,
    # AWS's common errors, before an operation is reached.
    "MissingAuthenticationTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "UnrecognizedClientException": 403,
    "UnknownOperationException": 404,
    "RequestEntityTooLargeException": 413,
}
"""Every error that a caller can cause, with its HTTP code; 429 and 500 are not among them."""

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 3601, 10**30, 1.5, float("nan"), float("inf"), "", " ", "x" * 5000,
    "NO_CLIENT_CONNECTION", "\ud800", "\x00", "é漢", "arn:aws:gameliftstreams:::", [], [[]], [None],
    {}, {"": {}}, '{"type":"offer"}', '{"type":"offer","sdp":"v=0"}', ["x"] * 200,
)  # fmt: skip
ODD_TEXTS = (
    "", "/", "..", "%", "%2", "%zz", "%00", "%ff", "%2F", "?", "&", "=", "a" * 3000, "[", "]:", "é",
    "\t", "arn:aws:gameliftstreams:us-west-2:111122223333:streamgroup/sg-1AB2C3De4", "1_0", "-1",
    "99999999999999999999999", "NextToken=x", "MaxResults=0", "Status=ACTIVE", "Status=", "*", "#",
)  # fmt: skip


class DecodingHost(FakeHost):
    """Reads offers like the real host and answers without media."""

    async def answer(self, connection: int, signal_request: str) -> str:
        decode_request(signal_request)
        return await super().answer(connection, signal_request)


class DecodingHosts(FakeHosts):
    def __call__(self, listener: HostListener, settings: EmulatorSettings) -> DecodingHost:
        host = DecodingHost(listener, settings)
        self.made = [host]
        return host


@dataclass
class HttpRequest:
    """One HTTP request."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class HttpResponse:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


async def send_to(app: Starlette, request: HttpRequest) -> HttpResponse:
    """Pass a request to the application as uvicorn would."""
    raw_path = request.path.encode("ascii", "ignore")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": request.query.encode("ascii", "ignore"),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1", "ignore"), value.encode("latin-1", "ignore"))
            for name, value in request.headers.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    parts = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]
    }
    return HttpResponse(
        sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:])
    )


def signed(request: HttpRequest) -> HttpRequest:
    """The request with a valid signature, as far as botocore can sign it."""
    url = f"http://127.0.0.1:2{request.path}" + (f"?{request.query}" if request.query else "")
    again = AWSRequest(method=request.method, url=url, headers={"host": "127.0.0.1:2"})
    again.data = request.body
    again.context["timestamp"] = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    credentials = Credentials(SETTINGS.access_key_id, SETTINGS.secret_access_key)
    signer = SigV4Auth(credentials, "gameliftstreams", SETTINGS.region)
    again.headers["X-Amz-Date"] = again.context["timestamp"]
    canonical = signer.canonical_request(again)
    signature = signer.signature(signer.string_to_sign(again, canonical), again)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(again)}, SignedHeaders="
        f"{signer.signed_headers(signer.headers_to_sign(again))}, Signature={signature}"
    )
    headers = {"host": "127.0.0.1:2", "x-amz-date": again.context["timestamp"]}
    return HttpRequest(
        request.method,
        request.path,
        request.query,
        request.body,
        {**headers, "authorization": authorization},
    )


class Mutator:
    """Damages valid input, and sometimes leaves it unchanged."""

    def __init__(self, name: str) -> None:
        self.random = random.Random(f"{name} {SEED}")

    def fresh_offer(self) -> str:
        """A real offer of the Web SDK with new ICE credentials."""
        request = json.loads(self.random.choice(REAL_OFFERS))
        ufrag = "".join(self.random.choices("abcdefghij0123456789", k=8))
        request["sdp"] = re.sub("(?<=a=ice-ufrag:)[^\r\n]+", ufrag, request["sdp"])
        return json.dumps(request)

    def offer(self) -> str:
        """Such an offer, damaged: lines of its SDP, its JSON, or its text."""
        text = self.fresh_offer()
        kind = self.random.random()
        if kind < 0.6:
            request = json.loads(text)
            request["sdp"] = self._sdp(request["sdp"])
            return json.dumps(request)
        if kind < 0.75:
            return json.dumps(self.document(json.loads(text)))
        if kind < 0.95:
            return self.text(text)
        return text

    def _sdp(self, sdp: str) -> str:
        choose = self.random
        lines = sdp.splitlines()
        for _ in range(choose.choice((1, 1, 1, 2, 5, 20))):
            at = choose.randrange(len(lines))
            match choose.randrange(6):
                case 0:
                    del lines[at]
                case 1:
                    lines.insert(choose.randrange(len(lines)), lines[at])
                case 2:
                    lines[at] = self.text(lines[at])
                case 3:
                    lines[at] = lines[at].partition(":")[0] + ":" + choose.choice(ODD_TEXTS)
                case 4:
                    words = lines[at].split(" ")
                    words[choose.randrange(len(words))] = choose.choice(
                        ("0", "-1", "65536", "99999999999", "x", "", "127", "rtx/90000", "m=video")
                    )
                    lines[at] = " ".join(words)
                case _:
                    lines = lines[:at] + lines[at:][::-1]
            if not lines:
                return ""
        return choose.choice(("\r\n", "\r\n", "\r\n", "\n")).join(lines)

    def text(self, text: str) -> str:
        choose = self.random
        at = choose.randrange(len(text) + 1)
        match choose.randrange(4):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + chr(choose.choice((0, 9, 34, 92, 125, 233, 0x2028))) + text[at:]
            case 2:
                return text[:at] + text[at + choose.randrange(1, 40) :]
            case _:
                return text[:at] + choose.choice(ODD_TEXTS) + text[at:]

    def document(self, document: dict[str, Any]) -> dict[str, Any]:
        choose = self.random
        changed = dict(document)
        for _ in range(choose.choice((1, 1, 2, 4))):
            name = choose.choice([*changed, "Extra"])
            if choose.random() < 0.3:
                changed.pop(name, None)
            else:
                changed[name] = choose.choice(ODD_VALUES)
        return changed

    def damaged(self, body: bytes) -> bytes:
        choose = self.random
        at = choose.randrange(len(body) + 1)
        match choose.randrange(5):
            case 0:
                return body[:at]
            case 1:
                return body[:at] + bytes([choose.randrange(256)]) + body[at + 1 :]
            case 2:
                return body[:at] + choose.randbytes(8) + body[at:]
            case 3:
                return b"[" * 100_000
            case _:
                return body + body

    def call(self, session: str | None) -> HttpRequest:
        """A valid call of a random operation, of an existing session if there is one."""
        choose = self.random
        group = choose.choice((GROUP, quote(arn(f"streamgroup/{GROUP}"), safe="")))
        one = f"/streamgroups/{group}/streamsessions"
        which = session or "nothere"
        if choose.random() < 0.5:
            which = quote(arn(f"streamsession/{GROUP}/{which}"), safe="")
        start = {
            "Protocol": "WebRTC",
            "SignalRequest": self.offer(),
            "ApplicationIdentifier": SETTINGS.application_id,
            "ClientToken": "".join(choose.choices("abc", k=32)),
            "ConnectionTimeoutSeconds": 2,
            "UserId": "player",
            "Locations": ["us-west-2"],
            "AdditionalEnvironmentVariables": {"LEVEL": "3"},
        }
        create = {name: start[name] for name in ("SignalRequest", "ClientToken")}
        method, path, body = choose.choice(
            (
                ("POST", one, start),
                ("POST", f"{one}/{which}/connections", create),
                ("GET", f"{one}/{which}", None),
                ("GET", one, None),
                ("DELETE", f"{one}/{which}", None),
                ("GET", "/streamsessions", None),
                ("GET", "/streamgroups", None),
                ("GET", f"/streamgroups/{group}", None),
                ("GET", "/applications", None),
                ("GET", f"/applications/{SETTINGS.application_id}", None),
            )
        )
        if body is not None and choose.random() < 0.4:
            body = self.document(body)
        query = choose.choice(("", "", "MaxResults=5", "Status=ACTIVE&MaxResults=1"))
        return HttpRequest(method, path, query, b"" if body is None else json.dumps(body).encode())

    def request(self, session: str | None) -> HttpRequest:
        """A call that may be bad in many ways, mostly with a valid signature."""
        choose = self.random
        request = self.call(session)
        match choose.randrange(8):
            case 0:
                request.body = self.damaged(request.body)
            case 1:
                request.path = "/" + quote(self.text(request.path[1:]), safe="/%:")
            case 2:
                request.query = quote(self.text(request.query), safe="=&%+")
            case 3:
                request.method = choose.choice(("PUT", "HEAD", "BREW", "OPTIONS", "PATCH", "POST"))
            case _:
                pass
        request = signed(request)
        if choose.random() < 0.15:
            name = choose.choice((*request.headers, "x-amz-content-sha256", "content-type"))
            match choose.randrange(3):
                case 0:
                    request.headers.pop(name, None)
                case 1:
                    request.headers[name] = self.text(request.headers.get(name, ""))
                case _:
                    request.headers[name] = choose.choice(ODD_TEXTS)
        return request


def arn(resource: str) -> str:
    return f"arn:aws:gameliftstreams:{SETTINGS.region}:{SETTINGS.account_id}:{resource}"


def check(response: HttpResponse, request: HttpRequest) -> str:
    """Check that the response is a documented one; returns its error's name, or its code."""
    if response.status < 400:
        assert response.status in (200, 201, 204)
        if response.body:
            json.loads(response.body)
        return str(response.status)
    error = response.headers["x-amzn-errortype"]
    assert response.status == DOCUMENTED[error], error
    if request.method == "HEAD" and not response.body:
        return error
    document = json.loads(response.body)
    assert list(document) == ["Message"]
    assert 5 < len(document["Message"]) < 1000
    assert SETTINGS.secret_access_key not in document["Message"]
    assert "ice-pwd" not in document["Message"]
    assert "a=fingerprint" not in document["Message"]
    return error


async def test_every_bad_request_gets_its_documented_error() -> None:
    timers = ManualTimers()
    service = StreamSessions(SETTINGS, DecodingHosts(), timers=timers)
    app = build_app(service)
    mutator = Mutator("requests")
    seen: Counter[str] = Counter()
    for number in range(REQUESTS):
        sessions = service.sessions()
        session = mutator.random.choice(sessions) if sessions else None
        request = mutator.request(None if session is None else session.session_id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                response = await send_to(app, request)
            seen[check(response, request)] += 1
        except BaseException as error:
            error.add_note(f"case {number} of seed {SEED}: {request.method} {request.path[:200]}")
            raise
        if session is not None and mutator.random.random() < 0.1:
            session.client_connected(1)
        if number % 50 == 0:
            await timers.advance(1)
    # It still works.
    await timers.advance(10)
    start = {
        "Protocol": "WebRTC",
        "SignalRequest": mutator.fresh_offer(),
        "ApplicationIdentifier": SETTINGS.application_id,
    }
    path = f"/streamgroups/{GROUP}/streamsessions"
    response = await send_to(app, signed(HttpRequest("POST", path, "", json.dumps(start).encode())))
    assert response.status == 201
    await timers.advance(1)
    assert service.sessions()[0].status == "ACTIVE"
    await service.aclose()
    assert timers.waiting == 0

    # A fuzz test whose input is always refused early proves nothing: each of these was reached.
    for outcome in ("200", "201", "204", *(name for name in DOCUMENTED if name[0] != "A")):
        if outcome != "RequestEntityTooLargeException":
            assert seen[outcome] > 0, (outcome, seen)
    assert BODY_LIMIT_BYTES > 100_000  # damaged requests stay below it; it has its own test


def test_every_bad_offer_is_refused_with_a_sentence_or_read() -> None:
    mutator = Mutator("offers")
    read = 0
    refusals: list[str] = []
    for number in range(OFFERS):
        text = mutator.offer()
        try:
            request = decode_request(text)
        except SignalError as error:
            refusals.append(str(error))
        else:
            read += 1
            assert "video" in request.media, number
    assert min(read, len(refusals)) > OFFERS // 20
    for sentence in refusals:
        assert sentence.endswith(".")
        assert len(sentence) < 200
        for secret in ("ice-pwd:", "a=", "m="):
            assert secret not in sentence


async def test_the_real_host_survives_bad_offers(
    expected_logs: LogRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT_S", PATIENCE_S)  # a slow machine is no failure
    service = StreamSessions(
        SETTINGS,
        lambda listener, now: GameHost(listener, now, protocol_url="http://127.0.0.1/"),
    )
    mutator = Mutator("answered")
    outcomes: Counter[str] = Counter()

    class Listener:
        def client_connected(self, connection: int) -> None: ...

        def client_gone(self, connection: int, *, graceful: bool) -> None: ...

        def client_input(self) -> None: ...

        def game_exited(self, detail: str) -> None:
            pytest.fail("the game ended")

        def shares_performance(self) -> bool:
            return False

    host = service.make_host(Listener(), service.settings)
    await host.start()
    try:
        for number in range(ANSWERED):
            text = mutator.offer()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    json.loads(await host.answer(number + 1, text))
                outcomes["answered"] += 1
            except SignalError:
                outcomes["refused"] += 1
            except BaseException as error:
                error.add_note(f"case {number} of seed {SEED}")
                raise
        assert json.loads(await host.answer(ANSWERED + 1, mutator.fresh_offer()))
    finally:
        await host.stop()
        await service.aclose()

    assert outcomes["answered"] > 0
    assert outcomes["refused"] > 0
    assert expected_logs.lines == []


async def test_the_control_api_answers_bad_requests_with_a_sentence() -> None:
    timers = ManualTimers()
    service = StreamSessions(SETTINGS, DecodingHosts(), timers=timers)
    token = new_token()
    app = build_control(service, token)
    mutator = Mutator("control")
    choose = mutator.random
    good: dict[str, dict[str, Any]] = {
        "/faults": {"kind": "silence", "duration_s": 1.0, "scope": "all", "session": None},
        "/settings": {"notice_silent_client_s": 1.0, "reused_offer_fails": "call"},
        "/api-faults": {"kind": "slow", "operation": None, "times": 1, "delay_s": 1},
        "/backend": {"down_s": 1.0},
        "/backend-faults": {"kind": "portal", "times": 1},
        "/script-faults": {"kind": "script_404", "times": 1},
        "/end": {"reason": "internalError"},
        "/advance": {"by_s": 1.0},
    }
    statuses: Counter[int] = Counter()
    for number in range(CONTROLS):
        path = choose.choice(list(good))
        body = json.dumps(mutator.document(good[path])).encode()
        if choose.random() < 0.3:
            body = mutator.damaged(body)
        bearer = {"authorization": f"Bearer {token}"}
        if choose.random() < 0.1:
            bearer["authorization"] = mutator.text(bearer["authorization"])
        try:
            response = await send_to(app, HttpRequest("POST", path, "", body, bearer))
            statuses[response.status] += 1
            assert response.status in (200, 400, 401)
            if response.status != 200:
                assert json.loads(response.body)["message"].endswith(".")
        except BaseException as error:
            error.add_note(f"case {number} of seed {SEED}: {path} {body[:200]!r}")
            raise
    with contextlib.suppress(AttributeError):
        service.change_settings({})
    await service.aclose()

    assert set(statuses) == {200, 400, 401}
