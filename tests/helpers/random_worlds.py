"""Simulated worlds with random faults at random times: what nobody thought of together."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from rejoin.core.model import Policy
from rejoin.service_model.lifecycle import Rules
from rejoin.verify.environment import Change, World

C = Change

_ENDS = {
    C.PATH_DOWN: C.PATH_UP,
    C.DOWNLINK_DOWN: C.PATH_UP,
    C.UPLINK_DOWN: C.PATH_UP,
    C.UPLINK_REFUSED: C.PATH_UP,
    C.MEDIA_STOPS: C.MEDIA_GOES,
    C.PICTURE_LOST: C.PICTURE_GOES,
    C.PICTURE_STOPS: C.PICTURE_GOES,
    C.HANDSHAKES_FAIL: C.HANDSHAKES_WORK,
    C.BACKEND_DOWN: C.BACKEND_UP,
    C.BACKEND_PORTAL: C.BACKEND_UP,
    C.BACKEND_UNTRUSTED: C.BACKEND_UP,
    C.ANSWERS_LOST: C.ANSWERS_KEPT,
    C.NETWORK_LOST: C.NETWORK_FOUND,
    C.SLEEPS: C.WAKES,
}
_ONCE = (
    C.FLOW_DIES,
    C.PICTURE_BLINKS,
    C.HOST_CLOSES,
    C.CREATE_THROTTLED,
    C.CREATE_FAILS,
    C.CREATE_HANGS,
    C.CREATE_RESET,
    C.CREATE_DRIPS,
    C.NETWORK_MOVES,
    C.CLIENT_CRASHES,
    C.PLAYER_TRIES,
)
_PATHS = (C.PATH_DOWN, C.DOWNLINK_DOWN, C.UPLINK_DOWN, C.UPLINK_REFUSED)
_LASTS_S = (0.4, 0.9, 1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 25.0)
_FLAPS_EVERY_S = 2.0
_QUEUED = 0.3
"""The share of worlds in which the backend puts a create call into its queue."""
_ENDED = 0.15
"""The share of worlds in which the player ends the game."""


@dataclass(frozen=True, slots=True)
class RandomWorld:
    """A world, the client's policy, and how long it is played."""

    world: World
    policy: Policy
    for_s: float


def random_world(seed: int) -> RandomWorld:
    """The same for the same seed. One crash at most: a program crashes once it runs."""
    chance = random.Random(seed)
    faults: set[tuple[float, Change]] = set()
    for _ in range(chance.randint(1, 5)):
        at_s, kind = chance.uniform(1.0, 25.0), chance.choice([*_ENDS, *_ONCE])
        if kind is C.CLIENT_CRASHES and any(other is kind for _, other in faults):
            continue
        faults.add((at_s, kind))
        if kind in _ENDS:
            lasts_s = chance.choice(_LASTS_S) * chance.uniform(0.8, 1.2)
            faults.add((at_s + lasts_s, _ENDS[kind]))
    if chance.random() < 0.2:
        down = chance.choice(_PATHS)
        for turn in range(10):
            at_s = 3.0 + 2 * turn * _FLAPS_EVERY_S
            faults |= {(at_s, down), (at_s + _FLAPS_EVERY_S, C.PATH_UP)}
    timeout_s = chance.choice([10.0, 30.0, 120.0])
    world = World(
        rtt_s=chance.choice([0.001, 0.04, 0.2, 0.5]),
        backend_s=chance.choice([0.005, 0.05, 0.3]),
        create_s=chance.choice([0.05, 0.15, 2.0, 5.0]),
        notice_silent_client_s=chance.choice([0.0, 3.0, 5.0, 8.0, 30.0]),
        rules=Rules(connection_timeout_s=timeout_s),
        reboots=chance.random() < 0.3,
        faults=tuple(sorted(faults, key=lambda fault: fault[0])),
    )
    reports_status, forwards_token = chance.choice(
        [(True, True), (True, True), (True, False), (False, False)]
    )
    policy = replace(
        Policy(),
        reports_status=reports_status,
        forwards_token=forwards_token,
        connection_timeout_default_s=None if reports_status else timeout_s,
    )
    if chance.random() < _QUEUED:  # drawn last, so that a seed means what it meant before
        queued = (chance.uniform(1.0, 25.0), C.CREATE_QUEUED)
        faults_too = sorted([*world.faults, queued], key=lambda fault: fault[0])
        world = replace(world, faults=tuple(faults_too))
    if chance.random() < _ENDED:
        ended = (chance.uniform(1.0, 25.0), C.PLAYER_ENDS)
        faults_too = sorted([*world.faults, ended], key=lambda fault: fault[0])
        world = replace(world, faults=tuple(faults_too))
    return RandomWorld(world, policy, 2 * timeout_s + 60.0)
