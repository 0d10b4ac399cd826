"""Lost and Goodbye: the connection is dropped, and no offer was made yet in this episode."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, events
from rejoin.core.engine import enter, healing
from rejoin.core.engine.polls import end_refused, poll_again_s, poll_is_refused
from rejoin.core.engine.transition import Transition
from rejoin.core.model import Ending, EndingKind, HardEvidence
from rejoin.core.phases import Goodbye, Lost
from rejoin.service_model.status import (
    ACTIVE,
    PENDING_CLIENT_RECONNECTION,
    RECONNECTING,
    is_terminal,
)


def on_lost(t: Transition, phase: Lost, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            if not healing.heal_if_possible(t, phase.episode, connection, sample):
                enter.lost(t, phase.episode)
        case events.HardEvidenceSeen(connection, evidence) if (
            connection == phase.episode.old
            and phase.episode.cause is None
            and evidence is not HardEvidence.UNREACHABLE
        ):
            # The drop was likely because of the silence; now it is certain, and cannot heal.
            enter.lost(t, replace(phase.episode, cause=evidence))
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(requested_at):
            status_arrived(t, phase, requested_at)
        case events.StatusFailed(failure=failure) if poll_is_refused(t, failure):
            end_refused(t, failure)
        case events.StatusFailed(failure=failure):
            t.poll_status(after_s=poll_again_s(t, failure))
        case events.WakeupDue():
            enter.lost(t, phase.episode)
        case events.TryNowRequested():
            try_now(t, phase)
        case events.NetworkFound() | events.Woke():
            t.poll_status()
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.NetworkLost():
            pass
        case (
            events.PlayerEvent()
            | events.ConnectionEvent()
            | events.AttemptEvent()
            | events.TerminationEvent()
            | events.ProbesFinished()
        ):
            t.stale()
        case _:
            assert_never(event)


def try_now(t: Transition, phase: Lost) -> None:
    """Commit if the drop is certain or the service has released the connection; else find out.

    The player's impatience does not corroborate a drop: no goodbye for that alone (Rule 3).
    """
    if phase.episode.cause is not None or t.facts.status == RECONNECTING:
        enter.commit(t, phase.episode)
        return
    enter.lost(t, phase.episode)
    if isinstance(t.phase, Lost) and phase.episode.old is not None:
        t.do(commands.StartChecks(phase.episode.old))
        t.poll_status()


def status_arrived(t: Transition, phase: Lost, requested_at: float) -> None:
    """Commit if the status corroborates the drop (Rule 3); else keep polling it."""
    enter.lost(t, phase.episode)
    if isinstance(t.phase, Lost):
        t.watch_status(after_s=t.pause_s(requested_at))


def on_goodbye(t: Transition, phase: Goodbye, event: events.Event) -> None:
    match event:
        case events.GoodbyeSaid(connection) if connection == phase.episode.old:
            enter.offering(t, phase.episode)
        case events.WakeupDue():
            enter.offering(t, phase.episode)
        case events.Sampled(connection, sample) if connection == phase.episode.old:
            healing.note_sample(t, sample)  # after a goodbye the connection cannot heal
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            if view.status in (PENDING_CLIENT_RECONNECTION, ACTIVE):
                enter.offering(t, replace(phase.episode, service_released_at=t.now))
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.StatusFailed() | events.NetworkLost() | events.NetworkFound() | events.Woke():
            pass
        case (
            events.PlayerEvent()
            | events.ConnectionEvent()
            | events.AttemptEvent()
            | events.TerminationEvent()
            | events.ProbesFinished()
        ):
            t.stale()
        case _:
            assert_never(event)
