"""What a client owes its player, and a seeded bug for each promise.

A bug is put into the real code, where a developer might make it; without it the same world keeps
every invariant. docs/proof.md lists them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from helpers.random_worlds import random_world
from rejoin.core import goodbye, health, retry
from rejoin.core.engine import ending, enter, requesting
from rejoin.core.engine.transition import Transition
from rejoin.core.health import Frozen, Health
from rejoin.core.model import EndingKind, Policy
from rejoin.core.phases import Attempt, Episode, TerminatingSession
from rejoin.core.retry import Failure, Wait
from rejoin.service_model.lifecycle import Rules
from rejoin.verify.environment import Change, World
from rejoin.verify.simulate import RunOutcome, simulate

C = Change
LATE_S = 60.0
"""A service that notices nothing by itself for longer than a player waits."""

CUT_PAST_THE_GOODBYE = World(
    notice_silent_client_s=LATE_S, faults=((3.0, C.PATH_DOWN), (9.0, C.PATH_UP))
)
CUT_THAT_HEALS = World(notice_silent_client_s=LATE_S, faults=((3.0, C.PATH_DOWN), (5.0, C.PATH_UP)))
DEAD_UPLINK = World(notice_silent_client_s=LATE_S, faults=((3.0, C.UPLINK_DOWN),))
NO_ROUTE = World(notice_silent_client_s=LATE_S, faults=((3.0, C.UPLINK_REFUSED),))
LOST_PICTURE = World(faults=((3.0, C.PICTURE_LOST),))
BLINKING_PICTURE = World(
    faults=((3.0, C.PICTURE_LOST), (6.0, C.PICTURE_BLINKS), (9.5, C.PICTURE_BLINKS))
)
QUEUE = World(faults=((2.9, C.CREATE_QUEUED), (3.0, C.FLOW_DIES)))
ENDED_WHILE_AWAY = World(faults=((3.0, C.BACKEND_DOWN), (5.0, C.PLAYER_ENDS), (60.0, C.BACKEND_UP)))
"""The window is 120 s: the game goes on when the backend is back."""
PAUSED_GAME = World(faults=((3.0, C.PICTURE_STOPS), (60.0, C.PICTURE_GOES)))


def run(world: World, for_s: float = 120.0) -> RunOutcome:
    return simulate(world, draw=random.Random(1).random, for_s=for_s)


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing: the goodbye is not repeated, the old connection not unmuted."""


def never(*_: Any, **__: Any) -> bool:
    return False


def forgets_to_ask(t: Transition, old: Any) -> None:
    """Lets the connection send once it has healed, and not when its RTP comes back."""


def takes_every_freeze_for_loss(*given: Any) -> Frozen | None:
    frozen = FROZEN(*given)
    return None if frozen is None else Frozen(frozen.since_at, True, frozen.offers_reconnect)


def takes_a_single_frame_for_a_picture(before: Health, *given: Any) -> Frozen | None:
    return FROZEN(replace(before, froze_at=None), *given)


def takes_its_place_for_throttling(
    t: Transition, episode: Episode, attempt: Attempt, failure: Failure
) -> None:
    enter.backoff_to_same_bytes(t, episode, attempt, Wait.THROTTLED, failure)


def gives_up_after_a_few_calls(t: Transition, phase: TerminatingSession, failure: Failure) -> bool:
    return phase.tries >= t.policy.terminate_tries


def waits_for_the_player(tries: int, policy: Policy, draw: Any) -> float:
    """Only *Try now* or a network that comes back leads to another call."""
    return 1.0 if tries < policy.terminate_tries else math.inf


