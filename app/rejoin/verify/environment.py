"""A simulated world: its properties, and what may happen to it. For `simulate` and `faults`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from rejoin.service_model import lifecycle


class Change(enum.Enum):
    """Something that happens to the world on purpose. The values are names in traces."""

    # The paths of the stream.
    PATH_DOWN = "path_down"  # no datagram passes in either direction
    DOWNLINK_DOWN = "downlink_down"  # nothing reaches the client
    UPLINK_DOWN = "uplink_down"  # nothing reaches the host
    UPLINK_REFUSED = "uplink_refused"  # the client's system refuses to send: there is no route
    PATH_UP = "path_up"
    FLOW_DIES = "flow_dies"  # the paths of the connections that exist now are gone for good
    # The host.
    MEDIA_STOPS = "media_stops"  # the host lives and answers checks, but sends no media
    MEDIA_GOES = "media_goes"  # the host sends media again
    PICTURE_LOST = "picture_lost"  # of the connections that exist now only sound arrives
    PICTURE_BLINKS = "picture_blinks"  # one frame of a lost picture arrives
    PICTURE_STOPS = "picture_stops"  # the host sends sound, but no picture
    PICTURE_GOES = "picture_goes"
    HOST_CLOSES = "host_closes"  # a graceful close by the host
    GAME_EXITS = "game_exits"  # or crashes: TERMINATED for the same reason
    GAME_SAID_OVER = "game_said_over"  # the same, but first the server says so
    HANDSHAKES_FAIL = "handshakes_fail"  # new connections reach the host, and fail at once
    HANDSHAKES_WORK = "handshakes_work"
    # The way to the backend, until the next of these.
    BACKEND_DOWN = "backend_down"  # refused before anything is sent
    BACKEND_PORTAL = "backend_portal"  # something else answers, such as a captive portal
    BACKEND_UNTRUSTED = "backend_untrusted"  # its certificate is not trusted
    ANSWERS_LOST = "answers_lost"  # create calls succeed, but their answers never arrive
    BACKEND_UP = "backend_up"
    ANSWERS_KEPT = "answers_kept"  # the same as BACKEND_UP
    # The next create call only; several of these apply to one call each, in order.
    CREATE_THROTTLED = "create_throttled"  # 429 with Retry-After 3
    CREATE_QUEUED = "create_queued"  # 429 with a place in a queue, whose turn comes 5 s later
    CREATE_FAILS = "create_fails"  # 500, and the service was not called
    CREATE_HANGS = "create_hangs"  # the service is not called, and no answer ever comes
    CREATE_RESET = "create_reset"  # the call succeeds, then the connection is reset: no answer
    CREATE_DRIPS = "create_drips"  # the call succeeds, but its answer comes 4 s late
    # The player's machine.
    NETWORK_MOVES = "network_moves"  # the client's address changes, and the client learns of it
    NETWORK_LOST = "network_lost"  # the system reports no network; paths are changed separately
    NETWORK_FOUND = "network_found"
    SLEEPS = "sleeps"
    WAKES = "wakes"
    CLIENT_CRASHES = "client_crashes"  # it starts again `relaunch_s` later with its last ticket
    # The player.
    PLAYER_TRIES = "player_tries"  # "Try now"
    PLAYER_LEAVES = "player_leaves"  # "Close for now"
    PLAYER_ENDS = "player_ends"  # "End game"


class Picture(enum.Enum):
    """The state of a connection's picture while its sound arrives."""

    ARRIVES = "arrives"
    LOST = "lost"
    NOT_SENT = "not sent"


PathChange = Literal[
    Change.PATH_DOWN,
    Change.DOWNLINK_DOWN,
    Change.UPLINK_DOWN,
    Change.UPLINK_REFUSED,
    Change.PATH_UP,
    Change.FLOW_DIES,
    Change.MEDIA_STOPS,
    Change.MEDIA_GOES,
    Change.PICTURE_LOST,
    Change.PICTURE_BLINKS,
    Change.PICTURE_STOPS,
    Change.PICTURE_GOES,
    Change.HOST_CLOSES,
    Change.HANDSHAKES_FAIL,
    Change.HANDSHAKES_WORK,
]
"""Changes of the paths, or of what the host sends over them."""

CreateTrouble = Literal[
    Change.CREATE_THROTTLED,
    Change.CREATE_QUEUED,
    Change.CREATE_FAILS,
    Change.CREATE_HANGS,
    Change.CREATE_RESET,
    Change.CREATE_DRIPS,
]
"""Changes that apply to one create call."""

BackendChange = (
    Literal[
        Change.BACKEND_DOWN,
        Change.BACKEND_PORTAL,
        Change.BACKEND_UNTRUSTED,
        Change.ANSWERS_LOST,
        Change.BACKEND_UP,
        Change.ANSWERS_KEPT,
    ]
    | CreateTrouble
)
"""Changes of how calls to the backend succeed or fail."""

GameChange = Literal[Change.GAME_EXITS, Change.GAME_SAID_OVER]
"""How the game ends."""

PlayerChange = Literal[Change.PLAYER_TRIES, Change.PLAYER_LEAVES, Change.PLAYER_ENDS]
"""What the player does."""

Schedule = tuple[tuple[float, Change], ...]
"""(after how many seconds, what happens), in order of time."""

DARK = frozenset({Change.PATH_DOWN, Change.DOWNLINK_DOWN, Change.FLOW_DIES, Change.NETWORK_MOVES})
"""Changes after which nothing from the host reaches the client."""


@dataclass(frozen=True, slots=True)
class World:
    """The properties of a simulated world; seconds. `faults` count from when the game is live for
    the first time, `at_start` from when it is requested."""

    rtt_s: float = 0.040
    backend_s: float = 0.010
    create_s: float = 0.150
    placement_s: float = 0.200
    decode_s: float = 0.030
    notice_silent_client_s: float = 5.0
    notice_graceful_close_s: float = 0.0
    relaunch_s: float = 3.0
    reboots: bool = False
    """Whether the machine reboots between crash and restart: the times in the ticket then no longer
    hold."""
    rules: lifecycle.Rules = field(default_factory=lifecycle.Rules)
    reported_timeout_s: float | None = None
    """The connection timeout that the backend reports; None: the true one."""
    at_start: Schedule = ()
    faults: Schedule = ()
