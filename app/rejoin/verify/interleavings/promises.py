"""Promises of a client to its player, checked in the model:

LEAVE, UPLINK, PICTURE, TURN. Each is about something that must have happened by a certain time, so
time stops at these (`times`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from rejoin.core import goodbye
from rejoin.verify import invariants
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import engine
from rejoin.verify.interleavings.system import (
    Client,
    Leaving,
    System,
    answers,
    connected,
    flows,
    goodbye_under_way,
    picture_of,
)
from rejoin.verify.invariants import Invariant, Violation

RTT_S: Final = 0.04
_LATER_S: Final = 2e-3
"""Time stops this much after a moment at which something must have happened."""
_LEAVE_S: Final = 1.0
_UPLINK_S: Final = 7.0
"""Before the service notices by itself (`NOTICED_S`)."""
_REFUSED_S: Final = 2.0
_PICTURE_S: Final = 1.0
"""How much later than it must a lost picture may be reconnected."""
_SETTLED_S: Final = 1.0
"""When a goodbye was sent longer ago than this, it makes no difference when."""


def times(system: System) -> list[float]:
    """When the detector notices something of a client that plays, or a check fails."""
    found = [at for each in system.clients for at in _times_of(system, each)]
    return [at + _LATER_S for at in found if at + _LATER_S > system.now]


def _times_of(system: System, client: Client) -> Iterator[float]:
    policy, playing = engine.POLICY, engine.playing_on(client.state)
    leaving = client.leaving
    if leaving is not None and leaving.lost_at is not None:
        yield leaving.lost_at + _LEAVE_S
        yield max(leaving.lost_at, leaving.said.said_at + policy.goodbye_heard_within_s)
        yield max(leaving.lost_at, leaving.said.sent_at + policy.goodbye_again_every_s)
    if client.ask_by_at is not None:
        yield client.ask_by_at
    if playing is None or not flows(system, playing):
        return
    if not answers(system, playing):
        deaf_at = _deaf_at(client)
        yield deaf_at + _most_deaf_s(system)
        if system.refused:
            yield deaf_at + policy.degraded_after_s
            yield deaf_at + policy.lost_min_s
        else:
            yield deaf_at + policy.uplink_doubt_after_s
            yield deaf_at + policy.uplink_lost_after_s
    if picture_of(system, playing) is not Picture.ARRIVES:
        yield client.frame_at + policy.frozen_after_s
        froze_at = engine.health_of(client.state).froze_at
        if froze_at is not None:  # the detector judges more often than time jumps
            yield froze_at[1] + policy.frozen_again_within_s / 2
        if client.still_at is not None:
            yield client.still_at + policy.frozen_reconnect_after_s
            yield client.still_at + _most_still_s(client)


def _deaf_at(client: Client) -> float:
    """Since when nothing that is sent arrives, as far as this connection's life goes."""
    return max(client.answered_at, engine.live_since_at(client.state))


def _most_deaf_s(system: System) -> float:
    return _REFUSED_S if system.refused else _UPLINK_S


def _most_still_s(client: Client) -> float:
    """A picture of which a frame was shown a moment ago is frozen again only later."""
    policy, still_at = engine.POLICY, client.still_at
    assert still_at is not None
    again_s = client.frame_at - still_at + policy.frozen_after_s
    return max(policy.frozen_reconnect_after_s, again_s) + _PICTURE_S


def broken(system: System) -> Iterator[Violation]:
    """The promises that are broken now."""
    for client in system.clients:
        yield from filter(None, _broken_to(system, client))


def _broken_to(system: System, client: Client) -> Iterator[Violation | None]:
    playing, leaving, now = engine.playing_on(client.state), client.leaving, system.now
    if leaving is not None and leaving.lost_at is not None:
        lost_s = now - leaving.lost_at
        yield invariants.lasted(Invariant.LEAVE, "a goodbye is not heard", lost_s, _LEAVE_S)
    if client.ask_by_at is not None:
        last_start_at = engine.last_start_at(client.state)
        yield invariants.place_lapsed(now, client.ask_by_at, last_start_at)
    if playing is None or not flows(system, playing):
        return
    if not answers(system, playing):
        deaf_s = now - _deaf_at(client)
        what = "nothing that is sent arrives"
        yield invariants.lasted(Invariant.UPLINK, what, deaf_s, _most_deaf_s(system))
    lost = picture_of(system, playing) is Picture.LOST
    if lost and client.still_at is not None and engine.may_reconnect_frozen(client.state):
        still_s = now - client.still_at
        what = "the picture is lost"
        yield invariants.lasted(Invariant.PICTURE, what, still_s, _most_still_s(client))


def noted(system: System, client: Client) -> Client:
    """The client after a move, with what the promises need to know noted."""
    return replace(
        client,
        still_at=_still_at(system, client),
        leaving=_leaving(system, client.leaving),
        ask_by_at=client.ask_by_at if engine.may_ask(client.state) else None,
    )


def _still_at(system: System, client: Client) -> float | None:
    """Single frames of a lost picture do not end that it stands still."""
    playing = engine.playing_on(client.state)
    if playing is None or picture_of(system, playing) is Picture.ARRIVES:
        return None
    stands = system.now - client.frame_at >= engine.POLICY.frozen_after_s
    return client.frame_at if stands and client.still_at is None else client.still_at


def _leaving(system: System, leaving: Leaving | None) -> Leaving | None:
    if leaving is None or connected(system) != leaving.connection:
        return None
    lost_at = None
    arrives = system.up and flows(system, leaving.connection)
    if arrives and not goodbye_under_way(system, leaving.connection):
        lost_at = system.now if leaving.lost_at is None else leaving.lost_at
    settled_at = system.now - _SETTLED_S
    said = replace(
        leaving.said,
        said_at=max(leaving.said.said_at, settled_at),
        sent_at=max(leaving.said.sent_at, settled_at),
        again=min(leaving.said.again, 1),
    )
    return replace(leaving, said=said, lost_at=lost_at)


def said_again(system: System, client: Client) -> Leaving | None:
    """Media arrives after a goodbye: what is known of it once it has been sent again, or None."""
    leaving = client.leaving
    if leaving is None or leaving.lost_at is None:
        return None
    again = goodbye.after_rtp(leaving.said, system.now, engine.POLICY)
    return None if again is None else replace(leaving, said=again)
