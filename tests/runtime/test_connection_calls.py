"""Offer, answer and goodbye: each ends in one event, whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from conftest import LogRecords
from helpers.fake_world import FakePeer, FakeWorld
from helpers.running_engine import RunningEngine, play
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HardEvidence, Stage
from rejoin.errors import PeerError
from rejoin.runtime.address_loss import AddressLoss
from rejoin.runtime.connection_calls import ConnectionCalls
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE = ConnectionNumber(1)


class BrokenPeer(FakePeer):
    """Fails with exceptions that it should never raise."""

    async def make_offer(self) -> str:
        raise ZeroDivisionError("secret detail")

    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None:
        raise ZeroDivisionError("secret detail")

    async def say_goodbye(self, times: int) -> None:
        raise ZeroDivisionError("secret detail")


def test_an_offer_that_cannot_be_made_ends_the_start_with_its_sentence() -> None:
    async def script(it: RunningEngine) -> None:
        it.world.offer_error = PeerError("This machine has no network address to connect from.")

    _, ending = play(script)
    assert ending.kind is EndingKind.INTERNAL
    assert "no network address" in ending.detail


async def test_a_second_answer_that_cannot_be_used_ends_the_start() -> None:
    it = RunningEngine()
    it.world.connects = False

    async def main() -> Ending:
        it.engine.post(events.StartRequested())
        running = asyncio.ensure_future(it.engine.run())
        for number in (1, 2):
            await it.until(lambda: len(it.world.peers) == number)  # noqa: B023
            await it.until(lambda: "answer" in it.world.peers[-1].actions)
            it.engine.post(events.AnswerRefused(ConnectionNumber(number), "no fingerprint"))
        return await asyncio.wait_for(running, 60)

    ending = await main()
    assert (ending.kind, ending.detail) == (EndingKind.BAD_ANSWER, "no fingerprint")


def test_an_answer_for_a_connection_whose_address_is_gone_is_not_applied() -> None:
    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        it.world.local_addresses = frozenset({"192.0.2.7"})
        it.engine.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await it.until(lambda: bool(it.events("ConnectionFailed")))
        it.addresses.add("192.0.2.7")
        await it.stage(Stage.LIVE, episode=1)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script)
    assert "answer" not in it.world.peers[1].actions
    assert it.events("ConnectionFailed")[0].data["detail"] == "its local address is gone"


def calls(world: FakeWorld, posted: list[events.Event], *, broken: bool = False) -> ConnectionCalls:
    connections = Connections()
    return ConnectionCalls(
        connections,
        lambda number, post: (BrokenPeer if broken else FakePeer)(world, number),
        ModuleInput(connections, None, lambda event: None),
        AddressLoss(connections, lambda address: True, posted.append),
        posted.append,
        lambda: None,
    )


async def test_a_defect_of_a_peer_is_logged_and_posted_without_its_text(
    expected_logs: LogRecords,
) -> None:
    posted: list[events.Event] = []

    broken = calls(FakeWorld(lambda: 0.0), posted, broken=True)
    await broken.make_offer(ONE)
    await broken.apply_answer(ONE, "answer")
    await broken.say_goodbye(ONE, 3)
    assert posted == [
        events.OfferFailed(ONE, "ZeroDivisionError"),
        events.ConnectionFailed(ONE, "ZeroDivisionError"),
        events.GoodbyeSaid(ONE),
    ]
    assert len(expected_logs.lines) == 3


async def test_a_refused_answer_and_one_that_comes_after_the_close_are_posted() -> None:
    posted: list[events.Event] = []

    it = calls(FakeWorld(lambda: 0.0), posted)
    await it.apply_answer(ONE, "answer to offer 1")
    await it.make_offer(ONE)
    await it.apply_answer(ONE, "answer to offer 2")
    late, offer, refused = posted
    assert late == events.ConnectionFailed(ONE, "the connection was closed")
    assert isinstance(offer, events.OfferMade)
    assert refused == events.AnswerRefused(ONE, "This is not the answer to this offer.")
