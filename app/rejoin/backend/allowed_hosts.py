"""Checks the Host header, so that no web page reaches a backend by DNS rebinding."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from rejoin.backend.problems import response_to
from rejoin.backend.refused import Reason, RefusedError

_HOST_AND_PORT: Final = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]*))(?::[0-9]*)?"
)


class AllowedHosts:
    """The names and addresses that a Host header may have; none: any."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.strip("[]").lower().rstrip(".") for host in hosts)

    def check(self, headers: Headers) -> None:
        """Raises RefusedError (HOST_UNKNOWN).

        After DNS rebinding a page's request still has the page's own name in this header.
        """
        if not self._hosts:
            return
        named = headers.getlist("Host")
        if len(named) != 1 or host_of(named[0]) not in self._hosts:
            raise RefusedError(Reason.HOST_UNKNOWN)


class HostCheck:
    """ASGI middleware: the check alone, for a dialect without the `Gate`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._allowed = AllowedHosts(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._allowed.check(Headers(scope=scope))
            except RefusedError as refused:
                await response_to(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def host_of(header: str) -> str:
    """The name or address in a Host header, in lower case, without port and brackets; "" for a
    malformed one (RFC 9110 7.2)."""
    found = _HOST_AND_PORT.fullmatch(header.strip().lower())
    return "" if found is None else (found["address"] or found["name"] or "").rstrip(".")
