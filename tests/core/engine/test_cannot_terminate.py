"""A backend that cannot end a game is never called to do so, in any phase (Rule 15)."""

from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from helpers.playbook import ONE, SESSION, TWO, Playbook, offer
from rejoin.core import commands, events
from rejoin.core.model import AttemptNumber, EndingKind, HardEvidence, Policy
from rejoin.core.phases import (
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Goodbye,
    Idle,
    Live,
    Lost,
    Offering,
    Phase,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    TerminatingSession,
)
from rejoin.core.retry import FailureKind

CANNOT = Policy(can_terminate=False)


def placing(policy: Policy = CANNOT) -> Playbook:
    play = Playbook(policy).give(events.StartRequested(), offer(ONE))
    return play.give(events.SessionStarted(AttemptNumber(1), play.now, play.view("ACTIVATING")))


def connecting(policy: Policy = CANNOT) -> Playbook:
    play = placing(policy)
    return play.give(play.status("ACTIVE", sha256="sha-1", answer="answer 1"))


def live() -> Playbook:
    return Playbook(CANNOT).live()


def offering() -> Playbook:
    return Playbook(CANNOT).drop("PENDING_CLIENT_RECONNECTION")


def requesting() -> Playbook:
    play = offering()
    play.requests()
    return play


def backoff() -> Playbook:
    play = offering()
    return play.refuses(play.requests(), FailureKind.NOT_SENT)


def awaiting_service() -> Playbook:
    play = offering()
    return play.refuses(play.requests(), FailureKind.CONFLICT, status="CONNECTED")


def reconnecting() -> Playbook:
    play = offering()
    return play.answers(play.requests())


def saying_goodbye() -> Playbook:
    play = live().silence(1.1).give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    return play.give(events.TryNowRequested())


def confirming_end() -> Playbook:
    play = offering()
    for _ in range(6000):
        if play.is_in(ConfirmingEnd):
            break
        if play.is_in(Offering):
            play.refuses(play.requests(), FailureKind.NOT_SENT)
        play.wait(0.05)
    return play


WITH_A_GAME: list[tuple[Callable[[], Playbook], type[Phase]]] = [
    (placing, Placing),
    (connecting, Connecting),
    (live, Live),
    (lambda: live().silence(1.1), Lost),
    (saying_goodbye, Goodbye),
    (offering, Offering),
    (requesting, Requesting),
    (backoff, Backoff),
    (awaiting_service, AwaitingService),
    (reconnecting, Connecting),
    (confirming_end, ConfirmingEnd),
]
BEFORE_A_GAME = {Idle, StartOffering, StartRequesting, StartBackoff}


def test_every_phase_with_a_game_is_tried() -> None:
    phases = set(typing.get_args(Phase)) - BEFORE_A_GAME - {TerminatingSession, Ended}
    assert {phase for _, phase in WITH_A_GAME} == phases


@pytest.mark.parametrize(
    "leave", [events.EndGameRequested(), events.CloseForNowRequested()], ids=["end", "close"]
)
@pytest.mark.parametrize(
    ("reached", "phase"), WITH_A_GAME, ids=[reached[1].__name__ for reached in WITH_A_GAME]
)
def test_leaving_keeps_the_ticket_and_does_not_claim_that_the_game_has_ended(
    reached: Callable[[], Playbook], phase: type[Phase], leave: events.Event
) -> None:
    play = reached()
    play.phase(phase)
    play.give(leave)
    assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
    play.expect_no(commands.TerminateSession)
    assert play.saved().session_id == SESSION
    assert play.all_of(commands.Finish)
    if phase not in (Backoff, ConfirmingEnd, AwaitingService):
        assert play.all_of(commands.CloseConnection)


def test_a_second_unusable_answer_at_the_start_ends_it() -> None:
    play = connecting().give(events.AnswerRefused(ONE, "no fingerprint")).wait(0.3)
    play.answers(play.requests()).give(events.AnswerRefused(TWO, "no fingerprint"))
    assert play.phase(Ended).ending.kind is EndingKind.BAD_ANSWER
    play.expect_no(commands.TerminateSession)
    assert play.last(commands.CloseConnection).connection == TWO
    play.last(commands.DeleteTicket)


@pytest.mark.parametrize(
    "leave", [events.EndGameRequested(), events.CloseForNowRequested()], ids=["end", "close"]
)
def test_before_there_is_a_game_the_start_is_cancelled(
    leave: events.Event,
) -> None:
    play = Playbook(CANNOT).give(events.StartRequested(), offer(ONE), leave)
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED
    play.expect_no(commands.TerminateSession)


@pytest.mark.parametrize("reached", [placing, connecting], ids=["Placing", "Connecting"])
def test_a_backend_that_can_end_a_game_ends_it_when_the_start_is_cancelled(
    reached: Callable[[Policy], Playbook],
) -> None:
    play = reached(Policy()).give(events.CloseForNowRequested())
    play.last(commands.TerminateSession)
    play.give(events.SessionTerminated())
    assert play.phase(Ended).ending.kind is EndingKind.CANCELLED


@pytest.mark.parametrize("can", [True, False])
def test_every_snapshot_says_whether_the_game_can_be_ended(can: bool) -> None:
    play = Playbook(Policy(can_terminate=can))
    assert play.shown.can_terminate is can
    play.live()
    assert play.shown.can_terminate is can
    play.silence(1.1)
    assert play.shown.can_terminate is can
    play.give(events.CloseForNowRequested())
    assert play.shown.can_terminate is can
