"""Opens the TCP connections to the backend, or to a proxy in front of it.

A hostile name server can answer differently each time (DNS rebinding). So the name is resolved
here, its addresses are judged, and the connection is made to a judged address and not to the name.
The look-up has a limit of its own: a slow name server does not use up the connection's time.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore

from rejoin.clock import Clock, boot_s
from rejoin.signaling.name_lookup import NameLookup
from rejoin.tasks import cancel, spawn

Allows = Callable[[str], bool]
"""Whether a connection to this address (without a port) may be made."""

_NEXT_ADDRESS_AFTER_S: Final = 0.25
"""RFC 8305, section 5: when the next address is tried although the last has not failed."""


class AddressRefusedError(OSError):
    """The name has addresses, and no connection may be made to any of them."""


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed where its TLS handshake is cancelled; httpcore closes it only
    where that fails, and a call that is given up would leave it to the garbage collection."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
    ) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except asyncio.CancelledError:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Connections(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that `allows`. Raises AddressRefusedError where there is none."""

    def __init__(self, allows: Allows | None = None, clock: Clock = boot_s) -> None:
        """`allows`: None: any address."""
        self._allows = allows
        self._clock = clock
        self._names = NameLookup(clock=clock)
        self._sockets = httpcore.AnyIOBackend()
        self.rtt_s: float | None = None
        """How long the last connection took to open: one round trip (RFC 9293, 3.5)."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await self._names.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError from error
        allows = self._allows
        allowed = found if allows is None else [each for each in found if allows(each)]
        if not allowed:
            raise AddressRefusedError
        began_at = self._clock()
        try:
            async with asyncio.timeout(timeout):
                stream = await self._first_of(allowed, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except OSError as error:
            raise httpcore.ConnectError from error
        self.rtt_s = self._clock() - began_at
        return _Stream(stream)

    async def aclose(self) -> None:
        """Stop waiting for look-ups."""
        await self._names.aclose()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _first_of(self, addresses: list[str], port: int) -> httpcore.AsyncNetworkStream:
        """The first connection that is made, as RFC 8305 has it; the others are closed."""
        trying: set[asyncio.Task[httpcore.AsyncNetworkStream | Exception]] = set()
        failure: Exception = httpcore.ConnectError()
        left = list(addresses)
        try:
            while left or trying:
                if left:
                    trying.add(spawn(self._try(left.pop(0), port), name="connect to the backend"))
                done, _ = await asyncio.wait(
                    trying,
                    timeout=_NEXT_ADDRESS_AFTER_S if left else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    trying.discard(task)
                    outcome = task.result()
                    if not isinstance(outcome, Exception):
                        return outcome
                    failure = outcome
            raise failure
        finally:
            await cancel(*trying)
            for task in trying:
                unused = None if task.cancelled() else task.result()
                if isinstance(unused, httpcore.AsyncNetworkStream):
                    await unused.aclose()

    async def _try(self, address: str, port: int) -> httpcore.AsyncNetworkStream | Exception:
        try:
            return await self._sockets.connect_tcp(address, port)
        except httpcore.ConnectError as error:
            return error
