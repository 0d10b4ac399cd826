"""Every fault profile as changes of a simulated world, and random worlds with such changes.

There are no packets here, so loss and jitter have no effect; the detector is scored on them with
`traffic`. In an emulated game the relay, the host and the API make a profile happen
(`netem.network_profile.PLACES`); here it is replaced by what a client can observe of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rejoin.core.model import Policy
from rejoin.netem.link import Chance, Direction, Draw, NetworkProfile, blackout_times
from rejoin.netem.network_profile import NETWORK_PROFILES, PLACES
from rejoin.service_model.lifecycle import Rules
from rejoin.verify import scenario
from rejoin.verify.environment import Change, Schedule, World

C = Change

_BACKEND_DOWN_S = 8.0
_SHORT_SLEEP_S = 5.0
HOST_ANSWERS_S = 0.015
"""How long the emulated host takes to answer; measured with `dev.py bench drop`."""

_OF_PACKETS_ALONE = ("stragglers", "duplicates")
"""Which packets come late or again: here they would be `clean`."""
_DEAD_PATHS = ("clock_jump",)
"""The engine does not know the wall clock: here they are dead paths, as there are others."""

_FIXED: Mapping[str, Schedule] = {
    "udp_blocked_http_ok": ((0.0, C.PATH_DOWN),),
    # The host hears nothing from the address that it knows, until the next check (one a second).
    "nat_rebind": ((1.0, C.UPLINK_DOWN), (2.0, C.PATH_UP)),
    "server_kill": ((0.0, C.GAME_EXITS), (0.0, C.FLOW_DIES)),
    "server_freeze": ((0.0, C.FLOW_DIES),),
    "server_no_media": ((0.0, C.MEDIA_STOPS), (12.0, C.MEDIA_GOES)),
    "dtls_close": ((0.0, C.HOST_CLOSES),),
    "http_429_ra3": ((0.0, C.CREATE_THROTTLED), (0.0, C.FLOW_DIES)),
    "http_500": ((0.0, C.CREATE_FAILS), (0.0, C.CREATE_FAILS), (0.0, C.FLOW_DIES)),
    "http_hang": ((0.0, C.CREATE_HANGS), (0.0, C.FLOW_DIES)),
    "http_reset_after_success": ((0.0, C.CREATE_RESET), (0.0, C.FLOW_DIES)),
    "http_slow_drip": ((0.0, C.CREATE_DRIPS), (0.0, C.FLOW_DIES)),
    "http_queue": ((0.0, C.CREATE_QUEUED), (0.0, C.FLOW_DIES)),
    "http_html_portal": (
        (0.0, C.BACKEND_PORTAL),
        (0.0, C.FLOW_DIES),
        (_BACKEND_DOWN_S, C.BACKEND_UP),
    ),
    "http_big_json": (
        (0.0, C.BACKEND_PORTAL),
        (0.0, C.FLOW_DIES),
        (_BACKEND_DOWN_S, C.BACKEND_UP),
    ),
    "tls_bad_cert": (
        (0.0, C.BACKEND_UNTRUSTED),
        (0.0, C.FLOW_DIES),
        (_BACKEND_DOWN_S, C.BACKEND_UP),
    ),
    "http_blocked_udp_ok": ((0.0, C.BACKEND_DOWN), (_BACKEND_DOWN_S, C.BACKEND_UP)),
    "dns_fail": ((0.0, C.BACKEND_DOWN), (0.0, C.FLOW_DIES), (_BACKEND_DOWN_S, C.BACKEND_UP)),
    "ip_change": ((0.0, C.NETWORK_MOVES),),
    "iface_down": (
        (0.0, C.PATH_DOWN),
        (0.0, C.FLOW_DIES),
        (0.0, C.BACKEND_DOWN),
        (0.3, C.NETWORK_LOST),
        (4.0, C.PATH_UP),
        (4.0, C.BACKEND_UP),
        (4.3, C.NETWORK_FOUND),
    ),
    "crash_relaunch": ((0.0, C.CLIENT_CRASHES),),
    # The second instance hands over to the first one and exits, which does not affect the world.
    "two_instances": (),
    "clock_jump": ((0.0, C.FLOW_DIES),),
    "sleep_5s": ((0.0, C.SLEEPS), (_SHORT_SLEEP_S, C.WAKES)),
}


@dataclass(frozen=True, slots=True)
class SimulationCase:
    """One world to be simulated, for how long, and the client's policy."""

    about: str
    world: World
    policy: Policy
    for_s: float


def changes(
    name: str,
    profile: NetworkProfile | None,
    *,
    at_s: float,
    until_s: float,
    window_s: float,
    chance: Chance,
) -> Schedule:
    """The changes that the fault profile `name` causes from `at_s` until `until_s`.

    `profile`: the content of a network profile. `window_s`: from a drop to the end of the window,
    for profiles that depend on it. Raises KeyError for a name that has no changes.
    """
    if name == "sleep_past_window":
        found: Schedule = ((0.0, C.SLEEPS), (window_s + 2.0, C.WAKES))
    elif name in _FIXED:
        found = _FIXED[name]
    elif profile is not None:
        found = _of_network(profile, until_s - at_s, window_s, chance)
    else:
        raise KeyError(name)
    return tuple((at_s + after_s, change) for after_s, change in found)


