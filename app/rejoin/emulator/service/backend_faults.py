"""Faults in front of the studio's backend: a portal, huge JSON, a wrong certificate, a queue."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import asdict
from typing import Any, Final

from rejoin.clock import Clock, boot_s
from rejoin.emulator.service.faults import BackendFault, BackendFaultKind, take_oldest
from rejoin.errors import BadInputError
from rejoin.signaling.wire import PROBLEM_CONTENT_TYPE, ProblemCode, problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
"""An ASGI application."""

BIG_JSON_BYTES: Final = 64 * 1024 * 1024
"""Far more than any client needs: a client that reads all of it has no limit."""

_ASK_AFTER_S: Final = 1
"""Retry-After of a place in the queue."""
_KEPT_S: Final = 2.0
"""How long a place is kept after that."""
_FAR_PLACE: Final = 1000
"""In a queue that does not move."""
_RECONNECT: Final = re.compile(r"/v1/sessions/[^/]+/connections")

_PORTAL: Final = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head>"
    b"<body><h1>Welcome to our network</h1><p>Please sign in to go on.</p></body></html>"
)


class BackendFaults:
    """The armed faults, oldest first. `https`: whether the backend does TLS handshakes."""

    def __init__(self, *, https: bool = False, clock: Clock = boot_s) -> None:
        self._https = https
        self._clock = clock
        self._armed: list[BackendFault] = []
        self._place: tuple[int, float] | None = None
        """The place of the next reconnect, and until when it is kept; None: the end of the
        queue."""

    def arm(self, fault: BackendFault) -> None:
        """Arm one more fault; `NONE` clears all. Raises `BadInputError` if it can never happen."""
        if fault.kind is BackendFaultKind.NONE:
            self._armed.clear()
            self._place = None
            return
        if fault.kind is BackendFaultKind.BAD_CERTIFICATE and not self._https:
            raise BadInputError("This backend is on http: it has no certificate.")
        self._armed.append(fault)

    def take(self) -> BackendFault | None:
        """The fault that applies to this request."""
        return take_oldest(self._armed, lambda fault: fault.kind in _OF_REQUESTS)

    def take_handshake(self) -> bool:
        """Whether this TLS handshake gets the wrong certificate."""
        return take_oldest(self._armed, _is_of_handshake) is not None

    def take_place(self) -> int | None:
        """The place in the queue of this reconnect; None: it does not have to wait."""
        queue = next((each for each in self._armed if each.kind is BackendFaultKind.QUEUE), None)
        if queue is None:
            return None
        now = self._clock()
        place = queue.times or _FAR_PLACE
        if self._place is not None and now <= self._place[1]:
            place = self._place[0]
        if place == 0:
            self._armed.remove(queue)
            self._place = None
            return None
        nearer = place if queue.times is None else place - 1
        self._place = (nearer, now + _ASK_AFTER_S + _KEPT_S)
        return place

    def describe(self) -> list[dict[str, object]]:
        """What is armed, as JSON values for the control API."""
        return [asdict(fault) for fault in self._armed]

    def in_front_of(self, app: App) -> App:
        """The application with these faults in front of it; its lifespan is passed through."""

        async def behind(scope: Any, receive: Receive, send: Send) -> None:
            is_http = scope["type"] == "http"
            place = self.take_place() if is_http and _is_reconnect(scope) else None
            if place is not None:
                await _answer_place(send, place)
                return
            fault = self.take() if is_http else None
            match BackendFaultKind.NONE if fault is None else fault.kind:
                case BackendFaultKind.PORTAL:
                    await _answer(send, b"text/html; charset=utf-8", _once(_PORTAL))
                case BackendFaultKind.BIG_JSON:
                    await _answer(send, b"application/json", _big_json())
                case (
                    BackendFaultKind.NONE
                    | BackendFaultKind.BAD_CERTIFICATE
                    | BackendFaultKind.QUEUE
                ):
                    await app(scope, receive, send)

        return behind


_OF_REQUESTS: Final = frozenset({BackendFaultKind.PORTAL, BackendFaultKind.BIG_JSON})
"""Faults of any request."""


def _is_reconnect(scope: Any) -> bool:
    return scope["method"] == "POST" and _RECONNECT.fullmatch(scope["path"]) is not None


def _is_of_handshake(fault: BackendFault) -> bool:
    """Whether the fault applies to TLS handshakes and not to requests."""
    return fault.kind is BackendFaultKind.BAD_CERTIFICATE


async def _answer_place(send: Send, place: int) -> None:
    """429 with a place in the queue, and the estimate that goes with it."""
    refused = problem(
        ProblemCode.THROTTLED,
        "Many players are coming back.",
        place=place,
        turn_in_s=float(place * _ASK_AFTER_S),
    )
    headers = [
        (b"content-type", PROBLEM_CONTENT_TYPE.encode()),
        (b"retry-after", str(_ASK_AFTER_S).encode()),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": refused.model_dump_json().encode()})


async def _answer(send: Send, media_type: bytes, parts: AsyncIterator[bytes]) -> None:
    headers = [(b"content-type", media_type)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _big_json() -> AsyncIterator[bytes]:
    yield b'{"items": ["'
    part = b"x" * 65536
    for _ in range(BIG_JSON_BYTES // len(part)):
        yield part
        await asyncio.sleep(0)  # Let the rest of the studio run.
    yield b'"]}'
