"""Faults in front of the studio's backend: a captive portal, huge JSON, a wrong certificate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import asdict, replace
from typing import Any, Final

from rejoin.emulator.service.faults import BackendFault, BackendFaultKind
from rejoin.errors import BadInputError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
"""An ASGI application."""

BIG_JSON_BYTES: Final = 64 * 1024 * 1024
"""Far more than any client needs: a client that reads all of it has no limit."""

_PORTAL: Final = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head>"
    b"<body><h1>Welcome to our network</h1><p>Please sign in to go on.</p></body></html>"
)


class BackendFaults:
    """The armed faults, oldest first. `https`: whether the backend does TLS handshakes."""

    def __init__(self, *, https: bool = False) -> None:
        self._https = https
        self._armed: list[BackendFault] = []

    def arm(self, fault: BackendFault) -> None:
        """Arm one more fault; `NONE` clears all. Raises `BadInputError` if it can never happen."""
        if fault.kind is BackendFaultKind.NONE:
            self._armed.clear()
            return
        if fault.kind is BackendFaultKind.BAD_CERTIFICATE and not self._https:
            raise BadInputError("This backend is on http: it has no certificate.")
        self._armed.append(fault)

    def take(self) -> BackendFault | None:
        """The fault that applies to this request."""
        return self._take(lambda kind: kind is not BackendFaultKind.BAD_CERTIFICATE)

    def take_handshake(self) -> bool:
        """Whether this TLS handshake gets the wrong certificate."""
        return self._take(lambda kind: kind is BackendFaultKind.BAD_CERTIFICATE) is not None

    def _take(self, applies: Callable[[BackendFaultKind], bool]) -> BackendFault | None:
        for place, fault in enumerate(self._armed):
            if not applies(fault.kind):
                continue
            if fault.times == 1:
                del self._armed[place]
            elif fault.times is not None:
                self._armed[place] = replace(fault, times=fault.times - 1)
            return fault
        return None

    def describe(self) -> list[dict[str, object]]:
        """What is armed, as JSON values for the control API."""
        return [asdict(fault) for fault in self._armed]

    def in_front_of(self, app: App) -> App:
        """The application with these faults in front of it; its lifespan is passed through."""

        async def behind(scope: Any, receive: Receive, send: Send) -> None:
            fault = self.take() if scope["type"] == "http" else None
            match BackendFaultKind.NONE if fault is None else fault.kind:
                case BackendFaultKind.PORTAL:
                    await _answer(send, b"text/html; charset=utf-8", _once(_PORTAL))
                case BackendFaultKind.BIG_JSON:
                    await _answer(send, b"application/json", _big_json())
                case BackendFaultKind.NONE | BackendFaultKind.BAD_CERTIFICATE:
                    await app(scope, receive, send)

        return behind


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
