"""What one step collects: attempt numbers, tokens, deadlines."""

from __future__ import annotations

import random
import re

import pytest

from helpers.playbook import FIRST, ONE, SESSION, Playbook
from rejoin.core import commands, events
from rejoin.core.model import AttemptNumber, EndingKind, HardEvidence, HealthLevel
from rejoin.core.phases import Ended, Live, Offering, Requesting
from rejoin.core.ticket import RejoinState

TICKET = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def test_every_attempt_has_a_token_that_the_service_accepts_as_its_client_token() -> None:
    tokens = set()
    chance = random.Random(5)
    for number in range(1, 4):
        play = Playbook()
        play.draw = chance.random
        play.drop("PENDING_CLIENT_RECONNECTION")
        token = play.requests().token
        assert re.fullmatch(r"[\x21-\x7E]{32,128}", token), number
        tokens.add(token)
    assert len(tokens) == 3


def test_the_shown_deadline_is_the_timeout_after_the_last_media() -> None:
    play = Playbook(timeout_s=60.0).live()
    last_media_at = play.now
    play.silence(1.1)
    assert play.shown.shown_deadline_at == pytest.approx(last_media_at + 60.0)
    play.give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.shown.shown_deadline_at == pytest.approx(last_media_at + 60.0)


def test_connected_moves_the_shown_deadline_and_pending_does_not() -> None:
    play = Playbook(timeout_s=60.0).drop()
    play.wait(1.0)
    requested_at = play.now
    play.give(play.status("CONNECTED"))
    assert play.shown.shown_deadline_at == pytest.approx(requested_at + 60.0)
    play.wait(1.0).give(play.status("PENDING_CLIENT_RECONNECTION"))
    assert play.shown.shown_deadline_at == pytest.approx(requested_at + 60.0)


def test_a_rejoin_goes_on_from_the_highest_number_that_the_backend_reports() -> None:
    """A ticket that could not be written, or another device: the player wants the game here."""
    play = Playbook().rejoin(TICKET)
    play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=7))
    assert play.saved().attempt == 8
    assert play.requests().attempt == 8


@pytest.mark.parametrize("status", ["CONNECTED", "ACTIVE", "PENDING_CLIENT_RECONNECTION"])
def test_a_game_that_another_client_took_over_is_not_taken_back(status: str) -> None:
    play = Playbook().live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.give(play.status(status, attempt=2)).wait(1.0)
    assert play.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE
    play.expect_no(commands.Reconnect)
    play.expect_no(commands.MakeOffer)
    assert play.saved().attempt == 1, "the player may want it back here later"


def test_a_higher_number_ends_no_game_that_is_being_played() -> None:
    """Another client tried while we are connected; the service refused it, and we play on."""
    play = Playbook().live().silence(0.5)
    play.give(play.status("CONNECTED", attempt=2)).healthy(4.5)
    play.phase(Live)
    assert play.health(HealthLevel.HEALTHY)


def test_two_clients_never_take_the_game_from_each_other_in_a_loop() -> None:
    """The client whose number was exceeded stops, so the other one keeps the highest number."""
    numbers = [1]

    def drop(play: Playbook) -> None:
        play.give(play.status("PENDING_CLIENT_RECONNECTION", attempt=max(numbers)))
        if play.is_in(Offering):
            numbers.append(play.requests().attempt)

    first, second = (
        Playbook().live(),
        Playbook().rejoin(RejoinState(SESSION, FIRST, 120.0)),
    )
    drop(second)
    second.answers(second.last(commands.Reconnect)).connects(ONE)
    first.silence(1.1)
    for _ in range(5):
        drop(first)
        second.silence(1.1)
        drop(second)
        if second.is_in(Requesting):
            second.answers(second.last(commands.Reconnect))
            second.connects(second.last(commands.MakeOffer).connection)
    assert first.phase(Ended).ending.kind is EndingKind.CONTINUED_ELSEWHERE
    assert numbers == sorted(set(numbers)), "each number was used once"
    first.expect_no(commands.Reconnect)
