"""Every way into a phase, with the commands that belong to it.

The functions of the phases decide what an event means and call one of these. These neither read
the event nor call the functions of the phases. Some lead to a different phase than their name says:
`offering` leads to ConfirmingEnd when it is too late for an offer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core import commands, deadline, health, retry
from rejoin.core.engine.transition import Transition
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HardEvidence
from rejoin.core.phases import (
    Attempt,
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Episode,
    Goodbye,
    Live,
    Lost,
    Offering,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    TerminatingSession,
)
from rejoin.core.retry import Action, Failure, Wait
from rejoin.service_model.status import (
    ACTIVATING,
    ACTIVE,
    CONNECTED,
    PENDING_CLIENT_RECONNECTION,
    RECONNECTING,
    TERMINATING,
)

REFUSING = frozenset({ACTIVATING, CONNECTED, RECONNECTING, TERMINATING})
"""Statuses in which the service refuses a create call. In an unknown status one is tried."""

CANNOT_JOIN = frozenset({EndingKind.BAD_ANSWER, EndingKind.UNSUPPORTED_VIDEO})
"""Endings of a game that this client cannot join."""

_NO_WAY_BACK = CANNOT_JOIN | {
    EndingKind.GAME_ENDED,
    EndingKind.NOT_FOUND,
    EndingKind.ENDED_BY_PLAYER,
    EndingKind.CANCELLED,
}
"""Endings after which the ticket is useless: the game is over, or this client cannot join it."""

_OFFERS_AT_ONCE = 3
"""After this many failed tries every further offer waits for a backoff."""

_AFTER_THE_WAIT = (Backoff, Offering, ConfirmingEnd)
"""Phases in which the backoff of the next offer is over or cancelled."""

# --- starting a game ------------------------------------------------------------------------------


def start_offering(t: Transition, until_at: float) -> None:
    connection = t.new_connection()
    t.phase = StartOffering(connection, until_at)
    t.do(commands.MakeOffer(connection))


def start_requesting(t: Transition, attempt: Attempt) -> None:
    budget_s = t.policy.start_connect_timeout_s + t.policy.read_timeout_s
    attempt = replace(attempt, tries=attempt.tries + 1)
    t.phase = StartRequesting(attempt, t.now + budget_s + t.policy.answer_grace_s)
    t.do(
        commands.StartSession(
            attempt.number, attempt.connection, attempt.token, budget_s, attempt.signal_request
        )
    )


def start_backoff(
    t: Transition, attempt: Attempt | None, wait_s: float, retry_after_s: float | None = None
) -> None:
    """Wait, then send the attempt's request again, or make a new offer if it is None."""
    not_before_at = 0.0 if retry_after_s is None else t.now + retry_after_s
    t.phase = StartBackoff(attempt, max(t.now + wait_s, not_before_at), not_before_at)


def placing(t: Transition, attempt: Attempt) -> Placing:
    t.phase = phase = Placing(attempt, started_at=t.now, until_at=t.now)
    return phase


# --- connecting and playing -----------------------------------------------------------------------


def connecting(
    t: Transition,
    connection: ConnectionNumber,
    episode: Episode | None,
    create_requested_at: float,
    signal_response: str,
) -> None:
    """Apply an answer to the connection whose offer it answers (Rule 6)."""
    t.facts = replace(t.facts, unnoticed_until_at=None)
    if episode is not None:
        window = deadline.on_answer(t.facts.window, create_requested_at)
        t.facts = replace(t.facts, window=window)
        if episode.service_released_at is None:
            episode = replace(episode, service_released_at=t.now)
    until_at = connect_until_at(t, t.policy.connect_deadline_s, episode, create_requested_at)
    t.phase = Connecting(connection, episode, create_requested_at, until_at)
    t.do(commands.ApplyAnswer(connection, signal_response))
    if episode is not None:
        t.watch_status(after_s=t.policy.poll_after_answer_s)