def _of_network(profile: NetworkProfile, for_s: float, window_s: float, chance: Chance) -> Schedule:
    found: list[tuple[float, Change]] = []
    for index, rule in enumerate(profile.blackouts):
        for begins_s, ends_s in blackout_times(rule, 0.0, chance(f"blackout {index}")):
            if begins_s >= for_s:
                break
            found += [(begins_s, C.PATH_DOWN), (ends_s, C.PATH_UP)]
    if profile.cut is not None:
        begin = C.PATH_DOWN
        if len(profile.cut.directions) == 1:
            down = Direction.DOWN in profile.cut.directions
            begin = C.DOWNLINK_DOWN if down else C.UPLINK_DOWN
        found.append((profile.cut.after_s, begin))
        length_s = profile.cut.length_s(window_s)
        if length_s is not None:
            found.append((profile.cut.after_s + length_s, C.PATH_UP))
    return tuple(sorted(found, key=lambda change: change[0]))


def simulated_profiles() -> tuple[str, ...]:
    """The fault profiles that can happen in a simulated world.

    Their number and order decide what a seed stands for, so nothing is added that changes nothing.
    """
    return tuple(
        name
        for name in PLACES
        if (name in NETWORK_PROFILES and name not in _OF_PACKETS_ALONE)
        or (name in _FIXED and name not in _DEAD_PATHS)
        or name == "sleep_past_window"
    )


def rtt_s(profile: NetworkProfile | None) -> float:
    """The round trip of a network profile without jitter and queueing."""
    if profile is None:
        return 0.0
    stage = profile.stages[0]
    return stage.up.delay_s + stage.down.delay_s


def world_of(
    case: scenario.ScenarioCase, profiles: Mapping[str, NetworkProfile], chance: Chance
) -> World:
    """The simulated world of a case of a scenario.

    Raises KeyError for a profile that has no changes.
    """
    service = case.service
    found: list[tuple[float, Change]] = []
    longest_s = 0.0
    for index, drop in enumerate(case.drops):
        profile = drop.own or profiles.get(drop.profile)
        longest_s = max(longest_s, rtt_s(profile))
        found += changes(
            drop.profile,
            profile,
            at_s=drop.at_s,
            until_s=case.duration_s,
            window_s=service.notice_silent_client_s + service.connection_timeout_s,
            chance=lambda name, index=index: chance(f"{index} {name}"),  # type: ignore[misc]
        )
    return World(
        rtt_s=longest_s,
        create_s=service.create_latency_s + HOST_ANSWERS_S,
        notice_silent_client_s=service.notice_silent_client_s,
        notice_graceful_close_s=service.notice_graceful_close_s,
        rules=Rules(
            connection_timeout_s=service.connection_timeout_s, wrong_status=service.wrong_status
        ),
        faults=tuple(sorted(found, key=lambda change: change[0])),
    )


# --- random worlds --------------------------------------------------------------------------------

_DROPS = ("cut_forever", "cut_3s", "cut_10s", "server_freeze", "dtls_close", "ip_change")
"""Second faults: with them, a bad network or backend coincides with a drop."""

_TIMEOUTS_S = (10.0, 30.0, 120.0)
_DIALECTS = ((True, True), (True, True), (True, False), (False, False))
"""(reports_status, forwards_token), each equally likely; our own dialect is there twice."""


def draw_case(
    draw: Draw,
    chance: Chance,
    profiles: Mapping[str, NetworkProfile],
    first: str,
    known: scenario.KnownService = scenario.NOTHING_KNOWN,
) -> SimulationCase:
    """A random world in which the fault `first` happens and, in half of them, a second one.

    `known`: of its service; nothing else of the world changes with it.
    """

    def choose(values: tuple[float, ...]) -> float:
        return values[int(draw() * len(values))]

    timeout_s = choose(_TIMEOUTS_S)
    if known.connection_timeout_s is not None:
        timeout_s = known.connection_timeout_s
    notice_s = choose((0.0, 3.0, 5.0, 8.0))
    if known.notice_silent_client_s is not None:
        notice_s = known.notice_silent_client_s
    reports_status, forwards_token = _DIALECTS[int(draw() * len(_DIALECTS))]
    for_s = 2 * timeout_s + 90.0
    window_s = notice_s + timeout_s
    at_s = 1.0 + 2.0 * draw()
    found = changes(
        first, profiles.get(first), at_s=at_s, until_s=40.0, window_s=window_s, chance=chance
    )
    about = first
    if draw() < 0.5:
        second = _DROPS[int(draw() * len(_DROPS))]
        if second == "cut_forever":
            second = "a dead path"
            more: Schedule = ((0.0, C.FLOW_DIES),)
        else:
            more = changes(
                second,
                profiles.get(second),
                at_s=0.0,
                until_s=0.0,
                window_s=window_s,
                chance=chance,
            )
        then_s = at_s + 10.0 * draw()
        found += tuple((then_s + after_s, change) for after_s, change in more)
        about = f"{first}, then {second}"
    world = World(
        rtt_s=max(rtt_s(profiles.get(first)), choose((0.001, 0.040, 0.200))),
        backend_s=choose((0.005, 0.050)),
        create_s=choose((0.05, 0.15, 2.0, 5.0)),
        notice_silent_client_s=notice_s,
        rules=Rules(connection_timeout_s=timeout_s),
        faults=tuple(sorted(found, key=lambda change: change[0])),
    )
    if known.create_latency_s is not None:
        world = replace(world, create_s=known.create_latency_s + HOST_ANSWERS_S)
    if known.notice_graceful_close_s is not None:
        world = replace(world, notice_graceful_close_s=known.notice_graceful_close_s)
    if known.wrong_status is not None:
        world = replace(world, rules=replace(world.rules, wrong_status=known.wrong_status))
    policy = replace(
        Policy(),
        reports_status=reports_status,
        forwards_token=forwards_token,
        connection_timeout_default_s=None if reports_status else timeout_s,
    )
    return SimulationCase(about, world, policy, for_s)
