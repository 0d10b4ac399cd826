"""All that the model uses of the reconnect engine: its step, its timer, and what a state means."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import commands, engine, events
from rejoin.core.health import Health
from rejoin.core.model import ConnectionNumber, ConnectionSample, Ending, EndingKind, Policy
from rejoin.core.phases import (
    ConfirmingEnd,
    Connecting,
    Ended,
    Facts,
    Idle,
    Live,
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
        latencies_s=(),
        stale_events=0,
        back_at=None,
        ticket_saved_at=0.0,
        unnoticed_until_at=None,
        failures=min(after.facts.failures, _MANY),
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


def next_wakeup(state: State) -> float | None:
    return engine.next_wakeup(state)


def new_state(connections: int) -> State:
    """A client that was just started. Its connections are numbered from `connections` + 1."""
    return State(facts=Facts(connections=connections))


def sample(packet_at: float, rtp_at: float) -> ConnectionSample:
    """A sample that shows when the last packet and the last media packet arrived."""
    return ConnectionSample(packet_at, rtp_at, rtp_at, 1, 1 / 60, 0.04, 0.0, proved_sent_at=rtp_at)


def playing_on(state: State) -> ConnectionNumber | None:
    """The connection on which the player plays."""
    return state.phase.connection if isinstance(state.phase, Live) else None


def connecting_on(state: State) -> ConnectionNumber | None:
    """The connection whose answer was applied and which is not up yet."""
    return state.phase.connection if isinstance(state.phase, Connecting) else None


def waits_for_create(state: State) -> bool:
    """Whether a create call is in flight."""
    return isinstance(state.phase, Requesting)


def ending_of(state: State) -> Ending | None:
    """The end, once the client has ended."""
    return state.phase.ending if isinstance(state.phase, Ended) else None


def only_confirms(state: State) -> bool:
    """Whether the client sends no more requests, and will end unconfirmed."""
    phase = state.phase
    return isinstance(phase, ConfirmingEnd) and phase.fallback.kind is EndingKind.UNCONFIRMED


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
