"""Judges every address of the backend before a socket connects to it.

A name means what its resolver says at that moment, and a hostile one says something else each time
(DNS rebinding). So the name is resolved here, its addresses are judged, and the connection is made
to a judged address and not to the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore

from rejoin.tasks import cancel, spawn

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allows = Callable[[str], bool]
"""Whether a connection to this address (without a port) may be made."""

_NEXT_ADDRESS_AFTER_S: Final = 0.25
"""RFC 8305, section 5: when the next address is tried although the last has not failed."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """The name has addresses, and no connection may be made to any of them."""


def is_loopback(address: str) -> bool:
    """Whether this is an address of this machine itself."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def is_public(address: str) -> bool:
    """Whether this is an address on the internet: not this machine, not the local network."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_global and not parsed.is_multicast


def _parsed(address: str) -> _Address | None:
    """The address; of an IPv6 address that stands for an IPv4 address, that one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if embedded is not None:
            return embedded
        if parsed in _NAT64:
            return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, or the one that an address means however it is spelled ("127.1").

    Blocks. Raises OSError, UnicodeError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class JudgedConnections(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that `allows`. Raises AddressRefusedError where there is none."""

    def __init__(self, allows: Allows) -> None:
        self._allows = allows
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                # An address needs no resolver, and no thread.
                is_address = _parsed(host) is not None
                found = [host] if is_address else await asyncio.to_thread(resolved, host, port)
                allowed = [address for address in found if self._allows(address)]
                if not allowed:
                    raise AddressRefusedError
                return await self._first_of(allowed, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except AddressRefusedError:
            raise
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError from error

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