def connect_until_at(
    t: Transition, patience_s: float, episode: Episode | None, create_requested_at: float
) -> float:
    """When to give up a connection that does not open, or shows no frame.

    After the answer the second window runs; it began at the earliest with the create call. A dead
    connection must not use up a short window: there has to be time for one more.
    """
    rtt_s = (t.facts.sample.rtt_s if t.facts.sample else None) or 0.0
    until_at = t.now + patience_s + t.policy.connect_deadline_rtts * rtt_s
    timeout_s = t.facts.window.timeout_s
    if episode is None:
        return until_at
    ends_at = t.latest_at(episode)
    least_s = max(t.policy.connect_min_s, t.policy.need_rtt_factor * rtt_s)
    if timeout_s is not None:
        ends_at = min(ends_at, create_requested_at + timeout_s)
        least_s = max(least_s, t.policy.connect_min_share * timeout_s)
    # Half of what is left beyond T_need: the next offer and its backoff must fit in, too.
    spare_s = (ends_at - t.need_s() - t.now) / 2
    return min(until_at, t.now + max(spare_s, least_s))


def live(t: Transition, phase: Connecting) -> None:
    """Rule 7: the new connection is shown, and the old one is closed."""
    if phase.episode is not None:
        t.facts = replace(t.facts, back_at=t.now)
        if phase.episode.old is not None:
            t.close(phase.episode.old)
    t.facts = replace(
        t.facts,
        health=health.healthy(t.now),
        sample=None,
        shown=phase.connection,
        status=None,
        woke_at=None,
        verdict=None,
        window=replace(t.facts.window, checking_since_at=None),
    )
    t.phase = Live(phase.connection, t.now + t.policy.sample_missing_s, t.now)
    t.do(commands.ShowConnection(phase.connection), commands.AttachInput(phase.connection))
    t.save_ticket()


def healed(t: Transition, episode: Episode, old: ConnectionNumber, *, asked: bool) -> None:
    """Rule 2: the old connection is live again; the connections of the attempts are closed.

    `asked`: it may send already, and a key frame was requested.
    """
    t.close_attempts(episode)
    t.do(commands.StopChecks(old))
    if not asked:
        unmute(t, old)
    t.do(commands.AttachInput(old))
    window = replace(t.facts.window, checking_since_at=None)
    t.facts = replace(t.facts, back_at=t.now, window=window, verdict=None)
    t.phase = Live(old, t.now + t.policy.sample_missing_s, t.now)
    t.poll_status_afresh()  # whether the service considers us connected, too


def unmute(t: Transition, old: ConnectionNumber) -> None:
    """Let the old connection send again, and ask for the key frame that its picture needs."""
    t.do(commands.Unmute(old), commands.RequestKeyFrame(old))


# --- dropped --------------------------------------------------------------------------------------


def dropped(t: Transition, phase: Live, cause: HardEvidence | None = None) -> None:
    """The connection that is shown is LOST: an episode begins."""
    sample = t.facts.sample
    dropped_at = t.now if sample is None else min(t.now, sample.last_rtp_at)
    lasted_s = dropped_at - phase.since_at
    if lasted_s >= t.policy.settled_after_s:
        t.facts = replace(t.facts, failures=0)
    elif lasted_s < t.policy.played_after_s and t.facts.episodes > 0:
        t.count_failure()
    if t.facts.health is not None:
        t.facts = replace(t.facts, health=health.lost(t.facts.health, t.now))
    if phase.checking_since_at is None or t.facts.status != CONNECTED:
        t.facts = replace(t.facts, unnoticed_until_at=None)  # known before the drop
    episode = replace(t.new_episode(dropped_at, phase.connection), cause=cause)
    if phase.checking_since_at is None:
        t.do(commands.StartChecks(phase.connection))
    if phase.checking_since_at is None or t.facts.window.checking_since_at is not None:
        t.poll_status_afresh()
    t.do(commands.SuspendInput(phase.connection), commands.Mute(phase.connection))
    lost(t, episode)


def dropped_for_good(t: Transition, phase: Live, cause: HardEvidence) -> None:
    """The player gives the connection up: there is nothing to wait for."""
    dropped(t, phase, cause)
    if isinstance(t.phase, Lost):
        commit(t, t.phase.episode)


