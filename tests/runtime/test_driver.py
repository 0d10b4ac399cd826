"""The driver carries out what the engine wants, in order, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from conftest import LogRecords
from helpers.fake_world import FakeWorld
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    SessionId,
    Snapshot,
    Stage,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.core.trace import Record
from rejoin.errors import PeerError
from rejoin.input_protocol.controls import Controls
from rejoin.media.video.picture import PictureSlot
from rejoin.runtime.driver import Driver
from rejoin.service_model.status import Status

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE = ConnectionNumber(1)


class FakeWatch:
    """A watch over a network that changes when the test says so."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.post: Callable[[events.Event], None] = lambda event: None

    def made(self, post: Callable[[events.Event], None]) -> FakeWatch:
        self.post = post
        return self

    def start(self) -> None:
        self.did.append("start")

    def close(self) -> None:
        self.did.append("close")


class Stagehand:
    """A driver on a fake world, and waiting for what it comes to."""

    def __init__(self) -> None:
        self.slept_s = 0.0
        """How long the machine was asleep so far; boot time went on meanwhile."""
        self.world = FakeWorld(self.clock)
        self.records: list[Record] = []
        self.refreshed = 0
        self.addresses = {"127.0.0.1"}
        """What this machine has."""
        self.watch = FakeWatch()
        self.driver = Driver(
            backend=self.world,
            make_peer=self.world.make_peer,
            slot=PictureSlot(),
            clock=self.clock,
            awake=time.monotonic,
            watch=self.watch.made,
            has_address=lambda address: address in self.addresses,
            draw=lambda: 0.0,
            refresh_sign_in=self._refresh,
            on_record=self.records.append,
        )

    def clock(self) -> float:
        return time.monotonic() + self.slept_s

    async def _refresh(self) -> None:
        self.refreshed += 1

    def heard(self, name: str) -> list[Record]:
        """The events of this name that the engine was given."""
        return [record for record in self.records if record.name == name]

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

        monkeypatch.setattr("rejoin.core.engine.step", fail)
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


# --- the machine ----------------------------------------------------------------------------------


def test_the_network_is_watched_from_the_beginning_to_the_end() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        assert hand.watch.did == ["start"]
        hand.watch.post(events.NetworkLost())
        assert hand.driver.snapshot.offline
        assert hand.world.forgotten == 1, "what is pooled belongs to the network that was"
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert hand.watch.did == ["start", "close"]


def test_a_connection_whose_address_is_gone_is_lost_at_once_and_told_once() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.watch.post(events.NetworkFound())
        assert not hand.heard("HardEvidenceSeen"), "it has its address still"
        hand.world.status_now = Status("CONNECTED")
        hand.addresses.clear()
        hand.watch.post(events.NetworkLost())
        hand.watch.post(events.NetworkLost())
        assert hand.driver.snapshot.stage is Stage.LOST
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    (told,) = hand.heard("HardEvidenceSeen")
    assert told.data == {"connection": 1, "evidence": "address_gone", "detail": ""}
    names = [record.name for record in hand.records if record.kind == "event"]
    assert names.index("NetworkLost") < names.index("HardEvidenceSeen")


def test_a_connection_that_was_gathered_nowhere_has_no_address_to_lose() -> None:
    async def script(hand: Stagehand) -> None:
        hand.world.local_addresses = frozenset()
        await hand.stage(Stage.LIVE)
        hand.addresses.clear()
        hand.watch.post(events.NetworkFound())
        assert hand.driver.snapshot.stage is Stage.LIVE
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert not hand.heard("HardEvidenceSeen")


def test_an_answer_for_a_connection_whose_address_is_gone_is_not_tried() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        hand.world.local_addresses = frozenset({"192.0.2.7"})
        hand.driver.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await hand.until(lambda: bool(hand.heard("ConnectionFailed")))
        hand.addresses.add("192.0.2.7")
        await hand.stage(Stage.LIVE, episode=1)
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert "answer" not in hand.world.peers[1].did
    assert hand.heard("ConnectionFailed")[0].data["detail"] == "its address is gone"


def test_sleep_is_noticed_once_with_its_length_and_the_deadline_is_checked_after() -> None:
    seen: list[bool] = []

    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.world.status_now = Status("CONNECTED")
        hand.world.silent = True
        hand.world.answers.clear()
        hand.slept_s += 3600.0
        await hand.until(lambda: bool(hand.heard("Woke")))
        await hand.stage(Stage.LOST)
        await asyncio.sleep(0.2)
        seen.append(hand.driver.snapshot.deadline_checking)
        hand.world.answers.set()
        await hand.until(lambda: bool(hand.heard("StatusArrived")[1:]))
        seen.append(hand.driver.snapshot.deadline_checking)
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    (woke,) = hand.heard("Woke")
    assert woke.data["asleep_s"] == pytest.approx(3600.0, abs=1.0)
    assert seen == [True, False]


