"""A small HTTP/1.1 client: one connection, one call at a time, little memory for each.

What the benches send has no body longer than a few kilobytes, and what the backend answers always
has a Content-Length.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`took_s`: from before the call was written to the last byte. `status`: 0 if the connection
    ended instead."""

    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """A connection to a server on loopback, opened at the first call and again if it was closed."""

    __slots__ = ("_answer", "_buffer", "_port", "_transport")

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, dict[str, str], bytes]] | None = None

    async def open(self) -> None:
        if self._transport is None or self._transport.is_closing():
            loop = asyncio.get_running_loop()
            self._buffer = b""
            transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            self._transport = transport

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: object = None
    ) -> Answer:
        """Send and wait; `body` is sent as JSON. A call that the server cuts off has status 0."""
        began_at = time.monotonic()
        try:
            await self.open()
        except OSError:
            return Answer(0, {}, b"", time.monotonic() - began_at)
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request_bytes(method, path, headers, body))
        status, received, content = await self._answer
        return Answer(status, received, content, time.monotonic() - began_at)

    def close(self) -> None:
        """At once, whatever is outstanding."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self._answer is None:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", "0"))
        if len(rest) >= length:
            self._buffer = rest[length:]
            self._done(int(first.split()[1]), headers, rest[:length])

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(0, {}, b"")

    def _done(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, headers, body))


def request_bytes(method: str, path: str, headers: dict[str, str], body: object = None) -> bytes:
    """A request as it is sent."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content
