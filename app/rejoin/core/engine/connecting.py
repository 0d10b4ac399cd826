"""Connecting: an answer was applied; a frame and the input channel make it live (Rule 7).

Without a usable data section the frame alone does: the game can be watched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, deadline, events
from rejoin.core.engine import enter
from rejoin.core.engine.polls import poll_again_s
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, ConnectionSample, Ending, EndingKind, SessionView
from rejoin.core.phases import Connecting
from rejoin.service_model.status import RECONNECTING, is_terminal


def on_connecting(t: Transition, phase: Connecting, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.ConnectionOpened(connection) if connection == phase.connection:
            opened(t, phase)
        case events.FirstFrameDecoded(connection) if connection == phase.connection:
            live_if_complete(t, replace(phase, first_frame_at=t.now))
        case events.InputOpened(connection) if connection == phase.connection:
            t.facts = replace(t.facts, input_opened=connection)
            live_if_complete(t, replace(phase, input_settled_at=t.now))
        case events.InputUnavailable(connection) if connection == phase.connection:
            live_if_complete(t, replace(phase, input_settled_at=t.now))
        case events.ConnectionFailed(connection) if connection == phase.connection:
            connection_failed(t, phase)
        case events.HardEvidenceSeen(connection) if connection == phase.connection:
            connection_failed(t, phase)
        case events.AnswerRefused(connection, detail) if connection == phase.connection:
            answer_refused(t, phase, detail)
        case events.Sampled(connection, sample) if connection in t.open:
            note_round_trip(t, phase, connection, sample)
        case events.StatusArrived(view=view) if is_terminal(view.status):
            enter.ended(t, t.game_ended())
        case events.StatusArrived(view=view):
            status_arrived(t, phase, view)
        case events.StatusFailed(failure=failure):
            if phase.episode is not None:
                t.poll_status(after_s=poll_again_s(t, failure))
        case events.WakeupDue() if phase.first_frame_at is not None:
            enter.live(t, phase)  # a picture without input is better than nothing
        case events.WakeupDue():
            connection_failed(t, phase)
        case events.CloseForNowRequested() if phase.episode is None:
            enter.terminating(t, Ending(EndingKind.CANCELLED))
        case events.CloseForNowRequested():
            enter.closed_for_now(t)
        case events.EndGameRequested():
            enter.terminating(t, Ending(EndingKind.ENDED_BY_PLAYER))
        case events.NetworkLost() | events.NetworkFound() | events.Woke():
            pass  # HardEvidenceSeen reports an address that is gone
        case (
            events.PlayerEvent()
            | events.ConnectionEvent()
            | events.AttemptEvent()
            | events.TerminationEvent()
        ):
            t.stale()
        case _:
            assert_never(event)


def opened(t: Transition, phase: Connecting) -> None:
    """ICE and DTLS are up: the first frame has a deadline of its own."""
    patience_s = t.policy.first_frame_deadline_s
    until_at = enter.connect_until_at(t, patience_s, phase.episode, phase.create_requested_at)
    t.phase = replace(phase, until_at=until_at)
    t.do(commands.RequestKeyFrame(phase.connection))


def live_if_complete(t: Transition, phase: Connecting) -> None:
    if phase.first_frame_at is not None and phase.input_settled_at is not None:
        enter.live(t, phase)
    else:
        t.phase = phase


def connection_failed(t: Transition, phase: Connecting) -> None:
    """Close it, then a new offer: the service is ACTIVE again and its second window runs."""
    t.close(phase.connection)
    episode = phase.episode
    if episode is None:
        episode = t.new_episode(t.now, None)
    # The service accepted the offer, so no outcome is unknown any more; and it answers, so earlier
    # failures are no reason for a longer backoff now.
    episode = replace(episode, offer_maybe_accepted_at=None, unknown_outcomes=0, failures=0)
    enter.backoff_to_new_offer(t, episode)


def answer_refused(t: Transition, phase: Connecting, detail: str) -> None:
    """The answer requires something that this client must not do.

    A new offer will probably get the same kind of answer, so only one is tried.
    """
    ending = Ending(EndingKind.BAD_ANSWER, detail=detail)
    episode = phase.episode
    if episode is None:
        enter.terminating(t, ending)  # no client can join that game
    elif episode.refused_answers == 0:
        t.close_attempts(episode)
        episode = replace(
            episode, refused_answers=1, offer_maybe_accepted_at=None, unknown_outcomes=0
        )
        enter.backoff_to_new_offer(t, episode)
    else:
        enter.ended(t, ending)


def note_round_trip(
    t: Transition, phase: Connecting, connection: ConnectionNumber, sample: ConnectionSample
) -> None:
    """Note the RTT of the new connection, which is all that counts of its samples yet.

    Samples of the old connection are ignored: it cannot heal any more (Rule 2).
    """
    if connection == phase.connection and sample.rtt_s is not None and t.facts.sample is not None:
        t.facts = replace(t.facts, sample=replace(t.facts.sample, rtt_s=sample.rtt_s))


def status_arrived(t: Transition, phase: Connecting, view: SessionView) -> None:
    window = deadline.on_rejoined(t.facts.window, view, phase.create_requested_at)
    t.facts = replace(t.facts, window=window)
    if phase.episode is not None and view.status == RECONNECTING:
        t.watch_status()
