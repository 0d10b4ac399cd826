"""The driver carries out what the engine wants, in order, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from helpers.fake_world import FakeWorld
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.controls import Controls
from rejoin.core.model import (
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    Snapshot,
    Stage,
    Status,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.trace import Record
from rejoin.errors import PeerError
from rejoin.rtc.picture import PictureSlot
from rejoin.runtime.driver import Driver

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE = ConnectionNumber(1)


class Stagehand:
    """A driver on a fake world, and waiting for what it comes to."""

    def __init__(self) -> None:
        self.world = FakeWorld(boot_s)
        self.records: list[Record] = []
        self.refreshed = 0
        self.driver = Driver(
            backend=self.world,
            make_peer=self.world.make_peer,
            slot=PictureSlot(),
            draw=lambda: 0.0,
            refresh_sign_in=self._refresh,
            on_record=self.records.append,
        )

    async def _refresh(self) -> None:
        self.refreshed += 1

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(1000):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never came to it: {self.driver.snapshot}")

    async def stage(self, stage: Stage, episode: int = 0) -> None:
        def there() -> bool:
            shown = self.driver.snapshot
            return shown.stage is stage and shown.episode >= episode

        await self.until(there)


def play(script: Callable[[Stagehand], Awaitable[None]]) -> tuple[Stagehand, Ending]:
    """Run a driver from StartRequested to its end, with a script beside it."""
    hand = Stagehand()

    async def main() -> Ending:
        hand.driver.post(events.StartRequested())
        running = asyncio.ensure_future(hand.driver.run())
        try:
            await script(hand)
            return await asyncio.wait_for(running, 10)
        finally:
            running.cancel()

    return hand, asyncio.run(main())


def test_from_start_to_close_for_now() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        assert hand.driver.snapshot.input_open
        hand.driver.post(events.CloseForNowRequested())

    hand, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert hand.world.peers[0].did == ["answer", "key frame", "shown", "close", "closed"]
    assert hand.world.terminated == 0
    assert tasks.alive() == frozenset()


def test_a_drop_is_answered_with_a_fresh_peer_and_the_old_one_is_closed_after() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        hand.driver.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await hand.stage(Stage.LIVE, episode=1)
        hand.driver.post(events.EndGameRequested())

    hand, ending = play(script)
    assert ending.kind is EndingKind.ENDED_BY_PLAYER
    assert hand.world.terminated == 1
    old, new = hand.world.peers
    assert old.did[-3:] == ["mute", "close", "closed"]
    assert new.did == ["answer", "key frame", "shown", "close", "closed"]
    ((attempt, token, request),) = hand.world.reconnected
    assert (attempt, request) == (2, "offer 2")
    assert len(token) >= 32


def test_silence_is_noticed_by_the_samples_alone() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.world.status_now = Status("CONNECTED")
        hand.world.silent = True
        await hand.stage(Stage.LOST)
        hand.world.silent = False
        await hand.stage(Stage.LIVE)
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert len(hand.world.peers) == 1, "it healed"
    assert "unmute" in hand.world.peers[0].did


def test_the_numbers_are_those_of_the_connection_that_is_shown() -> None:
    async def script(hand: Stagehand) -> None:
        assert hand.driver.statistics() is None
        await hand.stage(Stage.LIVE)
        await hand.until(lambda: hand.driver.statistics() is not None)
        numbers = hand.driver.statistics()
        assert numbers is not None
        assert numbers.connection == hand.world.peers[-1].number
        assert numbers.connected
        hand.driver.post(events.CloseForNowRequested())

    play(script)


def test_controls_go_to_the_connection_that_is_shown() -> None:
    held = Controls(keys=frozenset({4}))

    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        await asyncio.to_thread(hand.driver.set_controls, held)
        await hand.until(lambda: bool(hand.world.peers[0].controls))
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert hand.world.peers[0].controls == [held]


def test_listeners_get_the_present_and_every_change_and_may_leave() -> None:
    seen: list[Stage] = []

    async def script(hand: Stagehand) -> None:
        def listen(shown: Snapshot) -> None:
            seen.append(shown.stage)

        leave = hand.driver.subscribe(listen)
        await hand.stage(Stage.LIVE)
        leave()
        hand.driver.post(events.CloseForNowRequested())

    play(script)
    assert seen[0] in (Stage.IDLE, Stage.STARTING)
    assert seen[-1] is Stage.LIVE
    assert Stage.ENDED not in seen


def test_events_from_other_threads_and_after_the_end_do_no_harm() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        thread = threading.Thread(target=hand.driver.post, args=(events.CloseForNowRequested(),))
        thread.start()
        thread.join()

    hand, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    hand.driver.post(events.TryNowRequested())
    hand.driver.set_controls(Controls())


def test_a_failure_of_the_backend_comes_back_as_the_end() -> None:
    async def script(hand: Stagehand) -> None:
        hand.world.failure = Failure(FailureKind.FORBIDDEN, detail="no")

    _, ending = play(script)
    assert (ending.kind, ending.detail) == (EndingKind.NOT_ALLOWED, "no")


def test_a_refused_sign_in_is_refreshed_before_the_call_is_repeated() -> None:
    async def script(hand: Stagehand) -> None:
        hand.world.failure = Failure(FailureKind.UNAUTHENTICATED)

    hand, ending = play(script)
    assert ending.kind is EndingKind.SIGN_IN_NEEDED
    assert hand.refreshed == 1


def test_an_offer_that_cannot_be_made_is_said_in_its_own_words() -> None:
    async def script(hand: Stagehand) -> None:
        hand.world.offer_error = PeerError("This machine has no network address to connect from.")

    _, ending = play(script)
    assert ending.kind is EndingKind.INTERNAL
    assert "no network address" in ending.detail


def test_a_bug_in_a_call_is_logged_and_does_not_hang_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(hand: Stagehand) -> None:
        hand.world.call_error = ZeroDivisionError("secret detail")

    _, ending = play(script)
    assert ending.kind is EndingKind.BACKEND_UNREACHABLE
    assert "secret detail" not in ending.detail
    assert "failed unexpectedly" in caplog.text


def test_an_answer_that_cannot_be_used_ends_the_start() -> None:
    hand = Stagehand()
    hand.world.connects = False

    async def main() -> Ending:
        hand.driver.post(events.StartRequested())
        running = asyncio.ensure_future(hand.driver.run())
        await hand.until(lambda: any("answer" in peer.did for peer in hand.world.peers))
        hand.driver.post(events.AnswerRefused(ONE, "no fingerprint"))
        return await asyncio.wait_for(running, 10)

    ending = asyncio.run(main())
    assert (ending.kind, ending.detail) == (EndingKind.BAD_ANSWER, "no fingerprint")


def test_the_end_waits_for_peers_that_close_slowly() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.world.close_takes_s = 0.2
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert hand.world.peers[0].did[-1] == "closed"


def test_a_listener_and_a_peer_that_fail_do_not_stop_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(hand: Stagehand) -> None:
        def fail(_: Snapshot) -> None:
            raise RuntimeError("a listener")

        hand.driver.subscribe(fail)
        await hand.stage(Stage.LIVE)
        hand.world.sample_error = RuntimeError("a sample")
        await asyncio.sleep(0.2)
        hand.world.sample_error = None
        hand.world.status_now = Status("CONNECTED")
        hand.world.silent = True
        await hand.stage(Stage.LOST)
        hand.driver.post(events.CloseForNowRequested())

    _, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert "a listener failed" in caplog.text
    assert "could not be sampled" in caplog.text


def test_a_fault_of_the_engine_ends_the_game_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("rejoin.core.session.step", fail)
        await hand.stage(Stage.ENDED)

    hand, ending = play(script)
    assert (ending.kind, ending.detail) == (EndingKind.INTERNAL, "ZeroDivisionError")
    assert hand.world.peers[0].did[-1] == "closed"
    assert "the engine failed" in caplog.text


def test_cancelling_the_run_closes_the_peers() -> None:
    hand = Stagehand()

    async def main() -> None:
        hand.driver.post(events.StartRequested())
        running = asyncio.ensure_future(hand.driver.run())
        await hand.stage(Stage.LIVE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert hand.world.peers[0].did[-1] == "closed"
