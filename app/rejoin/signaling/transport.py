"""Makes the transport to one backend: directly, to judged addresses only, or through a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpcore
import httpx

from rejoin.hosts import is_this_machine
from rejoin.signaling.backend_url import allowed_addresses
from rejoin.signaling.connections import Allows, Connections
from rejoin.signaling.http_environment import EnvironmentProxy, tls_context
from rejoin.signaling.socks import SocksConnections

_LIMITS: Final = httpx.Limits(max_connections=8, keepalive_expiry=4.0)
"""An idle connection is reused for 4 s: after a drop its path may be gone, and common servers close
it after five seconds."""


AroundTransport = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]
"""Wraps a transport in another one."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How a backend is reached. `connect_timeout_s`: the least that a connection has to open, once
    the backend has answered; `first_connect_timeout_s`: before that.

    `allow_insecure`: http also to another machine than this one.

    `public_only`: only public addresses, whatever the name resolves to: for a backend that came
    from a link and that nobody typed. `verify`: whose certificates are trusted; None for the
    system's authorities. `transport`: in place of sockets, for tests. `around`: wraps the
    transport, for testers (`injector.http_faults`).
    """

    connect_timeout_s: float = 1.0
    first_connect_timeout_s: float = 1.0
    allow_insecure: bool = False
    public_only: bool = False
    verify: ssl.SSLContext | None = None
    transport: httpx.AsyncBaseTransport | None = None
    around: AroundTransport | None = None


DEFAULT_HTTP: Final = HttpSettings()


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport on connections of our own making."""

    def __init__(self, verify: ssl.SSLContext, pool: httpcore.AsyncConnectionPool) -> None:
        super().__init__(verify=verify, trust_env=False)
        # httpx has no parameter for it; httpcore, which it is made of, does.
        self._pool = pool


class Transports:
    """The transports to one backend, one after another. They share the parts that are slow to
    make."""

    def __init__(
        self,
        url: httpx.URL,
        proxy: EnvironmentProxy | None,
        http: HttpSettings,
        *,
        allows: Allows | None = None,
    ) -> None:
        """`allows`: which addresses may be connected to, in place of what `http` says.

        Raises BadInputError for authorities that cannot be read.
        """
        verify = http.verify
        if verify is None and url.scheme == "http" and (proxy is None or not proxy.uses_tls):
            # Never used, as redirects are not followed; loading the authorities takes time.
            verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        elif verify is None:
            verify = tls_context(use_environment=not is_this_machine(url.host))
        self._verify = verify
        self._replaced = http.transport
        self._around = http.around
        self._through: httpx.Proxy | None = None
        # A proxy resolves the backend's name itself: its own rules say where it may connect.
        if proxy is not None:
            allows = None
        elif allows is None:
            allows = allowed_addresses(
                url, allow_insecure=http.allow_insecure, public_only=http.public_only
            )
        self._connections = Connections(allows)
        self._backend: httpcore.AsyncNetworkBackend = self._connections
        if proxy is not None and proxy.is_socks:
            self._backend = SocksConnections(proxy.for_httpx(verify), self._connections)
        elif proxy is not None:
            self._through = proxy.for_httpx(verify)

    def new(self) -> httpx.AsyncBaseTransport:
        """A transport whose connections are all still to be opened."""
        made = self._replaced or self._opens_sockets()
        return made if self._around is None else self._around(made)

    def _opens_sockets(self) -> httpx.AsyncBaseTransport:
        shared: dict[str, Any] = {
            "ssl_context": self._verify,
            "max_connections": _LIMITS.max_connections,
            "keepalive_expiry": _LIMITS.keepalive_expiry,
            "network_backend": self._backend,
        }
        through = self._through
        if through is None:
            return _Transport(self._verify, httpcore.AsyncConnectionPool(**shared))
        return _Transport(
            self._verify,
            httpcore.AsyncHTTPProxy(
                proxy_url=str(through.url),
                proxy_auth=through.raw_auth,
                proxy_ssl_context=through.ssl_context,
                **shared,
            ),
        )

    @property
    def rtt_s(self) -> float | None:
        """The round trip to the backend, once a connection was opened; None: not known.

        Through a proxy it is not known: only the way to the proxy could be measured.
        """
        behind_proxy = self._through is not None or self._backend is not self._connections
        return None if behind_proxy else self._connections.rtt_s

    async def aclose(self) -> None:
        """Stop waiting for look-ups. The transports are closed by those who made them."""
        await self._connections.aclose()
