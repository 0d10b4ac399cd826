"""The faults that can be put into a client, as values."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from rejoin.netem.link import BOTH, Cut, Direction, Lane, NetworkProfile, ProfileStage

DAY_S: Final = 86400.0


class Scope(enum.StrEnum):
    """Which sockets a path concerns."""

    ALL = "all"
    """Those that exist and those that are opened later: the network is like that."""
    EXISTING = "existing"
    """Those that exist now, as if their path had died; a new connection passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """`after_s`: how long after the start it begins. `duration_s`: how long it then lasts; None:
    until it is lifted, or as long as it says itself."""

    after_s: float = 0.0
    duration_s: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not 0 <= self.after_s <= DAY_S:
            raise ValueError("a fault begins 0 to 86400 s after its start")
        if self.duration_s is not None and not 0 < self.duration_s <= DAY_S:
            raise ValueError("a fault lasts more than 0 and at most 86400 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFault(Timed):
    """The datagrams of connections follow a network profile. Of several that concern a socket the
    one that began last decides. `window_s`: from its beginning to the end of the reconnect window,
    for profiles that depend on it."""

    profile: NetworkProfile
    scope: Scope = Scope.ALL
    directions: frozenset[Direction] = BOTH
    window_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebind(Timed):
    """A NAT loses its table: the host sees each socket at a new port. It cannot be lifted."""


class HttpKind(enum.StrEnum):
    """The fault of a call to the backend."""

    ANSWER = "answer"
    """It is answered with `status`, and `Retry-After` if given, and not sent."""
    HANG = "hang"
    """It is not sent and not answered until the caller gives up."""
    SLOW = "slow"
    """It is sent; its answer arrives `delay_s` late."""
    RESET = "reset"
    """It is sent and done; then its connection is reset instead of an answer."""
    PORTAL = "portal"
    """200 with the HTML page of a captive portal; it is not sent."""
    BIG_JSON = "big_json"
    """200 with 64 MiB that are said to be JSON; it is not sent."""
    BAD_CERTIFICATE = "bad_certificate"
    """The certificate of the other side is not accepted; nothing is sent."""
    REFUSED = "refused"
    """No connection is accepted; calls that are under way break."""
    NO_NAME = "no_name"
    """The backend's name cannot be looked up; calls that are under way break."""
    SILENT = "silent"
    """No packet of it passes: a connection is not opened in time, and nothing is answered."""
    QUEUE = "queue"
    """429 with a place in the backend's queue: `times` at first, and one less at each repeated
    request. A client that does not repeat within 3 s is back at the end. Only in our own
    dialect."""


class Calls(enum.StrEnum):
    """Which calls a fault concerns."""

    ANY = "any"
    RECONNECT = "reconnect"
    """Those that send the offer of a reconnect, in any dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFault(Timed):
    """The next `times` calls to the backend; None: all until it is lifted."""

    kind: HttpKind
    calls: Calls = Calls.ANY
    times: int | None = None
    status: int = 500
    retry_after_s: float | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEvent(Timed):
    """The client is informed that the system's network is gone, or (`found`) has changed."""

    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep(Timed):
    """The client stands still for `duration_s`, which its clocks show as sleep of the machine.
    What arrived meanwhile is lost. It cannot be lifted, and blocks the event loop's thread."""

    def __post_init__(self) -> None:
        super(Sleep, self).__post_init__()
        if self.duration_s is None:
            raise ValueError("a sleep has a duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump(Timed):
    """The wall clock of this process is `by_s` off until it is lifted."""

    by_s: float


Fault = PathFault | Rebind | HttpFault | NetworkEvent | Sleep | ClockJump
"""One fault. A drop is a tuple of faults that are started together (`plans`)."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """A path by its numbers: shares are 0 to 1, `rate_bps` None is without a limit."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reorder: bool = False
    copies: int = 0
    rate_bps: float | None = None
    directions: Collection[Direction] = field(default=BOTH)

    def fault(self) -> PathFault:
        """It as a fault of all sockets, which lasts until it is lifted."""
        lane = Lane(
            self.delay_s,
            self.jitter_s,
            self.reorder,
            self.loss,
            bandwidth_bps=self.rate_bps,
            copies=self.copies,
        )
        profile = NetworkProfile("impairment", stages=(ProfileStage(0.0, lane, lane),))
        return PathFault(profile=profile, directions=frozenset(self.directions))


def cut(
    duration_s: float | None = None,
    *,
    scope: Scope = Scope.ALL,
    directions: frozenset[Direction] = BOTH,
    after_s: float = 0.0,
) -> PathFault:
    """Nothing passes, in both directions or one."""
    profile = NetworkProfile("cut", cut=Cut(directions=directions))
    return PathFault(profile=profile, scope=scope, after_s=after_s, duration_s=duration_s)
