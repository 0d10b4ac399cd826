"""What can be read from a system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings.system import (
    Budget,
    Message,
    MessageKind,
    answers,
    can_arrive,
    can_connect,
    connected,
    flows,
    goodbye_under_way,
    live,
    picture_of,
    unheard,
)

PLAYING = live(Budget())
NOW = PLAYING.now


def test_the_first_state_is_a_game_that_is_played() -> None:
    assert connected(PLAYING) == 1
    assert flows(PLAYING, 1)
    assert unheard(PLAYING) is None


def test_media_needs_the_downlink_and_a_host_that_sends_it() -> None:
    assert not flows(replace(PLAYING, down=False), 1)
    assert flows(replace(PLAYING, up=False), 1)
    assert not flows(replace(PLAYING, silent=frozenset({1})), 1)
    assert not flows(PLAYING, 2)


def test_a_muted_client_is_heard_only_by_its_checks() -> None:
    [client] = PLAYING.clients
    muted = replace(client, muted=frozenset({1}))
    assert unheard(replace(PLAYING, clients=(muted,))) == 1
    checking = replace(muted, checking=frozenset({1}))
    assert unheard(replace(PLAYING, clients=(checking,))) is None
    assert unheard(replace(PLAYING, clients=(checking,), up=False)) == 1


@pytest.mark.parametrize(
    ("kind", "down", "up", "expected"),
    [
        (MessageKind.GOODBYE, True, True, True),
        (MessageKind.GOODBYE, True, False, False),
        (MessageKind.EVIDENCE, True, True, True),
        (MessageKind.EVIDENCE, False, True, False),
        (MessageKind.CREATE, False, False, True),
    ],
)
def test_what_goes_over_the_path_needs_the_path(
    kind: MessageKind, down: bool, up: bool, expected: bool
) -> None:
    system = replace(PLAYING, down=down, up=up)
    assert can_arrive(system, Message(kind, 0, NOW, (1,))) is expected
    assert not can_arrive(system, Message(kind, 0, NOW + 1, (1,)))


def test_a_long_poll_waits_for_another_status() -> None:
    same = Message(MessageKind.POLL, 0, NOW, (1, service_status.CONNECTED, 8.0))
    other = Message(MessageKind.POLL, 0, NOW, (1, service_status.ACTIVE, 8.0))
    at_once = Message(MessageKind.POLL, 0, NOW, (1, None, 0.0))
    assert not can_arrive(PLAYING, same)
    assert can_arrive(replace(PLAYING, now=NOW + 8.0), same)
    assert can_arrive(PLAYING, other)
    assert can_arrive(PLAYING, at_once)


def test_a_check_is_answered_where_both_directions_and_the_host_work() -> None:
    assert answers(PLAYING, 1)
    assert not answers(PLAYING, 2)
    assert not answers(replace(PLAYING, down=False), 1)
    assert not answers(replace(PLAYING, up=False), 1)
    assert answers(replace(PLAYING, silent=frozenset({1})), 1)


def test_a_picture_arrives_unless_something_is_said_about_it() -> None:
    assert picture_of(PLAYING, 1) is Picture.ARRIVES
    lost = replace(PLAYING, pictures=((1, Picture.LOST),))
    assert picture_of(lost, 1) is Picture.LOST
    assert picture_of(lost, 2) is Picture.ARRIVES


def test_whether_a_goodbye_is_under_way() -> None:
    assert not goodbye_under_way(PLAYING, 1)
    system = replace(PLAYING, messages=(Message(MessageKind.GOODBYE, 0, NOW, (1,)),))
    assert goodbye_under_way(system, 1)
    assert not goodbye_under_way(system, 2)


def test_only_the_newest_connection_of_a_waiting_service_can_connect() -> None:
    waiting: lifecycle.State = lifecycle.Active(
        NOW, NOW, 2, NOW + 10.0, service_status.CONNECTION_TIMEOUT
    )
    system = replace(PLAYING, service=waiting)
    assert can_connect(system, 2)
    assert not can_connect(system, 1)
    assert not can_connect(replace(system, up=False), 2)
    assert not can_connect(replace(system, now=NOW + 10.0), 2)
    assert not can_connect(PLAYING, 1)
