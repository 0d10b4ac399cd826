"""The calls of a client to its backend: each passes, or meets a fault in place of the network.

It wraps httpx's transport, above TLS and TCP: the client sees the same as with a real fault. It
also notes the real outcome of calls, since a backend that is really away is not the client's
failure.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn, assert_never

import httpx

from rejoin.clock import Clock, boot_s
from rejoin.injector.faults import Calls, HttpFault, HttpKind
from rejoin.signaling.wire import PROBLEM_CONTENT_TYPE, ProblemCode, problem
from rejoin.tasks import cancel, spawn

BIG_JSON_BYTES: Final = 64 * 1024 * 1024
ASK_AFTER_S: Final = 1
"""Retry-After of a place in the queue."""
PLACE_KEPT_S: Final = 2.0
"""How long a place is kept after that."""
HUNG_AFTER_S: Final = 4.0
"""A reconnect that the caller gives up after this was not answered in time."""
KEPT: Final = 1000
"""Outcomes that are kept."""
REQUEST_IDS: Final = ("x-request-id", "x-amzn-requestid", "apigw-requestid")
"""Headers that name a request: our backend's, an AWS service's, API Gateway's."""
_ID: Final = re.compile(r"[A-Za-z0-9=_/+.:-]{1,128}")

_RECONNECT: Final = re.compile(
    r"/v1/sessions/[^/]+/connections$|/api/ReconnectStreamSession$|/reconnect$"
)
"""The path of a reconnect: ours, the Web SDK's sample server, the React starter."""
_PORTAL: Final = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head>"
    b"<body><h1>Welcome to our network</h1><p>Please sign in to go on.</p></body></html>"
)
_BREAKS: Final = frozenset({HttpKind.REFUSED, HttpKind.NO_NAME})
_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The real outcome of a call without a fault. `status`: None if there was no answer.
    `ids`: what the answer called the request, by the name of the header (`REQUEST_IDS`)."""

    at: float
    status: int | None
    reconnect: bool
    method: str = ""
    ids: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, eq=False)
class ActiveHttp:
    """A fault that has begun, and what is left of it."""

    fault: HttpFault
    left: int | None
    place: tuple[int, float] | None = None
    """With QUEUE: the place of the next request, and until when it is kept."""


class HttpFaults:
    """The faults of one client's calls. For one event loop."""

    def __init__(self, clock: Clock = boot_s) -> None:
        self.outcomes: list[Outcome] = []
        self.met: Counter[str] = Counter()
        """How many calls met a fault, by its kind."""
        self._clock = clock
        self._active: list[ActiveHttp] = []
        self._broken: asyncio.Event | None = None

    def around(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """`signaling.transport.HttpSettings.around`."""
        return _FaultyTransport(self, inner)

    def begin(self, fault: HttpFault) -> ActiveHttp:
        """Let calls meet this fault, until it is used up or `end`."""
        active = ActiveHttp(fault, fault.times)
        self._active.append(active)
        if fault.kind in _BREAKS and self._broken is not None:
            self._broken.set()
            self._broken = None
        return active

    def end(self, active: ActiveHttp) -> None:
        """Let calls pass again."""
        if active in self._active:
            self._active.remove(active)

    def close(self) -> None:
        self._active.clear()

    @property
    def breaking(self) -> asyncio.Event:
        """Set when the connections that are open break."""
        if self._broken is None:
            self._broken = asyncio.Event()
        return self._broken

    def take(self, request: httpx.Request) -> tuple[HttpFault, int] | None:
        """The oldest fault that this call meets, counted down, and with QUEUE the place."""
        reconnect = _is_reconnect(request)
        for active in list(self._active):
            if active.fault.calls is Calls.RECONNECT and not reconnect:
                continue
            place = 0
            if active.fault.kind is HttpKind.QUEUE:
                place = self._place(active)
            elif active.left is not None:
                active.left -= 1
            if place == 0 and (active.left == 0 or active.fault.kind is HttpKind.QUEUE):
                self._active.remove(active)
                if active.fault.kind is HttpKind.QUEUE:
                    continue
            self.met[active.fault.kind.value] += 1
            return active.fault, place
        return None

    def note(self, request: httpx.Request, response: httpx.Response | None) -> None:
        """Note the real outcome of a call; None: there was no answer."""
        if len(self.outcomes) < KEPT:
            status = None if response is None else response.status_code
            ids = () if response is None else _ids_of(response.headers)
            reconnect = _is_reconnect(request)
            outcome = Outcome(self._clock(), status, reconnect, request.method, ids)
            self.outcomes.append(outcome)

    def _place(self, active: ActiveHttp) -> int:
        """The place in the queue of this reconnect; 0: it does not have to wait."""
        now, place = self._clock(), active.left or 1
        if active.place is not None and now <= active.place[1]:
            place = active.place[0]
        active.place = (place - 1, now + ASK_AFTER_S + PLACE_KEPT_S)
        return place


class _FaultyTransport(httpx.AsyncBaseTransport):
    def __init__(self, faults: HttpFaults, inner: httpx.AsyncBaseTransport) -> None:
        self._faults = faults
        self._inner = inner

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        met = self._faults.take(request)
        if met is None:
            return await self._pass(request)
        fault, place = met
        match fault.kind:
            case HttpKind.ANSWER:
                return await _answer(request, fault.status, b"", fault.retry_after_s)
            case HttpKind.QUEUE:
                return await _answer_place(request, place)
            case HttpKind.PORTAL:
                await _written(request)
                page = {"Content-Type": "text/html; charset=utf-8"}
                return httpx.Response(200, headers=page, stream=_Body(_PORTAL), request=request)
            case HttpKind.BIG_JSON:
                await _written(request)
                kind = {"Content-Type": "application/json"}
                body = _Body(b"x" * 65536, BIG_JSON_BYTES // 65536)
                return httpx.Response(200, headers=kind, stream=body, request=request)
            case HttpKind.SLOW:
                response = await self._pass(request)
                try:
                    await asyncio.sleep(fault.delay_s)
                except asyncio.CancelledError:  # the caller gave up: its connection is free again
                    await response.aclose()
                    raise
                return response
            case _:
                pass
        return await self._fail(fault.kind, request)

    async def _fail(self, kind: HttpKind, request: httpx.Request) -> NoReturn:
        match kind:
            case HttpKind.HANG:
                await _written(request)
                await asyncio.Event().wait()  # the caller gives up
                raise httpx.ReadTimeout("a fault", request=request)
            case HttpKind.RESET:
                response = await self._pass(request)
                await response.aclose()
                raise httpx.ReadError("a fault", request=request)
            case HttpKind.BAD_CERTIFICATE:
                raise httpx.ConnectError("a fault", request=request) from (
                    ssl.SSLCertVerificationError(1, "a fault")
                )
            case HttpKind.REFUSED:
                raise httpx.ConnectError("a fault", request=request) from ConnectionRefusedError()
            case HttpKind.NO_NAME:
                raise httpx.ConnectError("a fault", request=request) from socket.gaierror()
            case HttpKind.SILENT:
                timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
                await asyncio.sleep(timeouts.get("connect") or _CONNECT_S)
                raise httpx.ConnectTimeout("a fault", request=request)
            case (
                HttpKind.ANSWER
                | HttpKind.QUEUE
                | HttpKind.PORTAL
                | HttpKind.BIG_JSON
                | HttpKind.SLOW
            ):
                raise AssertionError("it is answered")
            case _:
                assert_never(kind)

    async def _pass(self, request: httpx.Request) -> httpx.Response:
        """Send it. Its connection may break meanwhile."""
        began_at = asyncio.get_running_loop().time()
        call = spawn(self._send(request), name="call to the backend")
        broken = spawn(self._faults.breaking.wait(), name="connections break")
        try:
            await asyncio.wait({call, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise httpx.ReadError("a fault", request=request)
            outcome = call.result()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        except asyncio.CancelledError:
            hung = asyncio.get_running_loop().time() - began_at >= HUNG_AFTER_S
            if hung and _is_reconnect(request):
                self._faults.note(request, None)
            raise
        finally:
            await cancel(broken, call)

    async def _send(self, request: httpx.Request) -> httpx.Response | Exception:
        """Its exception is returned, as it is no defect of the task."""
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self._faults.note(request, None)
            return error
        self._faults.note(request, response)
        return response


def _ids_of(headers: httpx.Headers) -> tuple[tuple[str, str], ...]:
    found = ((name, headers.get(name, "")) for name in REQUEST_IDS)
    return tuple((name, value) for name, value in found if _ID.fullmatch(value))


def _is_reconnect(request: httpx.Request) -> bool:
    return request.method == "POST" and _RECONNECT.search(request.url.path) is not None


async def _written(request: httpx.Request) -> None:
    """What httpcore says when it begins to send (`signaling.exchange`)."""
    trace: Any = request.extensions.get("trace")
    if trace is not None:
        await trace("http11.send_request_headers.started", {"request": request})


async def _answer(
    request: httpx.Request, status: int, body: bytes, retry_after_s: float | None
) -> httpx.Response:
    await _written(request)
    headers = {"Content-Type": PROBLEM_CONTENT_TYPE if body else "text/plain"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(round(retry_after_s))
    return httpx.Response(status, headers=headers, stream=_Body(body), request=request)


async def _answer_place(request: httpx.Request, place: int) -> httpx.Response:
    refused = problem(
        ProblemCode.THROTTLED,
        "Many players are coming back.",
        place=place,
        turn_in_s=float(place * ASK_AFTER_S),
    )
    body = refused.model_dump_json().encode()
    return await _answer(request, refused.status, body, ASK_AFTER_S)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, `times` times over, to be read as it comes."""

    def __init__(self, part: bytes, times: int = 1) -> None:
        self._part = part
        self._times = times

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._times):
            yield self._part
