"""No order of events violates an invariant, and each seeded bug is found.

Each bug is put into a real function, where a developer might make it. The explorer must then report
the invariant that it violates; if it missed one, its other results would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rejoin.core import commands, deadline, engine, events, goodbye, health
from rejoin.core.deadline import Window
from rejoin.core.engine import dispatch, enter, healing, requesting, transition, turn, waiting
from rejoin.core.engine.transition import Transition
from rejoin.core.health import Frozen
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, Policy, SessionView
from rejoin.core.phases import (
    Attempt,
    AwaitingService,
    Backoff,
    Connecting,
    Episode,
    Facts,
    Requesting,
    State,
    Waiting,
)
from rejoin.core.retry import Failure
from rejoin.service_model import fence
from rejoin.service_model import status as service_status
from rejoin.service_model.fence import Claim
from rejoin.verify.explore import BUDGETS, Report, explore, run_fairly
from rejoin.verify.interleavings.moves import moves
from rejoin.verify.interleavings.system import Budget, live

pytestmark = pytest.mark.timeout(1200)
"""An exploration is half a minute of one processor, and ends by its number of states. Only a hang
takes this long, also on a machine that does much else."""

STATES = 15_000
"""States of each budget in the gate; 165,000 in all."""


@pytest.mark.parametrize("name", BUDGETS)
def test_every_order_of_events_keeps_the_invariants(name: str) -> None:
    report = explore(BUDGETS[name], STATES)
    assert "\n".join(str(violation) for violation in report.violations) == ""
    assert report.states >= STATES or report.whole
    assert report.fair_runs > STATES / 40


def test_without_trouble_there_is_one_state() -> None:
    report = explore(Budget(), 1000)
    assert (report.states, report.whole) == (1, True)


def test_a_live_game_has_nothing_to_recover() -> None:
    assert list(run_fairly(live(Budget()))) == []


# --- bugs -----------------------------------------------------------------------------------------

Patch = tuple[Any, str, Callable[..., Any]]


def no_fencing(attempt: int, newest: int, *, same_bytes: bool, offered_before: bool) -> Claim:
    return Claim.REPEATED if attempt == newest and same_bytes else Claim.NEW


def lets_older_attempts_pass(attempt: int, newest: int, **more: bool) -> Claim:
    return Claim.NEW if attempt < newest else CLAIM(attempt, newest, **more)


def answer_not_matched(t: Transition, phase: Any, event: events.Event) -> None:
    if (
        isinstance(event, events.AnswerArrived)
        and isinstance(phase, Requesting | Waiting)
        and phase.attempt is not None
    ):
        event = replace(event, attempt=phase.attempt.number)
    ON_EVENT(t, phase, event)


def stops_after_three_failures(t: Transition, episode: Episode, *more: Any) -> Any:
    if t.facts.failures >= 2:
        enter.confirming_end(t, episode, Ending(EndingKind.UNCONFIRMED))
        return None
    return PAUSE(t, episode, *more)


def stops_at_the_shown_deadline(facts: Facts, episode: Episode, policy: Policy) -> float:
    shown_at = facts.window.shown_at
    return LATEST(facts, episode, policy) if shown_at is None else shown_at


def heals_while_a_request_is_out(
    t: Transition, episode: Episode, *more: Any, allowed: bool = True
) -> bool:
    if isinstance(t.phase, Requesting):
        allowed = True
        episode = replace(
            episode,
            offer_maybe_accepted_at=None,
            goodbye_at=None,
            service_released_at=None,
            cause=None,
        )
    return HEALS(t, episode, *more, allowed=allowed)


def pending_moves_the_deadline(
    window: Window, view: SessionView, requested_at: float, now: float
) -> Window:
    window = ON_VIEW(window, view, requested_at, now)
    if view.status == service_status.PENDING_CLIENT_RECONNECTION:
        window = replace(window, proved_at=requested_at)
    return window


def never_says_goodbye(t: Transition, *them: commands.Command) -> None:
    DO(t, *(command for command in them if not isinstance(command, commands.SayGoodbye)))


def waits_without_a_timer(state: State) -> float | None:
    return None if isinstance(state.phase, Waiting) else WAKEUP(state)


def offers_the_same_again(t: Transition) -> ConnectionNumber:
    if t.facts.connections >= 2:
        return ConnectionNumber(t.facts.connections)
    return NEW_CONNECTION(t)


def closes_the_old_one_early(
    t: Transition, connection: ConnectionNumber, episode: Episode | None, *more: Any
) -> None:
    if episode is not None and episode.old is not None:
        t.close(episode.old)
        episode = replace(episode, old=None)
    CONNECTING(t, connection, episode, *more)


def needs_less_than_no_time(facts: Facts, policy: Policy) -> float:
    return -5.0


def leaves_connections_open(t: Transition, *connections: ConnectionNumber) -> None:
    if not isinstance(t.phase, Connecting):
        CLOSE(t, *connections)


def applies_any_answer_in_the_status(
    t: Transition, phase: Backoff | AwaitingService, view: SessionView
) -> bool:
    if phase.attempt is None or view.signal_response is None:
        return False
    enter.connecting(t, phase.attempt.connection, phase.episode, t.now, view.signal_response)
    return True


def asks_again_at_once(t: Transition) -> float:
    return t.now


def every_answer_moves_the_countdown(
    window: Window, status: Any, create_requested_at: float, *, heard: bool
) -> Window:
    return ON_REJOINED(window, status, create_requested_at, heard=True)


def does_nothing(*_: Any, **__: Any) -> None:
    """The goodbye is not repeated, the old connection not unmuted."""


def not_noticed(*_: Any, **__: Any) -> float:
    return 0.0


def never(*_: Any, **__: Any) -> bool:
    return False


def takes_every_freeze_for_loss(*given: Any) -> Frozen | None:
    frozen = FROZEN(*given)
    return None if frozen is None else replace(frozen, sent_and_lost=True)


def takes_a_single_frame_for_a_picture(before: health.Health, *given: Any) -> Frozen | None:
    return FROZEN(replace(before, froze_at=None), *given)


def waits_for_the_estimate(
    t: Transition, episode: Episode, attempt: Attempt, failure: Failure
) -> None:
    WAIT_FOR_TURN(t, episode, attempt, failure)
    turn_at = t.now + (failure.turn_in_s or 0.0)
    if isinstance(t.phase, Backoff):
        t.phase = replace(t.phase, until_at=min(turn_at, t.last_start_at(episode)))


def ends_by_the_estimate(
    t: Transition, episode: Episode, attempt: Attempt, failure: Failure
) -> None:
    WAIT_FOR_TURN(t, episode, attempt, replace(failure, retry_after_s=failure.turn_in_s))


FROZEN = health._frozen
WAIT_FOR_TURN = turn.wait_for_turn
CLAIM = fence.claim
ON_EVENT = dispatch.on_event
PAUSE = enter._pause
LATEST = transition.latest_at
HEALS = healing.heal_if_possible
ON_VIEW = deadline.on_view
ON_REJOINED = deadline.on_rejoined
DO = Transition.do
WAKEUP = engine.next_wakeup
NEW_CONNECTION = Transition.new_connection
CONNECTING = enter.connecting
CLOSE = Transition.close

BUGS: dict[str, tuple[Patch, Budget, str]] = {
    "no fencing": (
        (fence, "claim", no_fencing),
        Budget(closes=1, seconds=1),
        "I1",
    ),
    "an older attempt passes the fence": (
        (fence, "claim", lets_older_attempts_pass),
        Budget(closes=1),
        "FENCE",
    ),
    "an answer is not matched to its offer": (
        (dispatch, "on_event", answer_not_matched),
        Budget(closes=1, failures=1, repeats=1, losses=1),
        "I1",
    ),
    "a limit of tries": (
        (enter, "_pause", stops_after_three_failures),
        Budget(closes=1, failures=3),
        "I2",
    ),
    "trying stops at the shown deadline": (
        (transition, "latest_at", stops_at_the_shown_deadline),
        Budget(cuts=1),
        "I2",
    ),
    "healing cancels a create call under way": (
        (healing, "heal_if_possible", heals_while_a_request_is_out),
        Budget(cuts=1),
        "HEAL",
    ),
    "PENDING moves the deadline": (
        (deadline, "on_view", pending_moves_the_deadline),
        Budget(cuts=1),
        "I8",
    ),
    "no goodbye, so the service stays CONNECTED": (
        (Transition, "do", never_says_goodbye),
        Budget(dead_media=1),
        "I7",
    ),
    "a state without a timer": (
        (engine, "next_wakeup", waits_without_a_timer),
        Budget(closes=1, failures=1),
        "I5",
    ),
    "an offer is sent again": (
        (Transition, "new_connection", offers_the_same_again),
        Budget(closes=1, cuts=1),
        "I3",
    ),
    "the old connection is closed too early": (
        (enter, "connecting", closes_the_old_one_early),
        Budget(cuts=1),
        "KEEP",
    ),
    "a create request after the last moment for one": (
        (transition, "need_s", needs_less_than_no_time),
        Budget(cuts=1, failures=1),
        "I2",
    ),
    "a connection stays open at the end": (
        (Transition, "close", leaves_connections_open),
        Budget(closes=1),
        "I9",
    ),
    "an answer in the status is not matched to its offer": (
        (waiting, "recover_answer", applies_any_answer_in_the_status),
        Budget(closes=1, failures=2),
        "I1",
    ),
    "create calls follow each other at once": (
        (Transition, "create_not_before_at", asks_again_at_once),
        Budget(closes=1, failures=1),
        "PACE",
    ),
    "an answer without a packet moves the countdown": (
        (deadline, "on_rejoined", every_answer_moves_the_countdown),
        Budget(cuts=1),
        "HOLD",
    ),
    "a lost goodbye is not repeated": (
        (goodbye, "after_rtp", does_nothing),
        Budget(cuts=1),
        "LEAVE",
    ),
    "a healing connection is not let to ask for its frame": (
        (enter, "unmute", does_nothing),
        Budget(cuts=1),
        "FRAME",
    ),
    "unanswered checks are not noticed": (
        (health, "_unanswered_s", not_noticed),
        Budget(cuts=1),
        "UPLINK",
    ),
    "refused sends are not noticed": (
        (health, "_unsent_s", not_noticed),
        Budget(routes=1),
        "UPLINK",
    ),
    "a lost picture is not reconnected": (
        (health, "reconnects_frozen", never),
        Budget(pictures=1),
        "PICTURE",
    ),
    "a paused game is reconnected": (
        (health, "_frozen", takes_every_freeze_for_loss),
        Budget(pictures=1),
        "PICTURE",
    ),
    "a single frame counts as a picture that moves": (
        (health, "_frozen", takes_a_single_frame_for_a_picture),
        Budget(pictures=2),
        "PICTURE",
    ),
    "the queue forgets a place, as its client waits for the estimate": (
        (requesting, "wait_for_turn", waits_for_the_estimate),
        Budget(closes=1, queues=1),
        "TURN",
    ),
    "an estimate past the window ends the game": (
        (requesting, "wait_for_turn", ends_by_the_estimate),
        Budget(closes=1, queues=1),
        "I2",
    ),
}


def hunt(name: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    (where, attribute, bug), budget, _ = BUGS[name]
    monkeypatch.setattr(where, attribute, bug)
    return explore(budget, 60_000, fair_every=5)


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = hunt(name, monkeypatch)
    assert report.violations, "an explorer that misses this bug proves nothing"
    [*_, names] = BUGS[name]  # where there are two, either may be the nearer one
    assert report.violations[0].invariant.name in names.split()
    assert report.violations[0].path, "the path to it is reported"


def test_the_path_to_a_violation_can_be_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    (where, attribute, bug), budget, _ = BUGS["the old connection is closed too early"]
    monkeypatch.setattr(where, attribute, bug)
    found = explore(budget, 60_000, fair_every=60_000).violations[0]
    system = live(budget)
    *before, last = found.path
    for label in before:
        move = next(move for move in moves(system) if move.label == label)
        assert move.violations == ()
        system = move.after
    [broken] = [move for move in moves(system) if move.label == last]
    assert found.violation in broken.violations
    assert str(found) == "\n  ".join((f"KEEP: {found.violation.detail}", *found.path))
