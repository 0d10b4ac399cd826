"""Makes the transport to one backend: directly, to judged addresses only, or through a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from rejoin.signaling.backend_url import allowed_addresses, is_this_machine
from rejoin.signaling.http_environment import EnvironmentProxy, tls_context
from rejoin.signaling.judged_connections import JudgedConnections
from rejoin.signaling.socks import SocksConnections

_LIMITS: Final = httpx.Limits(max_connections=8, keepalive_expiry=4.0)
"""An idle connection is reused for 4 s: after a drop its path may be gone, and common servers close
it after five seconds."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How a backend is reached. `allow_insecure`: http also to another machine than this one.

    `public_only`: nowhere but on the internet, whatever its name means at the moment: for a link,
    whose backend nobody typed. `verify`: whose certificates are trusted; None for the system's
    authorities. `transport`: in place of sockets, for tests.
    """

    connect_timeout_s: float = 1.0
    allow_insecure: bool = False
    public_only: bool = False
    verify: ssl.SSLContext | None = None
    transport: httpx.AsyncBaseTransport | None = None


DEFAULT_HTTP: Final = HttpSettings()


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport on connections of our own making."""

    def __init__(self, verify: ssl.SSLContext, connections: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(verify=verify, trust_env=False)
        # httpx has no parameter for it; httpcore, which it is made of, does.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=verify,
            max_connections=_LIMITS.max_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=connections,
        )


def transports(
    url: httpx.URL, proxy: EnvironmentProxy | None, http: HttpSettings
) -> Callable[[], httpx.AsyncBaseTransport]:
    """Makes a new transport at each call. What is slow to make is made here, once.

    Raises BadInputError for authorities that cannot be read.
    """
    replaced = http.transport
    if replaced is not None:
        return lambda: replaced
    verify = http.verify
    if verify is None and url.scheme == "http" and (proxy is None or not proxy.uses_tls):
        # Never used, as redirects are not followed; loading the authorities takes time.
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    elif verify is None:
        verify = tls_context(use_environment=not is_this_machine(url.host))
    connections: httpcore.AsyncNetworkBackend | None = None
    through: httpx.Proxy | None = None
    # A proxy resolves the backend's name itself: its own rules say where it may connect.
    if proxy is not None and proxy.is_socks:
        connections = SocksConnections(proxy.for_httpx(verify))
    elif proxy is not None:
        through = proxy.for_httpx(verify)
    else:
        allows = allowed_addresses(
            url, allow_insecure=http.allow_insecure, public_only=http.public_only
        )
        connections = None if allows is None else JudgedConnections(allows)
    if connections is not None:
        return lambda: _Transport(verify, connections)
    return lambda: httpx.AsyncHTTPTransport(
        verify=verify, limits=_LIMITS, trust_env=False, proxy=through
    )