def test_a_short_sleep_is_looked_into_and_a_slow_loop_is_no_sleep() -> None:
    async def script(hand: Stagehand) -> None:
        await hand.stage(Stage.LIVE)
        hand.slept_s += 0.5
        time.sleep(1.3)  # noqa: ASYNC251  (a loop that stands still while the machine is awake)
        await asyncio.sleep(0.2)
        assert not hand.heard("Woke")
        hand.slept_s += 2.0
        await hand.until(lambda: bool(hand.heard("Woke")))
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert hand.world.peers[0].did.count("checks") >= 1
    assert len(hand.world.peers) == 1


class SlowDesk:
    """Writes tickets as slowly as the test wants, and knows what it wrote."""

    def __init__(self) -> None:
        self.wrote: list[RejoinState | SessionId] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None

    async def keep(self, seat: RejoinState) -> None:
        await self.free.wait()
        if self.error is not None:
            raise self.error
        self.wrote.append(seat)

    async def drop(self, session_id: SessionId) -> None:
        await asyncio.sleep(0.05)
        self.wrote.append(session_id)


def test_a_create_call_waits_for_its_ticket() -> None:
    desk: list[SlowDesk] = []

    async def script(hand: Stagehand) -> None:
        desk.append(SlowDesk())
        hand.driver._tickets = desk[0]
        await hand.stage(Stage.LIVE)
        await hand.until(lambda: bool(desk[0].wrote))
        hand.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        desk[0].free.clear()
        hand.driver.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await hand.until(lambda: "reconnect 2" in hand.driver._tasks)
        assert hand.world.reconnected == []
        desk[0].free.set()
        await hand.stage(Stage.LIVE, episode=1)
        hand.driver.post(events.EndGameRequested())

    hand, _ = play(script)
    assert [attempt for attempt, _, _ in hand.world.reconnected] == [2]
    attempts = [seat.attempt for seat in desk[0].wrote if isinstance(seat, RejoinState)]
    assert attempts == [1, 1, 2, 2], "started, live, before the attempt, live again"
    assert desk[0].wrote[-1] == "s-1", "dropped with the game, before the driver is done"
    assert tasks.alive() == frozenset()


def test_a_disk_that_hangs_costs_a_second_and_not_the_game() -> None:
    async def script(hand: Stagehand) -> None:
        desk = SlowDesk()
        hand.driver._tickets = desk
        desk.free.clear()
        await hand.stage(Stage.LIVE)
        hand.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        hand.driver.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await hand.stage(Stage.LIVE, episode=1)
        assert desk.wrote == []
        desk.free.set()
        hand.driver.post(events.CloseForNowRequested())

    hand, _ = play(script)
    assert len(hand.world.reconnected) == 1


def test_a_desk_that_fails_is_logged_and_the_game_goes_on(
    expected_logs: LogRecords,
) -> None:
    async def script(hand: Stagehand) -> None:
        desk = SlowDesk()
        desk.error = RuntimeError("a defect")
        hand.driver._tickets = desk
        await hand.stage(Stage.LIVE)
        hand.driver.post(events.CloseForNowRequested())

    _, ending = play(script)
    assert ending.kind is EndingKind.CLOSED_FOR_NOW
    assert "ERROR rejoin.driver: a ticket could not be written" in expected_logs.lines


def test_coming_back_from_a_seat_reaches_the_running_game() -> None:
    hand = Stagehand()
    hand.world.status_now = Status("PENDING_CLIENT_RECONNECTION")

    async def main() -> Ending:
        seat = RejoinState(SessionId("s-1"), AttemptNumber(6), 120.0, boot_s() - 5.0)
        hand.driver.post(events.RejoinRequested(seat))
        running = asyncio.ensure_future(hand.driver.run())
        await hand.stage(Stage.LIVE)
        hand.driver.post(events.CloseForNowRequested())
        return await asyncio.wait_for(running, 10)

    assert asyncio.run(main()).kind is EndingKind.CLOSED_FOR_NOW
    assert [attempt for attempt, _, _ in hand.world.reconnected] == [7]
    assert hand.world.started == []
