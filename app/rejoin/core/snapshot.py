"""What the player's window may show of an engine state: facts and deadlines, no countdowns."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import health
from rejoin.core.model import (
    ConnectionNumber,
    Doing,
    HealthLevel,
    NoInput,
    Policy,
    Snapshot,
    Stage,
    Turn,
)
from rejoin.core.phases import (
    Attempt,
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Episode,
    Facts,
    Goodbye,
    Idle,
    InEpisode,
    Live,
    Lost,
    Offering,
    Phase,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    State,
    TerminatingSession,
    Waiting,
    behind_firewall,
    episode_of,
    never_played,
    verdict_of,
)
from rejoin.core.retry import Action, FailureKind

_STAGES: dict[type[Phase], Stage] = {
    Idle: Stage.IDLE,
    StartOffering: Stage.STARTING,
    StartRequesting: Stage.STARTING,
    StartBackoff: Stage.STARTING,
    Placing: Stage.STARTING,
    Live: Stage.LIVE,
    Lost: Stage.LOST,
    Goodbye: Stage.RECONNECTING,
    Offering: Stage.RECONNECTING,
    Requesting: Stage.RECONNECTING,
    Connecting: Stage.RECONNECTING,
    Backoff: Stage.RECONNECTING,
    AwaitingService: Stage.RECONNECTING,
    ConfirmingEnd: Stage.RECONNECTING,
    TerminatingSession: Stage.ENDING,
    Ended: Stage.ENDED,
}


def _doing(phase: Phase, facts: Facts) -> Doing:  # noqa: C901 - plain dispatch
    match phase:
        case Idle() | Live() | Ended():
            return Doing.NOTHING
        case StartOffering() | Goodbye() | Offering():
            return Doing.PREPARING
        case Requesting() | StartRequesting() if phase.attempt.turn is not None:
            return Doing.WAITING_FOR_TURN
        case StartRequesting() | Requesting():
            return Doing.ASKING_BACKEND
        case Placing():
            return Doing.PLACING
        case Connecting():
            return Doing.CONNECTING
        case Lost():
            return Doing.CHECKING
        case ConfirmingEnd():
            return Doing.CONFIRMING_END
        case TerminatingSession(delayed_by=None):
            return Doing.TERMINATING
        case Backoff() | StartBackoff() if _waits_for_turn(phase, facts):
            return Doing.WAITING_FOR_TURN
        case StartBackoff() | TerminatingSession():
            return _waiting_for(facts)
        case AwaitingService() if facts.unreached is None:
            waits = phase.then is Action.WAIT_FOR_SERVICE
            return Doing.WAITING_FOR_SERVICE if waits else Doing.CHECKING
        case Backoff() if _about_to_ask(phase):
            return Doing.ASKING_BACKEND
        case Backoff() | AwaitingService():
            return _waiting_for(facts)
        case _:
            assert_never(phase)


def _waiting_for(facts: Facts) -> Doing:
    if facts.offline_since_at is not None:
        return Doing.WAITING_FOR_NETWORK
    return Doing.WAITING_TO_RETRY


def _about_to_ask(phase: Backoff) -> bool:
    """The pause between an offer and its first request (Rule 17 of `engine`)."""
    return phase.attempt is not None and phase.attempt.tries == 0


def _waits_for_turn(phase: Phase, facts: Facts) -> bool:
    return _turn(phase) is not None and facts.offline_since_at is None


def _turn(phase: Phase) -> Turn | None:
    """The place in the backend's queue, while the request of an attempt or a start waits there."""
    match phase:
        case (
            Requesting(attempt=attempt)
            | Backoff(attempt=Attempt() as attempt)
            | StartRequesting(attempt=attempt)
            | StartBackoff(attempt=Attempt() as attempt)
        ):
            return attempt.turn
        case _:
            return None


def snapshot(state: State, policy: Policy) -> Snapshot:
    """What the player's window may show of a state."""
    phase, facts = state.phase, state.facts
    shown = Snapshot(
        stage=_STAGES[type(phase)],
        doing=_doing(phase, facts),
        offline=facts.offline_since_at is not None,
        back_at=facts.back_at,
        episode=facts.episodes,
        turn=_turn(phase),
        length_ends_at=facts.window.ends_min_at,
        status=facts.status,
        returning=facts.from_ticket is not None and facts.shown is None,
        can_terminate=policy.can_terminate,
        unreached=facts.unreached is not None,
        portal=facts.unreached is FailureKind.NOT_BACKEND,
        stranger=facts.unreached is FailureKind.TLS,
        firewall=behind_firewall(facts, policy),
        verdict=verdict_of(state),
    )
    if _starts_again(state):
        shown = replace(shown, stage=Stage.STARTING)
    match phase:
        case Live(connection):
            view_only = _no_input(connection, facts)
            current = facts.health
            return replace(
                shown,
                health=current.level if current else HealthLevel.HEALTHY,
                trouble_since_at=current.trouble_since_at if current else None,
                trouble=current.trouble if current else None,
                can_reconnect=health.offers_reconnect(current),
                input_open=view_only is None and facts.input_module == (connection, None),
                view_only=view_only,
            )
        case StartBackoff(_, until_at, not_before_at):
            return replace(shown, next_try_at=until_at, can_try_now=not_before_at == 0.0)
        case Connecting(episode=None):
            return replace(shown, stage=Stage.STARTING)
        case Connecting(episode=Episode() as episode):
            return _with_deadlines(shown, episode, facts)
        case TerminatingSession(delayed_by=FailureKind()):
            waits = phase.again_at is not None
            can_try_now = waits and phase.not_before_at == 0.0
            return replace(shown, next_try_at=phase.again_at, can_try_now=can_try_now)
        case Lost(episode):
            return replace(_with_deadlines(shown, episode, facts), can_try_now=True)
        case Waiting(episode, until_at):
            timed = facts.unreached is not None
            if isinstance(phase, Backoff):
                timed = not _about_to_ask(phase)
            return replace(
                _with_deadlines(shown, episode, facts),
                next_try_at=until_at if timed else None,
                can_try_now=timed and phase.not_before_at == 0.0,
            )
        case InEpisode(episode):
            return _with_deadlines(shown, episode, facts)
        case Ended(ending):
            return replace(shown, ending=ending)
        case _:
            return shown


def _no_input(connection: ConnectionNumber, facts: Facts) -> NoInput | None:
    """Why the player's input does not reach the game through this connection, as far as known."""
    if facts.input_opened != connection:
        return NoInput.NO_CHANNEL
    if facts.input_module is None or facts.input_module[0] != connection:
        return None  # the module is still loaded
    return facts.input_module[1]


def _starts_again(state: State) -> bool:
    """A start whose first connection failed: the player has lost nothing yet."""
    in_episode = episode_of(state.phase) is not None
    return in_episode and never_played(state.facts)


def _with_deadlines(shown: Snapshot, episode: Episode, facts: Facts) -> Snapshot:
    if shown.stage is Stage.STARTING:
        return shown
    reached = facts.unreached is None and facts.offline_since_at is None
    return replace(
        shown,
        health=HealthLevel.LOST,
        dropped_at=episode.dropped_at,
        cause=episode.cause,
        shown_deadline_at=facts.window.shown_at,
        deadline_checking=facts.window.checking_since_at is not None,
        unnoticed_until_at=facts.unnoticed_until_at if reached else None,
        connection_timeout_s=facts.window.timeout_s,
    )
