"""The open connections: one is shown and gets the controls, closed ones are forgotten."""

from __future__ import annotations

import asyncio

import pytest

from helpers.fake_world import FakeWorld
from helpers.running_engine import RunningEngine, play
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, Stage
from rejoin.input_protocol.controls import Controls
from rejoin.runtime import connections
from rejoin.runtime.connections import Connections

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)
HELD = Controls(keys=frozenset({4}))


def test_controls_go_to_the_connection_that_is_shown() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        await asyncio.to_thread(it.engine.set_controls, HELD)
        await it.until(lambda: bool(it.world.peers[0].controls))
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert it.world.peers[0].controls == [HELD]


def test_showing_another_connection_hides_the_one_before() -> None:
    connections, world = Connections(), FakeWorld(lambda: 0.0)
    old, new = (world.make_peer(number, lambda event: None) for number in (ONE, TWO))
    connections.add(ONE, old)
    connections.add(TWO, new)
    assert connections.shown() is None
    connections.show(ONE)
    connections.show(TWO)
    assert connections.shown() == (TWO, new)
    connections.set_controls(HELD)
    assert (old.actions, new.actions) == (["shown", "hidden"], ["shown"])
    assert (old.controls, new.controls) == ([], [HELD])


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
    connections.set_controls(HELD)
    await asyncio.wait(connections.closing)
    assert peer.actions == ["shown", "close", "closed"]
    assert peer.controls == []


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