FROZEN = health._frozen
BUGS: dict[str, tuple[Any, str, Callable[..., Any], World, str]] = {
    "a lost goodbye is not repeated": (
        goodbye,
        "after_rtp",
        nothing,
        CUT_PAST_THE_GOODBYE,
        "LEAVE",
    ),
    "unanswered checks are not noticed": (health, "_unanswered_s", never, DEAD_UPLINK, "UPLINK"),
    "refused sends are not noticed": (health, "_unsent_s", never, NO_ROUTE, "UPLINK"),
    "a lost picture is not reconnected": (
        health,
        "reconnects_frozen",
        never,
        LOST_PICTURE,
        "PICTURE",
    ),
    "a single frame counts as a picture that moves": (
        health,
        "_frozen",
        takes_a_single_frame_for_a_picture,
        BLINKING_PICTURE,
        "PICTURE",
    ),
    "a paused game is reconnected": (
        health,
        "_frozen",
        takes_every_freeze_for_loss,
        PAUSED_GAME,
        "PICTURE",
    ),
    "a muted connection is not let to ask for its frame": (
        enter,
        "unmute",
        forgets_to_ask,
        CUT_THAT_HEALS,
        "FRAME",
    ),
    "the end of a game is given up after three calls": (
        ending,
        "refused_for_good",
        gives_up_after_a_few_calls,
        ENDED_WHILE_AWAY,
        "END",
    ),
    "the end of a game waits for the player to ask again": (
        retry,
        "terminate_pause_s",
        waits_for_the_player,
        ENDED_WHILE_AWAY,
        "END",
    ),
    "the queue forgets a place, as its client asks ever more rarely": (
        requesting,
        "wait_for_turn",
        takes_its_place_for_throttling,
        QUEUE,
        "TURN",
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, attribute, bug, world, invariant = BUGS[name]
    assert run(world).violations == ()
    monkeypatch.setattr(where, attribute, bug)
    found = run(world).violations
    assert found, "a simulator that misses this bug proves nothing"
    assert found[0].startswith(f"{invariant} at ")


def test_a_goodbye_lost_in_a_cut_costs_no_more_than_the_cut() -> None:
    outcome = run(CUT_PAST_THE_GOODBYE)
    assert outcome.live
    [freeze_s] = outcome.freezes_s
    assert 6.0 < freeze_s < 7.5


def test_a_player_in_the_queue_is_back_when_their_turn_comes() -> None:
    outcome = run(QUEUE)
    assert (outcome.live, outcome.attempts) == (True, 2)
    [freeze_s] = outcome.freezes_s
    without_s = run(World(faults=((3.0, C.FLOW_DIES),))).freezes_s[0]
    assert 5.0 <= freeze_s - without_s <= 5.0 + 1.5 + 0.1, "the last ask may come 1.5 s late"


FOUND = (900, 3040)
"""Seeds that found something once: in what checks I7, and refused sends noticed late."""


@pytest.mark.parametrize("seeds", [FOUND, range(150), range(5000, 5150)], ids=str)
def test_random_faults_break_no_promise(seeds: Sequence[int]) -> None:
    """Up to five faults of 25 kinds at any time, paths that flap, and a backend that queues."""
    for seed in seeds:
        case = random_world(seed)
        draw = random.Random(seed).random
        outcome = simulate(case.world, draw=draw, for_s=case.for_s, policy=case.policy)
        assert outcome.violations == (), f"seed {seed}: {case.world.faults}"


@pytest.mark.parametrize("away", [C.BACKEND_DOWN, C.BACKEND_PORTAL, C.BACKEND_UNTRUSTED])
def test_a_cut_while_the_backend_is_away_costs_no_game(away: Change) -> None:
    """The path is back long before the backend, and the window is shorter than that."""
    world = World(
        notice_silent_client_s=LATE_S,
        rules=Rules(connection_timeout_s=30.0),
        faults=((3.0, away), (3.0, C.PATH_DOWN), (13.0, C.PATH_UP), (80.0, C.BACKEND_UP)),
    )
    outcome = run(world, for_s=120.0)
    assert (outcome.live, outcome.attempts) == (True, 1)
    assert outcome.violations == ()


def test_a_cut_that_heals_needs_no_reconnect() -> None:
    outcome = run(CUT_THAT_HEALS)
    assert (outcome.live, outcome.attempts) == (True, 1)


def test_a_lost_picture_is_reconnected_once() -> None:
    outcome = run(LOST_PICTURE, for_s=60.0)
    assert (outcome.live, outcome.attempts) == (True, 2)


def test_a_cut_of_a_paused_game_costs_no_reconnect() -> None:
    """Nothing but a picture is missing after it, and that was missing before."""
    cut = ((13.0, C.PATH_DOWN), (14.5, C.PATH_UP))
    world = World(notice_silent_client_s=LATE_S, faults=((3.0, C.PICTURE_STOPS), *cut))
    outcome = run(world, for_s=60.0)
    assert (outcome.live, outcome.attempts) == (True, 1)
    assert outcome.violations == ()


def test_a_paused_game_stays_connected() -> None:
    outcome = run(PAUSED_GAME, for_s=90.0)
    assert (outcome.live, outcome.attempts) == (True, 1)


def test_a_game_is_ended_once_the_backend_answers_again() -> None:
    outcome = run(ENDED_WHILE_AWAY)
    assert outcome.ending is not None
    assert outcome.ending.kind is EndingKind.ENDED_BY_PLAYER
    assert outcome.violations == ()


@pytest.mark.parametrize("away", [C.BACKEND_DOWN, C.BACKEND_PORTAL, C.ANSWERS_LOST])
def test_a_game_whose_end_never_arrives_is_not_called_ended(away: Change) -> None:
    """Where only the answer is lost, the second call finds the game ended, and so on."""
    world = World(faults=((3.0, away), (5.0, C.PLAYER_ENDS)))
    outcome = run(world, for_s=400.0)
    assert outcome.ending is not None
    assert outcome.ending.kind is EndingKind.UNCONFIRMED
    assert outcome.violations == ()


@pytest.mark.parametrize("refused", [False, True])
def test_a_dead_uplink_heals_when_it_works_again(refused: bool) -> None:
    dies = C.UPLINK_REFUSED if refused else C.UPLINK_DOWN
    world = World(notice_silent_client_s=LATE_S, faults=((3.0, dies), (10.0, C.PATH_UP)))
    outcome = run(world)
    assert outcome.violations == ()
    assert outcome.live
    if not refused:  # the five seconds to the commit are not over
        assert outcome.attempts == 1
