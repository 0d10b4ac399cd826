"""What the window may show in each phase."""

from __future__ import annotations

import typing
from dataclasses import replace

from helpers.playbook import ONE, Playbook, offer
from rejoin.core import events, snapshot
from rejoin.core.model import Doing, EndingKind, HealthLevel, NoInput, Stage
from rejoin.core.phases import Phase
from rejoin.core.retry import FailureKind


def test_every_phase_has_a_stage() -> None:
    assert set(snapshot._STAGES) == set(typing.get_args(Phase))


def test_before_and_while_starting() -> None:
    play = Playbook()
    assert play.shown.stage is Stage.IDLE
    starting = play.give(events.StartRequested()).shown
    assert (starting.stage, starting.doing) == (Stage.STARTING, Doing.PREPARING)
    play.give(offer(ONE))
    assert play.shown.doing is Doing.ASKING_BACKEND
    assert play.shown.shown_deadline_at is None


def test_live_shows_health_and_input() -> None:
    play = Playbook().live()
    assert (play.shown.stage, play.shown.health) == (Stage.LIVE, HealthLevel.HEALTHY)
    before = play.shown
    assert before.input_open
    assert not before.view_only
    unknown = play.give(events.InputModuleKnown(ONE, NoInput.FAILED)).shown
    assert not unknown.input_open
    assert unknown.view_only is NoInput.FAILED


def test_a_drop_shows_when_it_began_and_its_deadline() -> None:
    play = Playbook(timeout_s=60.0).live()
    dropped_at = play.now
    play.silence(1.1)
    shown = play.shown
    assert shown.stage is Stage.LOST
    assert shown.dropped_at == dropped_at
    latest_at = play.state.facts.window.latest_at(dropped_at, play.policy)
    assert shown.shown_deadline_at is not None
    assert latest_at > shown.shown_deadline_at
    assert shown.can_try_now


def test_a_backoff_shows_the_next_try_and_awaiting_the_service_does_not() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.NOT_SENT)
    assert play.shown.doing is Doing.WAITING_TO_RETRY
    assert play.shown.next_try_at is not None
    assert play.shown.can_try_now
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), FailureKind.CONFLICT, status="CONNECTED")
    assert play.shown.doing is Doing.WAITING_FOR_SERVICE
    assert play.shown.next_try_at is None


def test_the_end_shows_its_reason() -> None:
    play = Playbook().live().give(events.CloseForNowRequested())
    assert play.shown.stage is Stage.ENDED
    assert play.shown.ending is not None
    assert play.shown.ending.kind is EndingKind.CLOSED_FOR_NOW


def test_whether_the_backend_answered_is_shown() -> None:
    play = Playbook().drop().poll_fails(FailureKind.NOT_SENT)
    assert play.shown.unreached
    assert not play.give(play.status("CONNECTED")).shown.unreached
    assert not Playbook().drop().poll_fails(FailureKind.THROTTLED).shown.unreached


def test_the_end_of_the_session_is_shown_at_the_earliest_it_may_come() -> None:
    play = Playbook().placing()
    assert play.shown.length_ends_at is None
    asked_at, play.now = play.now, play.now + 3.0
    view = replace(play.view("ACTIVATING"), session_ends_in_s=600.0)
    play.give(events.StatusArrived(asked_at, view))
    assert play.shown.length_ends_at == asked_at + 600.0
