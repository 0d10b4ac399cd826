"""`step`, the only way from one state to the next, and `next_wakeup`.

First the facts in an event that count in every phase are noted; then the phase's function decides
what the event leads to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, deadline, events
from rejoin.core.engine import (
    connecting,
    ending,
    enter,
    lost,
    playing,
    requesting,
    starting,
    waiting,
    whose_fault,
)
from rejoin.core.engine.transition import Transition, latest_at, need_s
from rejoin.core.model import (
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    NoInput,
    Policy,
)
from rejoin.core.phases import (
    ActivePhase,
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
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    State,
    TerminatingSession,
    episode_of,
)
from rejoin.core.retry import Draw, Failure, FailureKind
from rejoin.service_model.status import TERMINATED, StatusReason, is_terminal

_GAME_OVER = frozenset({"terminated", "idle"})
"""Reasons of `serverDisconnect` with which the session itself is over (service.md)."""


def step(
    state: State, event: events.Event, now: float, policy: Policy, draw: Draw
) -> tuple[State, tuple[commands.Command, ...]]:
    """Handle one event: the next state, and the commands to carry out, in this order."""
    t = Transition(state, now, policy, draw)
    if isinstance(state.phase, Ended):
        t.stale()
    else:
        phase_decides = _note_facts(t, state.phase, event)
        if phase_decides:
            on_event(t, state.phase, event)
    return State(t.phase, t.facts), tuple(t.commands)


def next_wakeup(state: State) -> float | None:
    """When the engine needs a `WakeupDue` if nothing else happens; None only in Idle and Ended."""
    match state.phase:
        case Idle() | Ended():
            return None
        case phase:
            return phase.until_at


def last_start_at(state: State, policy: Policy) -> float | None:
    """Rule 5: no create request starts later than this; None outside an episode."""
    episode = episode_of(state.phase)
    if episode is None:
        return None
    return latest_at(state.facts, episode, policy) - need_s(state.facts, policy)


def on_event(t: Transition, phase: ActivePhase, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    """Call the function of the phase."""
    match phase:
        case Idle():
            starting.on_idle(t, event)
        case StartOffering():
            starting.on_start_offering(t, phase, event)
        case StartRequesting():
            starting.on_start_requesting(t, phase, event)
        case StartBackoff():
            starting.on_start_backoff(t, phase, event)
        case Placing():
            starting.on_placing(t, phase, event)
        case Connecting():
            connecting.on_connecting(t, phase, event)
        case Live():
            playing.on_live(t, phase, event)
        case Lost():
            lost.on_lost(t, phase, event)
        case Goodbye():
            lost.on_goodbye(t, phase, event)
        case Offering():
            requesting.on_offering(t, phase, event)
        case Requesting():
            requesting.on_requesting(t, phase, event)
        case Backoff():
            waiting.on_backoff(t, phase, event)
        case AwaitingService():
            waiting.on_awaiting_service(t, phase, event)
        case ConfirmingEnd():
            ending.on_confirming_end(t, phase, event)
        case TerminatingSession():
            ending.on_terminating_session(t, phase, event)
        case _:
            assert_never(phase)


def _note_facts(t: Transition, phase: ActivePhase, event: events.Event) -> bool:
    """Note the facts in the event that count in every phase.

    Returns whether the phase has anything left to decide.
    """
    match event:
        case events.StatusArrived(requested_at, view):
            if view.session_id != t.facts.session_id:
                t.stale()
                return False
            t.learn(view, requested_at)
            if not is_terminal(view.status):
                t.facts = replace(t.facts, woke_at=None)
        case events.StatusFailed(failure=failure):
            _note_failed_poll(t, phase, failure)
        case events.HardEvidenceSeen(detail=reason) if _says_game_over(t, phase, event):
            ending = Ending(EndingKind.GAME_ENDED, StatusReason(reason), TERMINATED)
            enter.ended(t, ending)
            return False
        case (
            events.InputModuleKnown()
            | events.InputOpened()
            | events.InputUnavailable()
            | events.MessageSent()
            | events.MessageReceived()
        ):
            return _note_input(t, phase, event)
        case events.WakeupDue():
            return not isinstance(phase, Idle) and t.now >= phase.until_at
        case events.ProbesFinished(findings):
            whose_fault.note_findings(t, phase, findings)
            return False
        case events.MachineEvent():
            _note_machine(t, event)
        case _:
            pass
    return True


def _note_failed_poll(t: Transition, phase: ActivePhase, failure: Failure) -> None:
    t.note_call(failure)
    if failure.retry_after_s is not None:
        t.facts = replace(t.facts, polls_not_before_at=t.now + failure.retry_after_s)
    # Placing does this itself.
    if failure.kind is FailureKind.UNAUTHENTICATED and not isinstance(phase, Placing):
        t.facts = replace(t.facts, refused_sign_ins=t.facts.refused_sign_ins + 1)
        t.do(commands.RefreshSignIn())


def _says_game_over(t: Transition, phase: ActivePhase, event: events.HardEvidenceSeen) -> bool:
    """Rule 21: whether the server says that the game is over, where no status can say so.

    Not on a connection that another one may have replaced: then only that connection may have
    ended.
    """
    said = event.evidence is HardEvidence.SERVER_DISCONNECTED and event.detail in _GAME_OVER
    episode = episode_of(phase)
    replaced = (
        episode is not None
        and event.connection == episode.old
        and episode.offer_maybe_accepted_at is not None
    )
    return said and not t.policy.reports_status and event.connection in t.open and not replaced


def _note_machine(
    t: Transition, event: events.NetworkLost | events.NetworkFound | events.Woke
) -> None:
    match event:
        case events.NetworkLost():
            if t.facts.offline_since_at is None:
                t.facts = replace(t.facts, offline_since_at=t.now)
        case events.NetworkFound():
            if t.facts.offline_since_at is not None and t.facts.unreached is None:
                # No call could reach the backend; that holds until one is answered.
                t.facts = replace(t.facts, unreached=FailureKind.NOT_SENT)
            t.facts = replace(t.facts, offline_since_at=None, verdict=None)
            t.network_came_back()
        case events.Woke():
            window = deadline.on_wakeup(t.facts.window, t.now)
            t.facts = replace(t.facts, window=window, woke_at=t.now)
        case _:
            assert_never(event)


def _note_input(
    t: Transition,
    phase: ActivePhase,
    event: events.InputModuleKnown
    | events.InputOpened
    | events.InputUnavailable
    | events.MessageSent
    | events.MessageReceived,
) -> bool:
    """Returns whether the phase has anything to decide: when its connection is complete."""
    of_phase = isinstance(phase, Connecting) and phase.connection == event.connection
    match event:
        case events.InputOpened(connection) if not of_phase:
            _note_channel(t, connection)
            return False
        case events.InputOpened() | events.InputUnavailable():
            return of_phase
        case events.InputModuleKnown(connection, missing):
            _note_module(t, connection, missing)
            return False
        case events.MessageSent() | events.MessageReceived():
            return False
        case _:
            assert_never(event)


def _note_module(t: Transition, connection: ConnectionNumber, missing: NoInput | None) -> None:
    """A late report of an old connection must not replace that of a newer one."""
    newest = t.facts.input_module
    if connection in t.open and (newest is None or newest[0] <= connection):
        t.facts = replace(t.facts, input_module=(connection, missing))
    else:
        t.stale()


def _note_channel(t: Transition, connection: ConnectionNumber) -> None:
    """Also of a connection that is lost: it may heal, and will not report this again."""
    newest = t.facts.input_opened
    if connection in t.open and (newest is None or newest < connection):
        t.facts = replace(t.facts, input_opened=connection)
    else:
        t.stale()
