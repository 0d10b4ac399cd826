"""Rules for connections: limits on what a client can hold back, which uvicorn lacks.

A connection without a first byte, a request whose header section does not end, a request that
takes too long in all (its body, or an answer that nobody reads), and more connections than there is
room for: each is closed without an answer, so that it blocks no other client. Many requests of one
player in a moment are read one after another (`token_turns`).
"""

from __future__ import annotations

import asyncio
import enum
import sys
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rejoin.backend.owner_rules import CallPace
from rejoin.backend.token_turns import TokenTurns
from rejoin.errors import ServiceError
from rejoin.signaling.wire import PROBLEM_CONTENT_TYPE

DESCRIPTORS_KEPT: Final = 1200
"""For calls to the service, the database, files and the listening socket. boto3 has a client for
each duration of a try (`aws`), and each keeps a connection for each thread that ever used it: 349
were counted after eight bursts of 64 calls, and 1,122 are possible."""


MOST_CHUNKS: Final = 1000
"""Of a body (RFC 9112 7.1): 320 KiB in chunks of 1 KiB are 320. Each one costs as much as some
thousand bytes, so a body in chunks of a byte keeps a process busy for seconds."""


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """Seconds and counts. `request_s`: from the end of the header section to the end of the answer;
    None for no limit. `keep_alive_s`: longer than any client keeps a connection that it may use
    again, so that no request meets a closing one. `backlog`: connections that wait to be
    accepted; one beyond them is tried again by its client's system after a second, and it takes
    less than a second to accept as many. `proxies`: addresses and networks whose
    X-Forwarded-For and X-Forwarded-Proto are believed. `token_pace`: how many requests with the
    same token are read; None: all, at once. `unreadable`: problem details (JSON) for what is no
    HTTP; empty: uvicorn's own text."""

    first_byte_s: float = 5.0
    header_section_s: float = 5.0
    request_s: float | None = None
    connections: int = 10_000
    keep_alive_s: int = 30
    backlog: int = 1024
    proxies: tuple[str, ...] = ()
    token_pace: CallPace | None = None
    unreadable: bytes = b""


def protocol_of(rules: ConnectionRules) -> type[H11Protocol]:
    """The protocol class for `uvicorn.Config(http=...)`."""
    pace = rules.token_pace
    turns = None if pace is None else TokenTurns(pace)
    return type("StrictProtocol", (_StrictProtocol,), {"rules": rules, "turns": turns})


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


class _Phase(enum.Enum):
    """What a connection is waiting for. Each phase has its own limit."""

    FIRST_BYTE = "first_byte"
    HEADER_SECTION = "header_section"
    REQUEST = "request"
    """Its body, its answer, or both: also a body that is still to come after the answer."""
    KEPT = "kept"
    """Nothing: idle until another request."""


_BEFORE_REQUEST: Final = frozenset({_Phase.FIRST_BYTE, _Phase.KEPT})


@dataclass(slots=True)
class _Held:
    """The first bytes of a request that wait for their turn. `counted`: how many of them `turns`
    has in its sum."""

    data: bytes
    counted: int
    timer: asyncio.TimerHandle
    turns: TokenTurns


class _FewChunks(h11.Connection):
    """Refuses a body of more than MOST_CHUNKS as it does what is no HTTP, also where nobody reads
    that body."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER)
        self._chunks = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = 0
        elif isinstance(event, h11.Data) and event.chunk_start:
            self._chunks += 1
            if self._chunks > MOST_CHUNKS:
                raise h11.RemoteProtocolError("too many chunks")
        return event


class _StrictProtocol(H11Protocol):
    rules: ClassVar[ConnectionRules]
    turns: ClassVar[TokenTurns | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _FewChunks()
        self._timer: asyncio.TimerHandle | None = None
        self._owes: tuple[_Phase, object] | None = None
        """Ends with the request: each request has its own timer."""
        self._held: _Held | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.rules.connections:
            transport.abort()
            return
        self._see_phase()

    def data_received(self, data: bytes) -> None:
        if self._held is not None:  # TLS may have had more of it
            self._held.data += data
            return
        if self.turns is not None and self._phase(self.cycle) in _BEFORE_REQUEST:
            wait_s = self.turns.wait_s(data, self.loop.time())
            if wait_s:
                self._hold(data, wait_s, self.turns)
                return
        self._read(data)

    def _hold(self, data: bytes, wait_s: float, turns: TokenTurns) -> None:
        """Read nothing more until these bytes' turn. No limit runs meanwhile."""
        self._stop_timer()
        self._owes = None
        self._unset_keepalive_if_required()
        self.flow.pause_reading()
        turns.held_bytes += len(data)
        timer = self.loop.call_later(wait_s, self._read_held)
        self._held = _Held(data, len(data), timer, turns)

    def _read_held(self) -> None:
        data = self._let_go()
        if data and not self.transport.is_closing():
            self.flow.resume_reading()
            self._read(data)

    def _let_go(self) -> bytes:
        """The bytes that waited; empty if none did."""
        held, self._held = self._held, None
        if held is None:
            return b""
        held.timer.cancel()
        held.turns.held_bytes -= held.counted
        return held.data

    def _read(self, data: bytes) -> None:
        super().data_received(data)
        self._see_phase()

    def shutdown(self) -> None:
        """A request that waits for its turn counts as in flight."""
        self._read_held()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # it has its answer already; the bytes that follow are no body
            return
        body = self.rules.unreadable
        if not body:
            super().send_400_response(msg)
            return
        headers = {
            "Content-Type": PROBLEM_CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
        }
        for event in (
            h11.Response(status_code=400, headers=list(headers.items())),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._see_phase()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._let_go()
        super().connection_lost(exc)

    def _see_phase(self) -> None:
        """A phase's timer starts with the phase; further bytes do not restart it."""
        owes = (self._phase(self.cycle), self.cycle)
        if owes == self._owes or self.transport.is_closing():
            return
        self._owes = owes
        self._stop_timer()
        rules = self.rules
        seconds = {
            _Phase.FIRST_BYTE: rules.first_byte_s,
            _Phase.HEADER_SECTION: rules.header_section_s,
            _Phase.REQUEST: rules.request_s,
            _Phase.KEPT: float(rules.keep_alive_s),
        }[owes[0]]
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._close)

    def _phase(self, request: object) -> _Phase:
        """`request`: the newest one, None before the first."""
        if self.conn.their_state is not h11.IDLE:
            return _Phase.REQUEST
        if self.conn.trailing_data[0]:
            return _Phase.HEADER_SECTION
        return _Phase.FIRST_BYTE if request is None else _Phase.KEPT

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        self.transport.abort()
