"""Rules for connections: limits on what a client can hold back, which uvicorn lacks.

A connection without a first byte, a request whose header section does not end, a request that
takes too long in all (its body, or an answer that nobody reads), and more connections than there is
room for: each is closed without a word, and none holds anything that another client needs.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rejoin.errors import ServiceError

DESCRIPTORS_KEPT: Final = 100
"""For the database, the calls to the service, files and the listening socket."""


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """Seconds and counts. `request_s`: from the end of the header section to the end of the answer;
    None for no limit. `keep_alive_s`: longer than any client keeps a connection that it may use
    again, so that no request meets a closing one. `proxies`: addresses and networks whose
    X-Forwarded-For and X-Forwarded-Proto are believed."""

    first_byte_s: float = 5.0
    header_section_s: float = 5.0
    request_s: float | None = None
    connections: int = 10_000
    keep_alive_s: int = 30
    backlog: int = 128
    proxies: tuple[str, ...] = ()


def protocol_of(rules: ConnectionRules) -> type[H11Protocol]:
    """The protocol class for `uvicorn.Config(http=...)`."""
    return type("StrictProtocol", (_StrictProtocol,), {"rules": rules})


def check_descriptors(rules: ConnectionRules) -> None:
    """Raise this process's limit of open files as far as it goes. Raises ServiceError if that is
    too few for the connections."""
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    needed = rules.connections + DESCRIPTORS_KEPT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    enough = hard == resource.RLIM_INFINITY or hard >= needed
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if enough else hard, hard))
    if not enough:
        raise ServiceError(
            f"This process may open {hard} files; {rules.connections} connections need {needed}."
            " Raise the limit (ulimit -n, LimitNOFILE), or set fewer connections."
        )


class _StrictProtocol(H11Protocol):
    rules: ClassVar[ConnectionRules]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.rules.connections:
            transport.abort()
            return
        self._within(self.rules.first_byte_s)

    def data_received(self, data: bytes) -> None:
        began = self._headers_begin()
        super().data_received(data)
        if self._in_header_section():
            if began:  # the time of a header section is not renewed by its next byte
                self._within(self.rules.header_section_s)
        elif began:
            self._within(self.rules.request_s)

    def on_response_complete(self) -> None:
        self._within(None)
        super().on_response_complete()
        if not self.cycle.response_complete:
            self._within(self.rules.request_s)  # the next request was here already

    def connection_lost(self, exc: Exception | None) -> None:
        self._within(None)
        super().connection_lost(exc)

    def _headers_begin(self) -> bool:
        """Whether no byte of a request has arrived yet."""
        return self._in_header_section() and not self.conn.trailing_data[0]

    def _in_header_section(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _within(self, seconds: float | None) -> None:
        """Close the connection unless the next step comes within this time; None: any time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._close)

    def _close(self) -> None:
        self._timer = None
        self.transport.abort()
