"""What is remembered of a session between two polls."""

from __future__ import annotations

import pytest

from rejoin.backend import session_memory
from rejoin.backend.create_order import Claimed
from rejoin.backend.service import StreamStatus
from rejoin.backend.session_memory import (
    DEFAULT_TIMEOUT_S,
    NEW_EPISODE_S,
    NOTICED_IN_S,
    RELEASED_STATUSES,
    SessionMemories,
    SessionMemory,
)


def test_a_new_status_and_a_new_episode_are_polled_fast() -> None:
    memory = SessionMemory()
    memory.saw(StreamStatus("ACTIVE"), asked_at=9.0, now=10.0)
    assert memory.fast_since_at == 10.0
    memory.saw(StreamStatus("ACTIVE"), asked_at=10.9, now=11.0)
    assert memory.fast_since_at == 10.0
    memory.saw(StreamStatus("CONNECTED"), asked_at=12.0, now=12.5)
    assert memory.fast_since_at == 12.5
    memory.polled_at = 20.0
    memory.client_polls(20.0 + NEW_EPISODE_S)
    assert memory.fast_since_at == 12.5
    memory.client_polls(20.1 + NEW_EPISODE_S)
    assert memory.fast_since_at == 20.1 + NEW_EPISODE_S


def test_the_newest_call_that_reported_connected_counts_from_its_start() -> None:
    memory = SessionMemory()
    memory.saw(StreamStatus("CONNECTED"), asked_at=5.0, now=6.0)
    memory.saw(StreamStatus("CONNECTED"), asked_at=4.0, now=7.0)
    memory.saw(StreamStatus("PENDING_CLIENT_RECONNECTION"), asked_at=8.0, now=9.0)
    assert memory.connected_asked_at == 5.0


def test_a_timeout_is_kept_when_it_is_not_reported_again() -> None:
    memory = SessionMemory()
    memory.saw(StreamStatus("ACTIVE", connection_timeout_s=30.0), asked_at=1.0, now=1.0)
    memory.saw(StreamStatus("ACTIVE"), asked_at=2.0, now=2.0)
    assert memory.connection_timeout_s == 30.0


def test_a_window_is_never_believed_to_end_before_the_backends_own_lower_bound() -> None:
    memory = SessionMemory()
    memory.saw(StreamStatus("CONNECTED", connection_timeout_s=30.0), asked_at=100.0, now=100.2)
    lie, _ = memory.window(Claimed(0.1, 0.1), None, now=105.0)
    assert (lie.shown_s, lie.latest_s) == (25.0, 25.0)
    true, _ = memory.window(Claimed(27.0, 60.0), None, now=105.0)
    assert (true.shown_s, true.latest_s) == (27.0, 60.0)
    late, _ = memory.window(Claimed(2.0, 9.0), None, now=1000.0)
    assert (late.shown_s, late.latest_s) == (2.0, 9.0)


def test_the_connection_timeout_is_the_newest_known_then_the_stored_one() -> None:
    memory = SessionMemory()
    assert memory.window(Claimed(), None, now=1.0)[0].shown_s == DEFAULT_TIMEOUT_S
    assert memory.window(Claimed(), 600.0, now=1.0)[0].shown_s == 600.0
    memory.saw(StreamStatus("ACTIVE", connection_timeout_s=30.0), asked_at=1.0, now=1.0)
    assert memory.window(Claimed(), 600.0, now=1.0)[0].shown_s == 30.0


def released(memory: SessionMemory, window_s: float | None, now: float) -> bool:
    _, connected_at = memory.window(Claimed(window_s, window_s), 30.0, now)
    return memory.is_released(connected_at, now)


@pytest.mark.parametrize("status", sorted(RELEASED_STATUSES))
def test_a_session_is_released_if_a_status_newer_than_its_drop_says_so(status: str) -> None:
    memory = SessionMemory()
    assert not released(memory, 27.0, now=100.0)  # connected until 97 at least
    memory.saw(StreamStatus(status), asked_at=98.0, now=98.1)
    assert released(memory, 27.0, now=100.0)
    assert not released(memory, 29.0, now=100.0)  # the status is of an earlier drop
    memory.saw(StreamStatus("CONNECTED"), asked_at=99.0, now=99.1)
    assert not released(memory, 27.0, now=100.0)


def test_a_session_that_nobody_has_seen_counts_as_released_after_a_while() -> None:
    memory = SessionMemory()
    assert not released(memory, 30.0 - NOTICED_IN_S + 0.1, now=100.0)
    assert released(memory, 30.0 - NOTICED_IN_S, now=100.0)
    assert released(memory, None, now=100.0)  # an older client does not say
    memory.saw(StreamStatus("CONNECTED"), asked_at=99.0, now=99.1)
    assert not released(memory, 1.0, now=100.0)  # a 409 was explained by this
    assert released(memory, 1.0, now=99.0 + NOTICED_IN_S)


def test_a_session_is_released_while_its_client_waits() -> None:
    memory = SessionMemory()
    _, connected_at = memory.window(Claimed(29.0, 60.0), 30.0, now=100.0)
    assert not memory.is_released(connected_at, 100.0 + NOTICED_IN_S - 1.5)
    assert memory.is_released(connected_at, 100.0 + NOTICED_IN_S - 1.0)
    memory.saw(StreamStatus("ACTIVE"), asked_at=101.0, now=101.0)
    assert memory.is_released(connected_at, 101.0)


def test_the_oldest_memory_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_memory, "MAX_REMEMBERED", 2)
    memories = SessionMemories()
    assert memories.known("first") is None
    first, second = memories.of("first"), memories.of("second")
    assert memories.of("first") is memories.known("first") is first
    assert memories.known("made up") is None
    memories.of("third")
    assert memories.of("second") is second
    assert memories.of("first") is not first
