"""Connects through a SOCKS5 proxy (RFC 1928, RFC 1929), which resolves the backend's name itself.

httpcore has the same with socksio, but 1.0.9 leaves the socket open when the proxy refuses, takes
one read for one reply, and lets errors of the parser through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

_NO_AUTHENTICATION: Final = 0
_PASSWORD: Final = 2
_ADDRESS_SIZES: Final = {1: 4, 4: 16}


class SocksConnections(httpcore.AsyncNetworkBackend):
    """Each connection is a tunnel through the proxy; httpcore.ProxyError where it refuses."""

    def __init__(self, proxy: httpx.Proxy, connections: httpcore.AsyncNetworkBackend) -> None:
        """`connections`: opens those to the proxy."""
        self._host = proxy.url.host
        self._port = proxy.url.port or 1080
        self._auth = proxy.raw_auth
        self._connections = connections

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._connections.connect_tcp(self._host, self._port, timeout)
        try:
            await _Handshake(stream, timeout).run(host, port, self._auth)
        except BaseException:
            await stream.aclose()
            raise
        return stream


class _Handshake:
    def __init__(self, stream: httpcore.AsyncNetworkStream, timeout_s: float | None) -> None:
        self._stream = stream
        self._timeout_s = timeout_s

    async def run(self, host: str, port: int, auth: tuple[bytes, bytes] | None) -> None:
        methods = [_NO_AUTHENTICATION] if auth is None else [_NO_AUTHENTICATION, _PASSWORD]
        await self._stream.write(bytes([5, len(methods), *methods]), self._timeout_s)
        version, method = await self._read(2)
        if version != 5 or method not in methods:
            raise httpcore.ProxyError("no such sign-in")
        if auth is not None and method == _PASSWORD:
            await self._stream.write(b"\x01" + b"".join(map(_counted, auth)), self._timeout_s)
            if (await self._read(2))[1] != 0:
                raise httpcore.ProxyError("the sign-in was refused")
        target = _address(host) + port.to_bytes(2, "big")
        await self._stream.write(b"\x05\x01\x00" + target, self._timeout_s)
        version, reply, _, kind = await self._read(4)
        if version != 5 or reply != 0:
            raise httpcore.ProxyError("refused")
        size = _ADDRESS_SIZES.get(kind)
        await self._read((size if size is not None else (await self._read(1))[0]) + 2)

    async def _read(self, size: int) -> bytes:
        """Exactly this many bytes: later ones belong to the tunnel."""
        found = b""
        while len(found) < size:
            more = await self._stream.read(size - len(found), self._timeout_s)
            if not more:
                raise httpcore.ProxyError("hung up")
            found += more
        return found


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return b"\x03" + _counted(host.encode("ascii"))
    return bytes([1 if address.version == 4 else 4]) + address.packed


def _counted(text: bytes) -> bytes:
    if len(text) > 255:
        raise httpcore.ProxyError("too long for SOCKS")
    return bytes([len(text)]) + text
