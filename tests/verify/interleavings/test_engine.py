"""What the model reads from the engine's states."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import events
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HardEvidence, HealthLevel
from rejoin.core.phases import ConfirmingEnd, Ended, State, episode_of
from rejoin.verify.interleavings import engine
from rejoin.verify.interleavings.system import Budget, live

ONE = ConnectionNumber(1)
PLAYING = live(Budget())
NOW = PLAYING.now
LIVE = PLAYING.clients[0].state
CLOSED = events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)


def test_a_game_that_is_played() -> None:
    assert engine.playing_on(LIVE) == ONE
    assert engine.connecting_on(LIVE) is None
    assert engine.old_connection(LIVE) is None
    assert engine.has_timer(LIVE)
    assert engine.describe(LIVE) == "Live"
    wakeup_at = engine.next_wakeup(LIVE)
    assert wakeup_at is not None
    assert wakeup_at > NOW


def test_a_drop_has_an_old_connection_and_a_last_moment_for_a_request() -> None:
    lost, _ = engine.step(LIVE, CLOSED, NOW + 1.0)
    assert engine.playing_on(lost) is None
    assert engine.old_connection(lost) == ONE
    episode = episode_of(lost.phase)
    assert episode is not None
    assert engine.last_start_at(lost) == NOW + 10.0 + 20.0 - engine.POLICY.need_unmeasured_s
    unknown = replace(lost.facts, window=replace(lost.facts.window, timeout_s=None))
    assert engine.last_start_at(State(lost.phase, unknown)) is None


def test_facts_without_effect_on_the_future_are_cleared() -> None:
    stale = events.ConnectionOpened(ConnectionNumber(7))
    after, _ = engine.step(LIVE, stale, NOW)
    assert after == LIVE
    assert after.facts.stale_events == 0


def test_a_new_client_and_one_that_is_over() -> None:
    fresh = engine.new_state(100)
    assert fresh.facts.connections == 100
    assert not engine.has_timer(fresh)
    over = State(Ended(Ending(EndingKind.NOT_FOUND)))
    assert engine.ending_of(over) == Ending(EndingKind.NOT_FOUND)
    assert engine.ending_of(LIVE) is None
    assert engine.describe(over) == "not_found"
    assert not engine.waits_for_create(LIVE)


def test_a_connection_that_is_live_again_has_healed() -> None:
    lost, _ = engine.step(LIVE, events.Sampled(ONE, engine.sample(NOW, NOW)), NOW + 1.0)
    assert engine.old_connection(lost) == ONE
    assert engine.healed_connection(LIVE, lost) is None
    later = NOW + 1.2
    back, _ = engine.step(lost, events.Sampled(ONE, engine.sample(later, later)), later)
    assert engine.healed_connection(lost, back) == ONE
    assert engine.healed_connection(LIVE, back) is None


def test_the_deadline_that_the_player_sees() -> None:
    assert engine.shown_deadline_at(LIVE) is None
    lost, _ = engine.step(LIVE, CLOSED, NOW + 1.0)
    assert engine.shown_deadline_at(lost) == NOW + 10.0
    checking = replace(lost.facts, window=replace(lost.facts.window, checking_since_at=NOW))
    assert engine.shown_deadline_at(State(lost.phase, checking)) is None


def test_a_client_that_only_confirms_the_end() -> None:
    lost, _ = engine.step(LIVE, CLOSED, NOW + 1.0)
    assert not engine.only_confirms(lost)
    episode = episode_of(lost.phase)
    assert episode is not None
    unconfirmed = ConfirmingEnd(episode, NOW + 30.0, Ending(EndingKind.UNCONFIRMED))
    assert engine.only_confirms(State(unconfirmed, lost.facts))
    other = replace(unconfirmed, fallback=Ending(EndingKind.NOT_FOUND))
    assert not engine.only_confirms(State(other, lost.facts))


def test_what_a_state_knows() -> None:
    assert engine.shown_connection(LIVE) == ONE
    assert engine.connections_used(LIVE) == 1
    assert engine.has_session(LIVE)
    assert not engine.has_session(engine.new_state(0))
    assert engine.health_of(LIVE).level is HealthLevel.HEALTHY
