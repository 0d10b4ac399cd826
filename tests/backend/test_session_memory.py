"""What is remembered of a session between two polls."""

from __future__ import annotations

import pytest

from rejoin.backend import session_memory
from rejoin.backend.service import StreamStatus
from rejoin.backend.session_memory import NEW_EPISODE_S, SessionMemories, SessionMemory


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


def test_the_oldest_memory_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_memory, "MAX_REMEMBERED", 2)
    memories = SessionMemories()
    first, second = memories.of("first"), memories.of("second")
    assert memories.of("first") is first
    memories.of("third")
    assert memories.of("second") is second
    assert memories.of("first") is not first
