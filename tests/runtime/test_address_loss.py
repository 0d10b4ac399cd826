"""A connection whose local address is gone is lost at once, and reported once."""

from __future__ import annotations

import pytest

from helpers.running_engine import RunningEngine, play
from rejoin.core import events
from rejoin.core.model import Stage
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_a_connection_whose_address_is_gone_is_lost_at_once_and_reported_once() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.watch.post(events.NetworkFound())
        assert not it.events("HardEvidenceSeen"), "it still has its address"
        it.world.status_now = Status("CONNECTED")
        it.addresses.clear()
        it.watch.post(events.NetworkLost())
        it.watch.post(events.NetworkLost())
        assert it.snapshot.stage is Stage.LOST
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    (reported,) = it.events("HardEvidenceSeen")
    assert reported.data == {"connection": 1, "evidence": "address_gone", "detail": ""}
    names = [record.name for record in it.records if record.kind == "event"]
    assert names.index("NetworkLost") < names.index("HardEvidenceSeen")


def test_an_address_that_was_back_meanwhile_may_be_lost_again() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("CONNECTED")
        for addresses in (set[str](), {"127.0.0.1"}, set[str]()):
            it.addresses.clear()
            it.addresses.update(addresses)
            it.watch.post(events.NetworkFound())
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert len(it.events("HardEvidenceSeen")) == 2


def test_a_connection_that_gathered_no_address_has_none_to_lose() -> None:
    async def script(it: RunningEngine) -> None:
        it.world.local_addresses = frozenset()
        await it.stage(Stage.LIVE)
        it.addresses.clear()
        it.watch.post(events.NetworkFound())
        assert it.snapshot.stage is Stage.LIVE
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert not it.events("HardEvidenceSeen")
