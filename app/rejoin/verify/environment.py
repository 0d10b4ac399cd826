"""What a modelled world is like and what may happen to it: the words of `simulate` and `faults`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from rejoin.service_model import lifecycle


class Change(enum.Enum):
    """What may happen to the world, on purpose."""

    # The path of the stream.
    PATH_DOWN = "path_down"  # no datagram passes, either way
    DOWNLINK_DOWN = "downlink_down"  # nothing reaches the client
    UPLINK_DOWN = "uplink_down"  # nothing reaches the host
    PATH_UP = "path_up"
    FLOW_DIES = "flow_dies"  # the path of the connections that exist now is gone for good
    NETWORK_MOVES = "network_moves"  # the client's address becomes another, and it is told so
    # The host.
    MEDIA_STOPS = "media_stops"  # the host lives, answers checks, sends no media
    MEDIA_GOES = "media_goes"
    HOST_CLOSES = "host_closes"  # a graceful close by the host
    GAME_EXITS = "game_exits"
    GAME_FAILS = "game_fails"  # the game's process dies: ERROR
    # The way to the backend, until the next of these.
    BACKEND_DOWN = "backend_down"  # refused before anything is sent
    BACKEND_PORTAL = "backend_portal"  # something else answers in its place
    BACKEND_UNTRUSTED = "backend_untrusted"  # its certificate is a stranger's
    ANSWERS_LOST = "answers_lost"  # create calls succeed, but their answers never arrive
    BACKEND_UP = "backend_up"
    ANSWERS_KEPT = "answers_kept"  # the same
    # The next create call only; several are taken in order.
    CREATE_THROTTLED = "create_throttled"  # 429, Retry-After 3
    CREATE_FAILS = "create_fails"  # 500, nothing was done
    CREATE_HANGS = "create_hangs"  # nothing is done, and no answer ever comes
    CREATE_RESET = "create_reset"  # it is done, and the connection is reset in place of an answer
    CREATE_DRIPS = "create_drips"  # it is done, and its answer comes 4 s late
    # The player's machine.
    NETWORK_LOST = "network_lost"  # the system says so; what else goes is said apart
    NETWORK_FOUND = "network_found"
    SLEEPS = "sleeps"
    WAKES = "wakes"
    CLIENT_CRASHES = "client_crashes"  # and comes back `relaunch_s` later with its last ticket
    # The player.
    PLAYER_TRIES = "player_tries"  # "Try now"
    PLAYER_LEAVES = "player_leaves"  # "Close for now"
    PLAYER_ENDS = "player_ends"  # "End game"


DARK = frozenset({Change.PATH_DOWN, Change.DOWNLINK_DOWN, Change.FLOW_DIES, Change.NETWORK_MOVES})
"""Changes after which nothing from the host reaches the client."""


@dataclass(frozen=True, slots=True)
class World:
    """How the modelled world is; seconds."""

    rtt_s: float = 0.040
    backend_s: float = 0.010
    create_s: float = 0.150
    placement_s: float = 0.200
    decode_s: float = 0.030
    notice_silent_s: float = 5.0
    notice_graceful_s: float = 0.0
    relaunch_s: float = 3.0
    reboots: bool = False
    """Between crash and coming back the machine was started anew: times in the ticket are void."""
    rules: lifecycle.Rules = field(default_factory=lifecycle.Rules)
    told_timeout_s: float | None = None
    """What the backend tells of the timeout; None is the truth."""
    at_start: tuple[tuple[float, Change], ...] = ()
    """(time after the game was asked for, change)."""
    faults: tuple[tuple[float, Change], ...] = ()
    """(time after going live first, change)."""
