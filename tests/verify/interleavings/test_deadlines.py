"""When something happens by itself."""

from __future__ import annotations

from dataclasses import replace

from rejoin.service_model import status as service_status
from rejoin.verify.interleavings.deadlines import next_deadline_at
from rejoin.verify.interleavings.system import Budget, Message, MessageKind, live

PLAYING = live(Budget())
NOW = PLAYING.now


def test_a_game_that_is_played_has_none() -> None:
    assert next_deadline_at(PLAYING) is None, "a live client's timer is moved by every sample"


def test_a_long_poll_is_answered_when_its_wait_ends() -> None:
    same = Message(MessageKind.POLL, 0, NOW, (1, service_status.CONNECTED, 8.0))
    assert next_deadline_at(replace(PLAYING, messages=(same,))) == NOW + 8.0


def test_the_next_deadline_is_the_earliest_of_all() -> None:
    later = Message(MessageKind.CREATE, 0, NOW + 3.0, (2, 1, 2))
    assert next_deadline_at(replace(PLAYING, messages=(later,))) == NOW + 3.0
    assert next_deadline_at(replace(PLAYING, messages=(later,), unheard_at=NOW - 6.0)) == NOW + 2.0
    goodbye = Message(MessageKind.GOODBYE, 0, NOW + 1.0, (1,))
    assert next_deadline_at(replace(PLAYING, messages=(goodbye,))) is None


def test_what_the_detector_notices_is_a_deadline() -> None:
    deaf = replace(PLAYING, up=False)
    at = next_deadline_at(deaf)
    assert at is not None
    assert 3.0 < at - NOW < 3.01, "three checks unanswered"
