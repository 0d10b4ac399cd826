"""Answers second instances, with limits on their messages in form, size and time."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.runtime.deep_link import MAX_LINK
from rejoin.runtime.instance import ACCEPTED, MAX_TOKEN, VERSION
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.instance")

_MAX_LINE: Final = 16 * 1024
_MAX_ACTIVATIONS: Final = 8
"""At the same time."""
_ACTIVATION_TIMEOUT_S: Final = 2.0
_REFUSED: Final = b"refused\n"


@dataclass(frozen=True, slots=True)
class Activation:
    """The message of a second instance. `link`: its own. `token`: lets a window come to the front
    under Wayland."""

    link: str | None = None
    token: str | None = None


OnActivate = Callable[[Activation], None]
"""Called on the loop."""


class InstanceServer:
    """Listens at the address of one instance. To be used in one event loop."""

    def __init__(self, address: Path, on_activate: OnActivate, *, by_tcp: bool) -> None:
        self._address = address
        self._by_tcp = by_tcp
        self._secret = ""
        self._on_activate = on_activate
        self._server: asyncio.Server | None = None
        self._activations: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Raises OSError."""
        if self._by_tcp:
            await self._serve_tcp()
        else:
            await self._serve_unix()

    async def _serve_tcp(self) -> None:
        self._secret = secrets.token_hex(32)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_LINE)
        port = self._server.sockets[0].getsockname()[1]
        text = json.dumps({"port": port, "secret": self._secret})
        descriptor = os.open(self._address, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    async def _serve_unix(self) -> None:
        # Bound by ourselves: at the end asyncio would remove any file with this path.
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self._address))
            self._address.chmod(0o600)
        except OSError:
            listening.close()
            raise
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listening, limit=_MAX_LINE
        )

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await cancel(*self._activations)
            await self._server.wait_closed()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._activations) >= _MAX_ACTIVATIONS:
            writer.transport.abort()
            return
        task = spawn(self._answer(reader, writer), name="activation")
        self._activations.add(task)
        task.add_done_callback(self._activations.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_ACTIVATION_TIMEOUT_S):
                line = await reader.readuntil(b"\n")
                activation = self._parse(line)
                if activation is not None:
                    self._on_activate(activation)
                writer.write(_REFUSED if activation is None else ACCEPTED)
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # too long, too slow (TimeoutError is an OSError), or gone
        except Exception:
            _log.exception("a second instance could not be answered")
        finally:
            writer.close()

    def _parse(self, line: bytes) -> Activation | None:
        """The message of a second instance; None: this is no activation."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(message, dict) or message.get("rejoin") != VERSION:
            return None
        secret, link = message.get("secret"), message.get("link")
        if not isinstance(secret, str) or not hmac.compare_digest(
            secret.encode(errors="replace"), self._secret.encode()
        ):
            return None
        if link is not None and (not isinstance(link, str) or len(link) > MAX_LINK):
            return None
        token = message.get("activation_token")
        usable = isinstance(token, str) and len(token) <= MAX_TOKEN and token.isprintable()
        return Activation(link, token if usable else None)
