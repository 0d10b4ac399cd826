"""Snapshots: listeners get the current one and every change, on the loop, until they leave."""

from __future__ import annotations

import asyncio
import threading

import pytest

from helpers.running_engine import RunningEngine, play
from rejoin.core import events
from rejoin.core.model import Snapshot, Stage
from rejoin.runtime.loop_access import LoopAccess
from rejoin.runtime.snapshots import Snapshots

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

IDLE, LIVE = Snapshot(Stage.IDLE), Snapshot(Stage.LIVE)


def test_listeners_get_the_current_snapshot_and_every_change_and_may_leave() -> None:
    seen: list[Stage] = []

    async def script(it: RunningEngine) -> None:
        leave = it.engine.snapshots.subscribe(lambda snapshot: seen.append(snapshot.stage))
        await it.stage(Stage.LIVE)
        leave()
        it.engine.post(events.CloseForNowRequested())

    play(script)
    assert seen[0] in (Stage.IDLE, Stage.STARTING)
    assert seen[-1] is Stage.LIVE
    assert Stage.ENDED not in seen


def test_an_equal_snapshot_is_not_published_again() -> None:
    snapshots = Snapshots(IDLE, LoopAccess())
    seen: list[Snapshot] = []
    snapshots.subscribe(seen.append)
    for snapshot in (IDLE, LIVE, LIVE):
        snapshots.publish(snapshot)
    assert seen == [IDLE, LIVE]
    assert snapshots.current == LIVE


async def test_while_the_loop_runs_listeners_are_called_on_its_thread() -> None:
    called_on: list[int] = []

    access = LoopAccess()
    snapshots = Snapshots(IDLE, access)
    access.enter()

    def listen(_: Snapshot) -> None:
        called_on.append(threading.get_ident())

    await asyncio.to_thread(snapshots.subscribe, listen)
    await asyncio.sleep(0.01)
    leave = await asyncio.to_thread(snapshots.subscribe, listen)
    leave()
    access.leave()
    assert called_on[0] == threading.get_ident()
    assert set(called_on) == {threading.get_ident()}


async def test_a_listener_that_leaves_before_its_first_call_is_never_called() -> None:
    seen: list[Snapshot] = []

    access = LoopAccess()
    snapshots = Snapshots(IDLE, access)
    access.enter()

    def subscribe_and_leave() -> None:
        leave = snapshots.subscribe(seen.append)
        leave()

    thread = threading.Thread(target=subscribe_and_leave)
    thread.start()
    thread.join()  # this blocks the loop, so that the first call has to wait
    await asyncio.sleep(0.01)
    snapshots.publish(LIVE)
    access.leave()
    assert seen == []


async def test_after_the_end_the_last_snapshot_is_delivered_at_once() -> None:
    access = LoopAccess()
    snapshots = Snapshots(IDLE, access)

    access.enter()
    snapshots.publish(LIVE)
    access.leave()
    seen: list[Snapshot] = []
    snapshots.subscribe(seen.append)
    assert seen == [LIVE]