def lost(t: Transition, episode: Episode) -> None:
    """Rule 3: commit if the drop is corroborated, else wait in Lost for that."""
    corroborated = t.facts.status in (PENDING_CLIENT_RECONNECTION, ACTIVE)
    # Sleep is not silence: after it, the five seconds count from waking up.
    woke_at = t.facts.window.checking_since_at or episode.dropped_at
    commit_at = max(woke_at, episode.dropped_at) + t.policy.commit_uncorroborated_s
    if episode.cause is not None:
        # The drop is certain: wait for the status only as long as a poll should take.
        patience_s = t.policy.poll_pause_s if t.policy.reports_status else 0.0
        commit_at = min(commit_at, episode.lost_at + patience_s)
    elif t.policy.reports_status and t.is_out_of_reach():
        # Giving it up would gain nothing: only healing could save the game now.
        commit_at = max(commit_at, t.last_start_at(episode))
    if corroborated or t.now >= commit_at:
        commit(t, episode)
    else:
        t.phase = Lost(episode, commit_at)


def commit(t: Transition, episode: Episode) -> None:
    """Give up the old connection: first a goodbye, if the service may consider it connected."""
    released = t.facts.status in (PENDING_CLIENT_RECONNECTION, ACTIVE, RECONNECTING)
    if released:
        episode = replace(episode, service_released_at=t.now)
    if episode.old is not None and not released and episode.goodbye_at is None:
        t.phase = Goodbye(replace(episode, goodbye_at=t.now), t.now + t.policy.goodbye_grace_s)
        t.do(commands.SayGoodbye(episode.old, t.policy.goodbye_times))
        return
    offering(t, episode)


# --- a try ----------------------------------------------------------------------------------------


def offering(t: Transition, episode: Episode) -> None:
    """A fresh offer, if there is still time for one (Rule 5) and the service would accept it.

    After many failed tries a backoff comes first, unless it is over (Rule 18).
    """
    if not t.time_for_a_try(episode):
        confirming_end(t, episode, Ending(EndingKind.UNCONFIRMED))
        return
    if t.continued_elsewhere():
        ended(t, Ending(EndingKind.CONTINUED_ELSEWHERE, status=t.facts.status))
        return
    if t.policy.reports_status and t.facts.status in REFUSING:
        awaiting_service(t, episode)
        return
    if t.facts.failures > _OFFERS_AT_ONCE and not isinstance(t.phase, _AFTER_THE_WAIT):
        backoff_to_new_offer(t, episode)
        return
    connection = t.new_connection()
    t.phase = Offering(episode, t.now + t.policy.connect_deadline_s, connection)
    t.save_ticket(ahead=1)
    t.do(commands.MakeOffer(connection))


def requesting(t: Transition, episode: Episode, attempt: Attempt) -> None:
    """One create request, if there is still time for one (Rule 5)."""
    if not t.time_for_a_try(episode):
        confirming_end(t, episode, Ending(EndingKind.UNCONFIRMED))
        return
    not_before_at = t.create_not_before_at()
    if t.now < not_before_at:
        t.phase = Backoff(episode, not_before_at, attempt)
        return
    session_id = t.facts.session_id
    assert session_id is not None
    t.facts = replace(t.facts, create_sent_at=t.now)
    left_s = t.latest_at(episode) - t.now
    budget_s = t.policy.connect_timeout_s + read_timeout_s(t, left_s)
    attempt = replace(attempt, tries=attempt.tries + 1)
    t.phase = Requesting(episode, t.now + budget_s + t.policy.answer_grace_s, attempt)
    t.do(
        commands.Reconnect(
            session_id,
            attempt.number,
            attempt.tries,
            attempt.connection,
            attempt.token,
            budget_s,
            t.facts.window.shown_at,
            t.now + left_s,
            attempt.signal_request,
        )
    )


