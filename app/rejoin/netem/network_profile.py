"""Network profiles: read from TOML files, and the names of all fault profiles.

The file of a network profile has these keys, all but `description` optional:

    description = "One sentence."
    nat_rebind_after_s = 1.0    # the host sees the client at a new port from then on
    [both]                      # both lanes; [up] and [down] change one of them
    delay_ms = 10               # each way
    jitter_ms = 5
    reorder = false
    loss_percent = 0
    burst_enter_percent = 1
    burst_leave_percent = 30
    bandwidth_kbps = 2000
    queue_ms = 2000
    late_percent = 5            # so many arrive this much later than the others
    late_ms = 3000
    copies = 4                  # how many more times each packet arrives
    [[stages]]                  # stages.both, stages.up, stages.down change the lanes from then on
    after_s = 10
    [[blackouts]]
    every_s = 30
    duration_ms = 250
    spacing = "periodic"        # or "exponential"
    length = "fixed"            # or "uniform" (with spread_ms) or "exponential"
    [delay_steps]
    every_s = 15
    rtt_ms = 20
    levels = 2
    [cut]
    after_s = 0
    duration_s = 3              # or ends_after_window_s = -1; neither: without end
    direction = "both"          # or "up" or "down"
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rejoin.netem.link import (
    BOTH,
    Blackout,
    Cut,
    DelaySteps,
    Direction,
    Length,
    NetworkProfile,
    ProfileStage,
    Spacing,
)
from rejoin.netem.toml_tables import Table, parse


class Place(enum.Enum):
    """The part of the system that causes a fault profile."""

    NETWORK = "network"
    """The relay in front of the emulated host, with a file of `resources/profiles`."""
    HOST = "host"
    """The emulated host itself (`emulator.service.faults.FaultKind`)."""
    API = "api"
    """The emulated service's REST API (`emulator.service.faults.ApiFaultKind`)."""
    BACKEND = "backend"
    """The studio's backend, or something in front of it."""
    INJECTED = "injected"
    """The real fault would require root privileges, so its effect is injected into the client; the
    result says so."""


PLACES: Final[Mapping[str, Place]] = {
    **dict.fromkeys(
        (
            "clean",
            "home_wifi",
            "signal_moderate",
            "signal_international",
            "signal_spiky",
            "bursty_10_short",
            "bursty_10_medium",
            "bursty_10_long",
            "bursty_10_vlong",
            "lte_burst",
            "wifi_roam",
            "wifi_roam_bad",
            "leo",
            "bufferbloat",
            "geo_sat",
            "cut_0.4s",
            "cut_0.9s",
            "cut_1.5s",
            "cut_3s",
            "cut_10s",
            "cut_30s",
            "cut_until_window-1",
            "cut_until_window",
            "cut_until_window+1",
            "cut_forever",
            "oneway_down",
            "oneway_up",
            "udp_blocked_http_ok",
            "nat_rebind",
            "stragglers",
            "duplicates",
        ),
        Place.NETWORK,
    ),
    **dict.fromkeys(
        ("server_kill", "server_freeze", "server_no_media", "dtls_close"),
        Place.HOST,
    ),
    **dict.fromkeys(
        ("http_429_ra3", "http_500", "http_hang", "http_reset_after_success", "http_slow_drip"),
        Place.API,
    ),
    **dict.fromkeys(
        (
            "http_html_portal",
            "http_big_json",
            "tls_bad_cert",
            "http_blocked_udp_ok",
            "http_queue",
        ),
        Place.BACKEND,
    ),
    **dict.fromkeys(
        (
            "ip_change",
            "iface_down",
            "dns_fail",
            "sleep_5s",
            "sleep_past_window",
            "crash_relaunch",
            "two_instances",
            "clock_jump",
        ),
        Place.INJECTED,
    ),
}
"""Every fault profile, and the part of the system that causes it."""

NETWORK_PROFILES: Final = tuple(name for name, place in PLACES.items() if place is Place.NETWORK)

_DAY_S: Final = 86400.0
_PERCENT: Final = 0.01
_MS: Final = 0.001

_LANE: Final[Mapping[str, tuple[str, float, float, float]]] = {
    # key: (field of Lane, unit of the key, least, most)
    "delay_ms": ("delay_s", _MS, 0, 60_000),
    "jitter_ms": ("jitter_s", _MS, 0, 60_000),
    "loss_percent": ("loss", _PERCENT, 0, 100),
    "burst_enter_percent": ("burst_enter", _PERCENT, 0, 100),
    "burst_leave_percent": ("burst_leave", _PERCENT, 0, 100),
    "bandwidth_kbps": ("bandwidth_bps", 1000, 1, 100_000_000),
    "queue_ms": ("queue_s", _MS, 0, 60_000),
    "late_percent": ("late", _PERCENT, 0, 100),
    "late_ms": ("late_s", _MS, 0, 60_000),
}


