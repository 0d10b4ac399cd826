"""All that the model uses of the reconnect engine: its step, its timer, and what a state means."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import commands, engine, events
from rejoin.core.engine.healing import may_heal
from rejoin.core.health import Health, LostBecause, rtp_is_back
from rejoin.core.model import (
    ConnectionNumber,
    ConnectionSample,
    Ending,
    EndingKind,
    HardEvidence,
    Policy,
)
from rejoin.core.phases import (
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Facts,
    Idle,
    Live,
    Offering,
    Requesting,
    State,
    episode_of,
)

_MANY = 5
"""With this many failures the backoff has reached its cap: more make no difference."""

POLICY = Policy(notice_delay_max_s=20.0, ticket_every_s=1e9)


def step(
    state: State, event: events.Event, now: float
) -> tuple[State, tuple[commands.Command, ...]]:
    """One step of the engine. Facts that have no effect on what follows are cleared, so that states
    which differ only in them count as one."""
    after, todo = engine.step(state, event, now, POLICY, _half)
    facts = replace(
        after.facts,
        health=_that_matters(after.facts.health, now),
        frozen_reconnected_at=None if after.facts.frozen_reconnected_at is None else 0.0,
        latencies_s=(),
        stale_events=0,
        back_at=None,
        ticket_saved_at=0.0,
        unnoticed_until_at=None,
        failures=min(after.facts.failures, _MANY),
        failed_polls=min(after.facts.failed_polls, _MANY),
        unheard_attempts=min(after.facts.unheard_attempts, POLICY.firewall_attempts),
        create_sent_at=_while_it_matters(after.facts, now),
    )
    return State(after.phase, facts), todo


def _while_it_matters(facts: Facts, now: float) -> float | None:
    """When the newest create call was sent, as long as the next one has to wait for that."""
    sent_at = facts.create_sent_at
    if sent_at is None or now - sent_at >= POLICY.firewall_every_s:
        return None
    slow = facts.unheard_attempts >= POLICY.firewall_attempts
    return sent_at if slow or now - sent_at < POLICY.create_apart_s else None


def _that_matters(health: Health | None, now: float) -> Health | None:
    """The detector's memory without what only the window shows, and what is over."""
    if health is None:
        return None
    froze_at = health.froze_at
    if froze_at is not None and now - froze_at[1] >= POLICY.frozen_again_within_s:
        froze_at = None
    moves_at = None if health.frozen is None else health.moves_since_at
    return replace(
        health, froze_at=froze_at, moves_since_at=moves_at, trouble=None, trouble_since_at=None
    )


def next_wakeup(state: State) -> float | None:
    return engine.next_wakeup(state)


def new_state(connections: int) -> State:
    """A client that was just started. Its connections are numbered from `connections` + 1."""
    return State(facts=Facts(connections=connections))


def sample(
    packet_at: float,
    rtp_at: float,
    frame_at: float | None = None,
    *,
    answered_at: float | None = None,
    answered: bool = True,
    refused: bool = False,
    missing: float = 0.0,
) -> ConnectionSample:
    """A sample that shows when the last packet, media packet and frame arrived, and when the newest
    check was sent that was answered; by default all when the media packet was.

    `answered`: checks are answered now. `refused`: the system refuses to send. `missing`: the share
    of the picture's packets that are lost.
    """
    proved_at = rtp_at if answered_at is None else answered_at
    return ConnectionSample(
        packet_at,
        rtp_at,
        rtp_at if frame_at is None else frame_at,
        1,
        1 / 60,
        0.04,
        0.0,
        proved_sent_at=proved_at,
        unanswered_since_at=None if answered else proved_at,
        sends_fail_since_at=proved_at if refused else None,
        video_missing=missing,
    )


def playing_on(state: State) -> ConnectionNumber | None:
    """The connection on which the player plays."""
    return state.phase.connection if isinstance(state.phase, Live) else None


def live_since_at(state: State) -> float:
    """Since when the player plays on the connection that is shown."""
    assert isinstance(state.phase, Live)
    return state.phase.since_at


def waits_for_answers(state: State) -> bool:
    """Whether the dropped connection can heal by an answered check alone."""
    health = state.facts.health
    return health is not None and health.lost_because is LostBecause.NOTHING_SENT_ARRIVES


