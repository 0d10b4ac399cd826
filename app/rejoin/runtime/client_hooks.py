"""What testers may put into a client. A player's client has none, and nothing can give it one.

No link, profile, setting or option leads to these: only code that makes a `Player` can pass them,
and `rejoin.injector` is where such code is.
"""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.clock import Clock, awake_s
from rejoin.rtc.receiver import OnFrame
from rejoin.rtc.socket_filter import MakeFilter
from rejoin.signaling.transport import AroundTransport


@dataclass(frozen=True, slots=True)
class ClientHooks:
    """`filter_sockets`: stands before each UDP socket of a connection. `around_http`: stands around
    the calls to the backend. `awake_clock`: stands still while the client is to be asleep.
    `on_frame`: gets each access unit that goes to the decoder; it is on the stream thread, and must
    not block.
    """

    filter_sockets: MakeFilter
    around_http: AroundTransport
    awake_clock: Clock = awake_s
    on_frame: OnFrame | None = None