def read_timeout_s(t: Transition, left_s: float) -> float:
    """How long to wait for an answer, with `left_s` until the latest deadline.

    A backend that hangs must not use up a short window: a second try must fit in before the shown
    deadline. The time that the service may need (`read_timeout_min_s`) is always allowed.
    """
    longest_s = min(t.policy.read_timeout_s, left_s)
    shown_at = t.facts.window.shown_at
    if shown_at is None or shown_at <= t.now:
        return longest_s
    spare_s = shown_at - t.now - t.need_s() - t.policy.backoff_base_s
    return min(longest_s, max(t.policy.read_timeout_min_s, spare_s - t.policy.connect_timeout_s))


# --- between two tries ----------------------------------------------------------------------------


def backoff_to_new_offer(
    t: Transition,
    episode: Episode,
    wait: Wait = Wait.USUAL,
    *,
    failure: Failure | None = None,
    not_before_at: float = 0.0,
) -> None:
    """Wait, then make a new offer. `not_before_at`: of an earlier Retry-After that still holds."""
    pause = _pause(t, episode, wait, failure)
    if pause is None:
        return
    if t.now < not_before_at:
        pause = replace(pause, until_at=not_before_at, not_before_at=not_before_at)
    t.phase = Backoff(pause.episode, pause.until_at, None, pause.not_before_at)
    t.poll_status()


def backoff_to_same_bytes(
    t: Transition, episode: Episode, attempt: Attempt, wait: Wait, failure: Failure
) -> None:
    """Wait, then send the identical request with the identical token."""
    pause = _pause(t, episode, wait, failure)
    if pause is not None:
        t.phase = Backoff(pause.episode, pause.until_at, attempt, pause.not_before_at)


def backoff_to_poll(
    t: Transition, episode: Episode, attempt: Attempt, wait: Wait, failure: Failure
) -> None:
    """Wait, then poll the status: it may hold the lost answer."""
    pause = _pause(t, episode, wait, failure)
    if pause is None:
        return
    t.phase = watching = AwaitingService(
        pause.episode, pause.until_at, attempt, pause.not_before_at
    )
    if watching.until_at == t.now:
        polling(t, watching)


@dataclass(frozen=True, slots=True)
class _Pause:
    """The backoff before the next try."""

    episode: Episode
    until_at: float
    not_before_at: float = 0.0


def _pause(t: Transition, episode: Episode, wait: Wait, failure: Failure | None) -> _Pause | None:
    """How long to wait, if there is time for a try after it (Rule 5); else confirm the end."""
    wait_s = retry.backoff_s(wait, t.facts.failures, t.policy, t.draw)
    if wait is not Wait.NONE:
        wait_s = max(wait_s, t.create_not_before_at() - t.now)
    if t.behind_firewall() and t.facts.create_sent_at is not None:
        wait_s = max(wait_s, t.facts.create_sent_at + t.firewall_pause_s() - t.now)
    t.count_failure()
    last_start_at = t.last_start_at(episode)
    retry_after_s = None if failure is None else failure.retry_after_s
    if failure is not None and retry_after_s is not None:
        if t.now + retry_after_s > last_start_at:
            confirming_end(t, episode, Ending(EndingKind.BUSY, detail=failure.detail))
            return None
        wait_s = max(wait_s, retry_after_s)
    if t.now >= last_start_at:
        confirming_end(t, episode, Ending(EndingKind.UNCONFIRMED))
        return None
    if t.now + wait_s >= last_start_at:
        # The last try must start before the last moment for one, not exactly at it.
        wait_s = max((last_start_at - t.now) / 2, retry_after_s or 0.0)
    until_at = t.now + wait_s
    return _Pause(episode, until_at, until_at if retry_after_s is not None else 0.0)


def polling(t: Transition, phase: AwaitingService) -> None:
    """Poll the status now, and wait for the answer until the poll's time-out."""
    t.phase = replace(phase, then=Action.POLL_STATUS, until_at=t.watch_until_at(phase.episode))
    t.poll_status()


