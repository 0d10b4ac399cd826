"""The gate around the application: bearer tokens, the size of bodies, headers of every answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rejoin.backend import aws_requests
from rejoin.backend.allowed_hosts import AllowedHosts
from rejoin.backend.audit import Audit
from rejoin.backend.bodies import BodyError, BodyFault, read_body
from rejoin.backend.call_log import (
    AWS_REQUEST_ID_HEADER,
    REQUEST_ID_HEADER,
    Call,
    CallLog,
    begin,
)
from rejoin.backend.log_lines import request_context
from rejoin.backend.metrics import Metrics
from rejoin.backend.owner_rules import Operation, OwnerCalls
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.problems import answer_to
from rejoin.backend.refused import Reason, RefusedError, refused_by
from rejoin.backend.sign_in import Authenticate, RefusedSignIns, signed_in
from rejoin.backend.slots import Slots
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.tracing import Tracing
from rejoin.clock import Clock
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    IDEMPOTENCY_HEADER,
    LATEST_HEADER,
    MAX_BODY_BYTES,
    MAX_REPORT_BYTES,
    REPORTS_PATH,
    WINDOW_HEADER,
)

ADMITTED: Final = "rejoin.admitted"
"""Where the gate leaves an `Admitted` in the ASGI scope."""

AT_ONCE: Final = 4
"""How many tokens are checked, and how many calls admitted, in each turn of the event loop: when a
thousand calls come at once, the first ones are served meanwhile."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ONCE: Final = (IDEMPOTENCY_HEADER, BUDGET_HEADER, WINDOW_HEADER, LATEST_HEADER)
_OPEN_PATHS: Final = frozenset({"/v1/health", "/v1/ready", "/v1/about"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request with a valid token: the hash of its owner's name, when it arrived, and what the
    owner may start (None: everything)."""

    owner_hash: str
    at: float
    applications: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Observers:
    """Observers of each call. `owner_tags`: stand for players in logs; None: logs have none."""

    audit: Audit
    metrics: Metrics = field(default_factory=Metrics)
    owner_tags: OwnerTags | None = None
    tracing: Tracing = field(default_factory=Tracing)


class Gate:
    """ASGI middleware: nothing passes without a token, and every failure becomes a problem."""

    def __init__(
        self,
        app: ASGIApp,
        authenticate: Authenticate,
        clock: Clock,
        owners: OwnerCalls,
        hosts: Collection[str] = (),
        observers: Observers | None = None,
    ) -> None:
        """`hosts`: names and addresses that a Host header may have; none: any."""
        observers = observers or Observers(Audit(clock))
        self._metrics, self._tracing = observers.metrics, observers.tracing
        self._log = CallLog(observers.audit)
        self._owner_tags = observers.owner_tags
        self._hosts = AllowedHosts(hosts)
        self._app = app
        self._authenticate = authenticate
        self._clock = clock
        self._owners = owners
        self._refused = RefusedSignIns(clock)
        self._signing_in, self._entrance = Slots(AT_ONCE), Slots(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_at = self._clock()
        call = begin(scope)
        with (
            self._metrics.waiting(),
            request_context(call.request_id),
            aws_requests.noted_in(call.aws_requests),
            self._tracing.call() as span,
        ):
            status = await self._answered(call, scope, receive, send)
            operation = getattr(scope.get("route"), "operation_id", None) or call.operation
            seconds = self._clock() - began_at
            self._metrics.answered(operation, status, seconds)
            call.session_id = call.session_id or scope.get("path_params", {}).get("session_id")
            self._log.answered(call, operation, status, seconds)
            span.ended(
                operation,
                {
                    "http.request.method": _method_of(scope),
                    "http.response.status_code": status,
                    "rejoin.request_id": call.request_id,
                    "rejoin.code": call.code,
                },
                failed=status >= 500,
            )

    async def _answered(self, call: Call, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer a call; the HTTP status, 0 if the client hung up before."""
        answering = False
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal answering, status
            if message["type"] == "http.response.start":
                answering, status = True, message["status"]
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
                headers[REQUEST_ID_HEADER] = call.request_id
                if call.aws_requests:
                    headers[AWS_REQUEST_ID_HEADER] = call.aws_requests[-1]
                if "Location" in headers:  # of a new session
                    call.session_id = headers["Location"].rpartition("/")[2]
            await send(message)

        headers = Headers(scope=scope)
        try:
            _check_framing(headers)
            self._hosts.check(headers)
            if scope["method"] in ("POST", "PUT", "PATCH"):
                most = MAX_REPORT_BYTES if scope["path"] == REPORTS_PATH else MAX_BODY_BYTES
                receive = _limited(headers, receive, most)
            if scope["path"] in _OPEN_PATHS:
                await self._app(scope, receive, send_with_headers)
                return status
            await self._signing_in.one_turn()
            admitted = scope[ADMITTED] = await self._admit(call, headers, scope.get("client"))
            operation = operation_of(scope)
            call.operation = operation or call.operation
            with self._owners.call(admitted.owner_hash, operation):
                await self._entrance.one_turn(admitted.owner_hash)
                await self._app(scope, receive, send_with_headers)
        except (
            asyncio.CancelledError
        ):  # the server is stopping and the call took longer than its grace period
            if not answering:
                refused = RefusedError(Reason.TIMED_OUT)
                await answer_to(scope, refused)(scope, receive, send_with_headers)
        except Exception as error:
            refused = refused_by(error)
            if not answering:
                await answer_to(scope, refused)(scope, receive, send_with_headers)
        return status

    async def _admit(
        self, call: Call, headers: Headers, client: tuple[str, int] | None
    ) -> Admitted:
        at = self._clock()
        given = headers.getlist("Authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = token.strip()
        player = None
        if scheme.lower() == "bearer" and token:
            player = await signed_in(self._authenticate, token)
        if player is None:
            address = "" if client is None else client[0]
            count = self._refused.count(address)
            call.refused_sign_in = (address, count)
            await self._refused.slow_down(count)
            raise RefusedError(Reason.UNAUTHENTICATED)
        owner_hash = secret_hash("owner", player.owner)
        if self._owner_tags is not None:
            call.owner = self._owner_tags.known(owner_hash)
        return Admitted(owner_hash, at, player.applications)


def operation_of(scope: Scope) -> Operation | None:
    """The contract's name for this call; None if the contract has no such call. Found before the
    route, so that a refused call costs little."""
    match scope["method"], scope["path"].split("/"):
        case "POST", ["", "v1", "sessions"]:
            return "start"
        case "GET", ["", "v1", "sessions", _]:
            return "status"
        case "GET", ["", "v1", "sessions", _, "answer"]:
            return "answer"
        case "POST", ["", "v1", "sessions", _, "connections"]:
            return "reconnect"
        case "DELETE", ["", "v1", "sessions", _]:
            return "terminate"
        case "POST", ["", "v1", "reports"]:
            return "report"
        case _:
            return None


def _method_of(scope: Scope) -> str:
    """The method for a span; _OTHER for an unknown one, by OpenTelemetry's conventions."""
    method: str = scope["method"]
    return method if method in _METHODS else "_OTHER"


def _check_framing(headers: Headers) -> None:
    """RFC 9112 6.1: two lengths of one body may be request smuggling. Two values of one of our
    headers are ambiguous."""
    if "Content-Length" in headers and "Transfer-Encoding" in headers:
        raise RefusedError(Reason.TWO_LENGTHS)
    for name in _ONCE:
        if len(set(headers.getlist(name))) > 1:
            raise RefusedError(Reason.FIELDS_INVALID, f"{name}: not as the contract says.")


def _limited(headers: Headers, receive: Receive, max_bytes: int) -> Receive:
    """Reads the body at the first `receive`, at most `max_bytes`, and passes it on in one piece: a
    call without a route is refused before its body is read."""
    read = False

    async def receive_whole() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        try:
            body = await read_body(_chunks(receive), headers.get("Content-Length", ""), max_bytes)
        except BodyError as error:
            too_large = error.fault is BodyFault.TOO_LARGE
            reason = Reason.BODY_TOO_LARGE if too_large else Reason.BODY_TOO_SLOW
            raise RefusedError(reason) from None
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_whole


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The parts of a body, until it is complete or the client hangs up."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)
