"""Hooks of testers in a client.

A player's client has none. No link, profile, setting or option leads to these: only code that makes
a `Player` can pass them, and such code is in `rejoin.injector`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.clock import Clock, awake_s
from rejoin.rtc.receiver import OnFrame
from rejoin.rtc.socket_filter import MakeFilter
from rejoin.signaling.transport import AroundTransport


@dataclass(frozen=True, slots=True)
class ClientHooks:
    """`filter_sockets`: makes a filter for each UDP socket of a connection. `around_http`: wraps
    the transport to the backend. `awake_clock`: stands still while the client pretends to sleep.
    `on_frame`: gets each access unit for the decoder, on the stream thread; it must not block.
    """

    filter_sockets: MakeFilter
    around_http: AroundTransport
    awake_clock: Clock = awake_s
    on_frame: OnFrame | None = None