def awaiting_service(t: Transition, episode: Episode) -> None:
    """The service has not noticed the drop yet: watch its status.

    If our own packets may have kept it from noticing, goodbye is said (Rule 3). The service notices
    a crashed client within `notice_delay_max_s`; if it says CONNECTED for longer, another client is
    connected, and at once if another one has made attempts since the ticket was written (Rule 13).
    """
    rejoin = t.facts.from_ticket
    other_client_connected = (
        rejoin is not None
        and t.facts.attempts == rejoin.attempt
        and t.facts.status == CONNECTED
        and (rejoin.elsewhere or t.now - rejoin.at > t.policy.notice_delay_max_s)
    )
    if other_client_connected or t.continued_elsewhere():
        ended(t, Ending(EndingKind.CONTINUED_ELSEWHERE, status=t.facts.status))
        return
    old, silent_s = episode.old, t.now - episode.dropped_at
    goodbye_said = episode.goodbye_at is not None
    if old is not None and not goodbye_said and silent_s >= t.policy.commit_uncorroborated_s:
        episode = replace(episode, goodbye_at=t.now)
        t.do(commands.SayGoodbye(old, t.policy.goodbye_times))
    until_at = t.watch_until_at(episode)
    t.phase = AwaitingService(episode, until_at, None, then=Action.WAIT_FOR_SERVICE)
    t.watch_status()


# --- the end --------------------------------------------------------------------------------------


def confirming_end(t: Transition, episode: Episode, fallback: Ending) -> None:
    """Rule 9: no more tries; poll the status until the latest deadline."""
    t.close_attempts(episode)
    if not t.policy.reports_status:
        ended(t, fallback)
        return
    patience_at = t.poll_timeout_at()
    if fallback.kind is EndingKind.UNCONFIRMED:
        # There is time for one poll, however late it is: after sleep the network comes up first.
        asleep = t.facts.window.checking_since_at is not None
        least_at = patience_at if asleep else t.now + t.need_s()
        patience_at = max(least_at, t.latest_at(episode))
    t.phase = ConfirmingEnd(episode, patience_at, fallback)
    t.poll_status()


def terminating(t: Transition, ending: Ending) -> None:
    """Have the service end the game, since a running host costs money; then end.

    Rule 15: if the backend has no call for that, the game runs until its time is up and the player
    leaves with the ticket; without one if answer or video cannot be used (`CANNOT_JOIN`), since
    this client cannot rejoin such a game.
    """
    assert t.facts.session_id is not None
    if not t.policy.can_terminate:
        if ending.kind in CANNOT_JOIN:
            ended(t, ending)
        else:
            leaving(t)
        return
    t.close_all()
    call_terminate(t, TerminatingSession(ending, t.now, t.surely_over_at(), t.now, tries=0))


def call_terminate(t: Transition, phase: TerminatingSession) -> None:
    """The call that ends the game, once or once more."""
    assert t.facts.session_id is not None
    until_at = t.now + t.policy.terminate_budget_s + t.policy.answer_grace_s
    t.phase = replace(phase, until_at=until_at, tries=phase.tries + 1, again_at=None)
    t.do(commands.TerminateSession(t.facts.session_id, t.policy.terminate_budget_s))


def closed_for_now(t: Transition) -> None:
    """The player leaves; the game may go on. One that never showed a picture is ended instead."""
    if t.never_played():
        terminating(t, Ending(EndingKind.CANCELLED))
    else:
        leaving(t)


def leaving(t: Transition) -> None:
    """The player leaves and may come back with the ticket."""
    t.save_ticket()
    ended(t, Ending(EndingKind.CLOSED_FOR_NOW, status=t.facts.status))


def ended(t: Transition, ending: Ending) -> None:
    """Every end: close what is open, and report why."""
    if ending.kind is EndingKind.UNCONFIRMED and t.facts.episodes > 0 and t.never_played():
        ending = replace(ending, kind=EndingKind.COULD_NOT_CONNECT)  # the game never began
    t.close_all()
    t.phase = Ended(ending)
    if t.facts.session_id is not None and ending.kind in _NO_WAY_BACK:
        t.do(commands.DeleteTicket(t.facts.session_id))
    t.do(commands.Finish(ending))
