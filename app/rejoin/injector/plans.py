"""The faults of each fault profile (`netem.network_profile.PLACES`), put in at the client.

What a fault in another place does to a client is done here to the client's own packets and calls.
Nothing at the client has the effect of the faults of a host: these stay with the emulator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rejoin.injector.faults import (
    Calls,
    ClockJump,
    Fault,
    HttpFault,
    HttpKind,
    NetworkEvent,
    PathFault,
    Rebind,
    Scope,
    Sleep,
    cut,
)
from rejoin.injector.seeds import network_profiles
from rejoin.netem.link import Direction, NetworkProfile
from rejoin.netem.network_profile import PLACES, Place

BACKEND_DOWN_S: Final = 8.0
IFACE_DOWN_S: Final = 4.0
PLACES_BEFORE: Final = 5
"""How many places are before the player in the queue of `http_queue`."""
NOTICED_AFTER_S: Final = 0.3
"""From a change of the network to the system's message about it."""
CLOCK_JUMP_S: Final = 3600.0
OVER_WINDOW_S: Final = 2.0
"""How much longer than the window `sleep_past_window` is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`faults`: what is started together. `how`: what is done to the client, as a sentence without
    a capital and a full stop. `outage_s`: how long nothing reaches the client, None for without
    end; `is_outage`: whether it is an outage at all."""

    name: str
    faults: tuple[Fault, ...]
    how: str
    is_outage: bool = False
    outage_s: float | None = None


NOT_AT_CLIENT: Final = "the emulated host causes it; no client can"

_DEAD_PATH: Final = cut(scope=Scope.EXISTING)
"""What leads to a reconnect: the path of the connection is dead, a new one passes."""

_RECONNECT_FAULTS: Final = {
    "http_429_ra3": HttpFault(
        kind=HttpKind.ANSWER, calls=Calls.RECONNECT, times=1, status=429, retry_after_s=3.0
    ),
    "http_500": HttpFault(kind=HttpKind.ANSWER, calls=Calls.RECONNECT, times=2, status=500),
    "http_hang": HttpFault(kind=HttpKind.HANG, calls=Calls.RECONNECT, times=1),
    "http_reset_after_success": HttpFault(kind=HttpKind.RESET, calls=Calls.RECONNECT, times=1),
    "http_slow_drip": HttpFault(kind=HttpKind.SLOW, calls=Calls.RECONNECT, times=1, delay_s=4.0),
    "http_queue": HttpFault(kind=HttpKind.QUEUE, calls=Calls.RECONNECT, times=PLACES_BEFORE),
}
_BACKEND_FAULTS: Final = {
    "http_html_portal": HttpFault(kind=HttpKind.PORTAL, duration_s=BACKEND_DOWN_S),
    "http_big_json": HttpFault(kind=HttpKind.BIG_JSON, duration_s=BACKEND_DOWN_S),
    "tls_bad_cert": HttpFault(kind=HttpKind.BAD_CERTIFICATE, duration_s=BACKEND_DOWN_S),
    "dns_fail": HttpFault(kind=HttpKind.NO_NAME, duration_s=BACKEND_DOWN_S),
}
AT_RUNNER: Final = frozenset({"crash_relaunch", "two_instances"})
"""Faults of a whole client, caused by the code that runs the client (`qa.client_case`)."""
OF_PROCESS: Final = frozenset({"clock_jump", "sleep_5s", "sleep_past_window"})
"""Faults of a whole process, by its wall clock or its event loop: all its clients meet them."""


def plan_of(name: str, window_s: float, own: NetworkProfile | None = None) -> Plan | None:
    """What is put into the client for a fault profile; None for a fault of a host, and for what
    concerns a whole client (`AT_RUNNER`).

    `window_s`: from its beginning to the end of the reconnect window. `own`: the network profile of
    this name, where it is none that ships. Raises KeyError for a name that is none.
    """
    if own is not None:
        return _of_network(own, window_s)
    place = PLACES[name]
    if place is Place.HOST or name in AT_RUNNER:
        return None
    if place is Place.NETWORK:
        return _of_network(network_profiles()[name], window_s)
    for faults, calls in ((_RECONNECT_FAULTS, "next reconnects"), (_BACKEND_FAULTS, "calls")):
        if name in faults:
            how = f"the path goes silent, and the client's {calls} meet the fault"
            return Plan(name, (_DEAD_PATH, faults[name]), how, is_outage=True)
    return _of_client(name, window_s)


def _of_network(profile: NetworkProfile, window_s: float) -> Plan:
    faults: tuple[Fault, ...] = (PathFault(profile=profile, window_s=window_s),)
    if profile.rebind_after_s is not None:
        faults += (Rebind(after_s=profile.rebind_after_s),)
    gap = profile.cut
    is_outage = gap is not None and Direction.DOWN in gap.directions
    length_s = gap.length_s(window_s) if gap is not None and is_outage else None
    return Plan(
        profile.name, faults, "the client's datagrams follow the profile", is_outage, length_s
    )


def _of_client(name: str, window_s: float) -> Plan:
    noticed = NetworkEvent(found=True, after_s=NOTICED_AFTER_S)
    match name:
        case "http_blocked_udp_ok":
            refused = HttpFault(kind=HttpKind.REFUSED, duration_s=BACKEND_DOWN_S)
            return Plan(name, (refused,), "connections to the backend are refused")
        case "ip_change":
            how = "the old paths go silent, and the engine gets the event of a network change"
            return Plan(name, (_DEAD_PATH, noticed), how, is_outage=True)
        case "iface_down":
            found = NetworkEvent(found=True, after_s=NOTICED_AFTER_S + IFACE_DOWN_S)
            faults = (
                _DEAD_PATH,
                cut(IFACE_DOWN_S),
                HttpFault(kind=HttpKind.REFUSED, duration_s=IFACE_DOWN_S),
                NetworkEvent(found=False, after_s=NOTICED_AFTER_S),
                found,
            )
            how = "nothing passes for 4 s; the engine gets the events of a lost and a found network"
            return Plan(name, faults, how, is_outage=True)
        case "clock_jump":
            how = (
                "the path goes silent, and the wall clock of the client's process jumps by an hour"
            )
            return Plan(name, (_DEAD_PATH, ClockJump(by_s=CLOCK_JUMP_S)), how, is_outage=True)
        case "sleep_5s" | "sleep_past_window":
            asleep_s = 5.0 if name == "sleep_5s" else window_s + OVER_WINDOW_S
            how = f"the client stands still for {asleep_s:g} s, and its clocks show a sleep"
            return Plan(name, (Sleep(duration_s=asleep_s),), how)
        case _:
            raise KeyError(name)
