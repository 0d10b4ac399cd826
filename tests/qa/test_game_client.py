"""A client that plays a case: it stores nothing of its user's, and comes back after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.ports import free_port
from rejoin.core.model import EndingKind, Stage
from rejoin.errors import RejoinError
from rejoin.qa.game_client import ClientOptions, GameClient
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile


def a_client(folder: Path) -> GameClient:
    """Its backend is away."""
    url = f"http://127.0.0.1:{free_port()}"
    profile = StudioProfile(url, "token", network=NetworkRules(loopback_only=True))
    return GameClient(profile, folder, ClientOptions())


@leaves_nothing
async def test_waiting_ends_with_the_game(tmp_path: Path) -> None:
    client = a_client(tmp_path)
    client.begin()
    assert not await client.until(lambda now: now.stage is Stage.LIVE, 120.0)
    assert client.player.snapshot.ending is not None
    assert client.player.snapshot.ending.kind is EndingKind.BACKEND_UNREACHABLE
    assert client.observed(client.player.snapshot).ended == "backend_unreachable"
    assert not await client.end(60.0), "there was no game that could be ended"
    await client.stop()
    assert client.records


@leaves_nothing
async def test_waiting_ends_when_its_time_is_up(tmp_path: Path) -> None:
    client = a_client(tmp_path)
    assert not await client.until(lambda now: now.stage is Stage.LIVE, 0.05)
    assert await client.until(lambda now: now.stage is Stage.IDLE, 60.0)


@leaves_nothing
async def test_a_client_without_a_ticket_cannot_crash_and_come_back(tmp_path: Path) -> None:
    client = a_client(tmp_path)
    client.begin()
    with pytest.raises(RejoinError, match="no ticket"):
        await client.crash()
    with pytest.raises(RejoinError, match="no ticket"):
        await client.start_second()
    await client.stop()