_RENAMED: Final = {
    "about": "description",
    "later": "stages",
    "lasts_ms": "duration_ms",
    "lasts_s": "duration_s",
    "until_window_s": "ends_after_window_s",
}


def parse_profile(name: str, text: str) -> NetworkProfile:
    """Parse the file of the profile `name`. Raises BadInputError, which names the key."""
    return read_profile(name, parse(f"The profile {name}.toml", text, _RENAMED))


def read_profile(name: str, top: Table) -> NetworkProfile:
    """The profile in a table, with the keys of a file. Raises BadInputError that names the key."""
    description = top.text("description")
    stages = [_stage(top, ProfileStage())]
    for table in top.tables("stages"):
        after_s = table.number("after_s", 0, _DAY_S)
        if after_s <= stages[-1].after_s:
            raise table.wrong("after_s", "must be later than that of the previous stage")
        stages.append(replace(_stage(table, stages[-1]), after_s=after_s))
        table.end()
    steps, cut = top.table("delay_steps"), top.table("cut")
    profile = NetworkProfile(
        name,
        description,
        tuple(stages),
        tuple(_blackout(table) for table in top.tables("blackouts")),
        None if steps is None else _delay_steps(steps),
        None if cut is None else _cut(cut),
        top.number_or_none("nat_rebind_after_s", 0, _DAY_S),
    )
    top.end()
    return profile


def _stage(table: Table, before: ProfileStage) -> ProfileStage:
    up, down = before.up, before.down
    for key, directions in (
        ("both", BOTH),
        ("up", {Direction.UP}),
        ("down", {Direction.DOWN}),
    ):
        lane = table.table(key)
        if lane is None:
            continue
        changes = _lane_changes(lane)
        if Direction.UP in directions:
            up = replace(up, **changes)
        if Direction.DOWN in directions:
            down = replace(down, **changes)
    return ProfileStage(before.after_s, up, down)


def _lane_changes(table: Table) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key, (field, unit, least, most) in _LANE.items():
        number = table.number_or_none(key, least, most)
        if number is not None:
            changes[field] = number * unit
    reorder = table.take("reorder")
    if reorder is not None:
        if not isinstance(reorder, bool):
            raise table.wrong("reorder", "must be true or false")
        changes["reorder"] = reorder
    copies = table.number_or_none("copies", 0, 100)
    if copies is not None:
        changes["copies"] = _whole(table, "copies", copies)
    table.end()
    return changes


def _blackout(table: Table) -> Blackout:
    blackout = Blackout(
        table.number("every_s", 0.1, _DAY_S),
        table.number("duration_ms", 0, 1000 * _DAY_S) * _MS,
        Spacing(table.word("spacing", [each.value for each in Spacing], Spacing.PERIODIC.value)),
        Length(table.word("length", [each.value for each in Length], Length.FIXED.value)),
        (table.number_or_none("spread_ms", 0, 1000 * _DAY_S) or 0.0) * _MS,
    )
    if blackout.spread_s > (blackout.duration_s if blackout.length is Length.UNIFORM else 0.0):
        raise table.wrong("spread_ms", 'needs length = "uniform", and is at most duration_ms')
    table.end()
    return blackout


def _whole(table: Table, key: str, number: float) -> int:
    if not number.is_integer():
        raise table.wrong(key, "must be a whole number")
    return int(number)


def _delay_steps(table: Table) -> DelaySteps:
    levels = _whole(table, "levels", table.number("levels", 1, 1000))
    steps = DelaySteps(
        table.number("every_s", 0.1, _DAY_S),
        table.number("rtt_ms", 0, 60_000) * _MS,
        levels,
    )
    table.end()
    return steps


def _cut(table: Table) -> Cut:
    after_s = table.number_or_none("after_s", 0, _DAY_S) or 0.0
    duration_s = table.number_or_none("duration_s", 0, _DAY_S)
    ends_after_window_s = table.number_or_none("ends_after_window_s", -_DAY_S, _DAY_S)
    if duration_s is not None and ends_after_window_s is not None:
        raise table.wrong("duration_s", "and ends_after_window_s exclude each other")
    direction = table.word("direction", ["both", *(each.value for each in Direction)], "both")
    table.end()
    directions = BOTH if direction == "both" else frozenset({Direction(direction)})
    return Cut(after_s, duration_s, ends_after_window_s, directions)