def waits_for_frame(state: State) -> bool:
    """Whether media of the dropped connection arrives again and only a frame is missing."""
    health, newest = state.facts.health, state.facts.sample
    episode = episode_of(state.phase)
    if health is None or newest is None or episode is None or not may_heal(episode):
        return False
    return rtp_is_back(health, newest)


def may_reconnect_frozen(state: State) -> bool:
    """Whether a frozen picture has not led to a reconnect yet."""
    return state.facts.frozen_reconnected_at is None


def reconnects_frozen(before: State, after: State) -> bool:
    """Whether this step gives a connection up because its picture stands still."""
    episode = episode_of(after.phase)
    frozen = episode is not None and episode.cause is HardEvidence.PICTURE_FROZEN
    return isinstance(before.phase, Live) and frozen


def connecting_on(state: State) -> ConnectionNumber | None:
    """The connection whose answer was applied and which is not up yet."""
    return state.phase.connection if isinstance(state.phase, Connecting) else None


def waits_for_create(state: State) -> bool:
    """Whether a create call is in flight."""
    return isinstance(state.phase, Requesting)


def may_ask(state: State) -> bool:
    """Whether the next thing that this client does is a create call."""
    return isinstance(state.phase, Backoff | Offering | Requesting)


def ending_of(state: State) -> Ending | None:
    """The end, once the client has ended."""
    return state.phase.ending if isinstance(state.phase, Ended) else None


def only_confirms(state: State) -> bool:
    """Whether the client sends no more requests, and will end unconfirmed."""
    phase = state.phase
    return isinstance(phase, ConfirmingEnd) and phase.fallback.kind is EndingKind.UNCONFIRMED


def gives_up_as_busy(state: State) -> bool:
    """Whether the client sends no more requests because the backend is too busy."""
    phase = state.phase
    return isinstance(phase, ConfirmingEnd) and phase.fallback.kind is EndingKind.BUSY


def healed_connection(before: State, after: State) -> ConnectionNumber | None:
    """The old connection, if this step made it live again."""
    playing = playing_on(after)
    if isinstance(before.phase, Live | Connecting) or playing != before.facts.shown:
        return None
    return playing


def shown_connection(state: State) -> ConnectionNumber | None:
    """The connection whose picture is shown."""
    return state.facts.shown


def shown_deadline_at(state: State) -> float | None:
    """The deadline that the player sees during a drop; None while it is being checked."""
    window = state.facts.window
    if isinstance(state.phase, Live) or window.checking_since_at is not None:
        return None
    return window.shown_at


def health_of(state: State) -> Health:
    """The detector's view of the live connection."""
    assert state.facts.health is not None
    return state.facts.health


def connections_used(state: State) -> int:
    """The highest number of a connection so far."""
    return state.facts.connections


def has_session(state: State) -> bool:
    """Whether the client has a game that it could still lose."""
    return state.facts.session_id is not None


def has_timer(state: State) -> bool:
    """Whether I5 requires a timer in this state."""
    return not isinstance(state.phase, Idle | Ended)


def describe(state: State) -> str:
    """The phase, or the kind of ending."""
    ending = ending_of(state)
    return type(state.phase).__name__ if ending is None else ending.kind.value


def old_connection(state: State) -> ConnectionNumber | None:
    """The dropped connection, while it may still become live again."""
    if not has_timer(state) or connecting_on(state) is not None:
        return None
    episode = episode_of(state.phase)
    return None if episode is None else episode.old


def last_start_at(state: State) -> float | None:
    """The last moment for a create request (Rule 5 of the engine: latest deadline - T_need),
    calculated from the facts and independently of the engine."""
    episode, window = episode_of(state.phase), state.facts.window
    if episode is None or window.timeout_s is None:
        return None
    proved_at = episode.dropped_at if window.proved_at is None else window.proved_at
    for at in (window.unseen_until_at, window.renewed_at):
        proved_at = proved_at if at is None else max(proved_at, at)
    latest_at = proved_at + window.timeout_s + POLICY.notice_delay_max_s
    return latest_at - POLICY.need_unmeasured_s


def _half() -> float:
    return 0.5
