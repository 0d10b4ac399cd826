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
from rejoin.core.phases import Connecting, Episode
from rejoin.core.verdict import Verdict
from rejoin.service_model.status import RECONNECTING, is_terminal


def on_connecting(t: Transition, phase: Connecting, event: events.Event) -> None:  # noqa: C901 - plain dispatch
    match event:
        case events.FirstPacketArrived(connection) if connection == phase.connection:
            heard(t, phase)
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
            new_offer(t, phase)
        case events.AnswerRefused(connection, detail) if connection == phase.connection:
            refused(t, phase, Ending(EndingKind.BAD_ANSWER, detail=detail))
        case events.VideoRefused(connection, detail) if connection == phase.connection:
            refused(t, phase, Ending(EndingKind.UNSUPPORTED_VIDEO, detail=detail))
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
            | events.ProbesFinished()
        ):
            t.stale()
        case _:
            assert_never(event)


def heard(t: Transition, phase: Connecting) -> Connecting:
    """A packet arrived: nothing blocks the stream, and the second window counts (Rule 19)."""
    if phase.heard_at is None:
        phase = replace(phase, heard_at=t.now)
        t.facts = replace(t.facts, unheard_attempts=0)
        t.refute(frozenset({Verdict.PATH_BROKEN}))
        note_second_window(t, phase)
    t.phase = phase
    return phase


def opened(t: Transition, phase: Connecting) -> None:
    """ICE and DTLS are up: the first frame has a deadline of its own."""
    phase = heard(t, phase)
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
    """Close it, then a new offer: the service is ACTIVE again and its second window runs.

    If not one packet arrived although there is a network, a firewall may be the reason (Rule 19).
    """
    if phase.heard_at is None and t.facts.offline_since_at is None:
        t.facts = replace(t.facts, unheard_attempts=t.facts.unheard_attempts + 1)
    new_offer(t, phase)


def new_offer(t: Transition, phase: Connecting) -> None:
    t.close(phase.connection)
    episode = answered_episode(t, phase)
    if t.never_played() and t.now - episode.dropped_at >= t.policy.start_unconnected_s:
        enter.ended(t, Ending(EndingKind.COULD_NOT_CONNECT, status=t.facts.status))
        return
    enter.backoff_to_new_offer(t, episode)


def answered_episode(t: Transition, phase: Connecting) -> Episode:
    """The episode after an answer whose connection failed; at a start it begins with the first
    answer.

    The service accepted the offer, so no outcome is unknown any more.
    """
    episode = phase.episode
    if episode is None:
        episode = t.new_episode(phase.create_requested_at, None)
    return replace(episode, offer_maybe_accepted_at=None, unknown_outcomes=0)


def refused(t: Transition, phase: Connecting, ending: Ending) -> None:
    """The answer requires something that this client must not do, or the video cannot be played.

    A new offer will probably get the same kind, so only one is tried.
    """
    t.close(phase.connection)
    episode = answered_episode(t, phase)
    if episode.refused_answers == 0:
        enter.backoff_to_new_offer(t, replace(episode, refused_answers=1))
    elif t.never_played():
        enter.terminating(t, ending)  # no client can join that game
    else:
        enter.ended(t, ending)


def note_round_trip(
    t: Transition, phase: Connecting, connection: ConnectionNumber, sample: ConnectionSample
) -> None:
    """Note the RTT of the new connection; nothing else of its samples counts yet.

    Samples of the old connection are ignored: it cannot heal any more (Rule 2).
    """
    if connection == phase.connection and sample.rtt_s is not None and t.facts.sample is not None:
        t.facts = replace(t.facts, sample=replace(t.facts.sample, rtt_s=sample.rtt_s))


def status_arrived(t: Transition, phase: Connecting, view: SessionView) -> None:
    note_second_window(t, phase)
    if phase.episode is not None and view.status == RECONNECTING:
        t.watch_status()


def note_second_window(t: Transition, phase: Connecting) -> None:
    """The status says ACTIVE and a packet arrived: the countdown may start again."""
    window = deadline.on_rejoined(
        t.facts.window,
        t.facts.status,
        phase.create_requested_at,
        heard=phase.heard_at is not None,
    )
    t.facts = replace(t.facts, window=window)
