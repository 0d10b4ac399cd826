"""The open connections: one is shown, closed ones are forgotten."""

from __future__ import annotations

import asyncio

import pytest

from helpers.fake_world import FakeWorld
from rejoin import tasks
from rejoin.core.model import ConnectionNumber
from rejoin.runtime import connections
from rejoin.runtime.connections import Connections

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)


def test_showing_another_connection_hides_the_one_before() -> None:
    connections, world = Connections(), FakeWorld(lambda: 0.0)
    old, new = (world.make_peer(number, lambda event: None) for number in (ONE, TWO))
    connections.add(ONE, old)
    connections.add(TWO, new)
    assert connections.shown() is None
    connections.show(ONE)
    connections.show(TWO)
    assert connections.shown() == (TWO, new)
    assert (old.actions, new.actions) == (["shown", "hidden"], ["shown"])


async def test_a_closed_connection_is_neither_shown_nor_open() -> None:
    connections, world = Connections(), FakeWorld(lambda: 0.0)

    peer = world.make_peer(ONE, lambda event: None)
    connections.add(ONE, peer)
    connections.show(ONE)
    connections.close(ONE)
    connections.close(ONE)
    assert connections.all() == ()
    assert connections.get(ONE) is None
    assert connections.shown() is None
    await asyncio.wait(connections.closing)
    assert peer.actions == ["shown", "close", "closed"]


async def test_when_a_connection_has_closed_its_remains_are_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collected: list[bool] = []
    open_, world = Connections(), FakeWorld(lambda: 0.0)
    monkeypatch.setattr(connections, "collect_soon", lambda: collected.append(bool(open_.closing)))
    open_.add(ONE, world.make_peer(ONE, lambda event: None))
    open_.close(ONE)
    assert collected == []
    await asyncio.wait(open_.closing)
    await asyncio.sleep(0)
    assert collected == [False]


async def test_a_close_waits_for_what_was_sent_last() -> None:
    connections, world = Connections(), FakeWorld(lambda: 0.0)
    peer = world.make_peer(ONE, lambda event: None)
    connections.add(ONE, peer)
    sent = asyncio.Event()
    connections.close(ONE, after=tasks.spawn(_wait(sent), name="last bytes"))
    await asyncio.sleep(0)
    assert peer.actions == []
    sent.set()
    await asyncio.wait(connections.closing)
    assert peer.actions == ["close", "closed"]


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
