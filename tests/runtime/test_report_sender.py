"""When reports are sent: after the game is back, never during an episode, and each once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from helpers.waiting import eventually
from rejoin.core.model import HealthLevel, Snapshot, Stage
from rejoin.core.reconnect_report import ReconnectReport
from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import BadInputError
from rejoin.runtime.report_queue import ReportQueue
from rejoin.runtime.report_sender import WITHIN_S, ReportSender
from rejoin.signaling.exchange import CallFailedError
from rejoin.signaling.wire import ReportBody

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

URL = "https://games.example"
REPORT = ReconnectReport(
    "silence", None, "rejoined", None, 1.5, 0.9, 1.0, 1.2, attempts=1, tries=1, failures=()
)
LIVE, LOST = Snapshot(Stage.LIVE), Snapshot(Stage.LOST)


class Backend:
    """Takes reports, or fails as a test wants."""

    def __init__(self) -> None:
        self.got: list[ReportBody] = []
        self.calls = 0
        self.closed = 0
        self.fails: list[Failure] = []
        self.hangs: asyncio.Event | None = None

    async def report(self, body: ReportBody, *, budget_s: float) -> None:
        self.calls += 1
        if self.hangs is not None:
            await self.hangs.wait()
        if self.fails:
            raise CallFailedError(self.fails.pop(0))
        self.got.append(body)

    async def aclose(self) -> None:
        self.closed += 1


class Scene:
    """A sender with its queue, and a backend; nothing waits for minutes."""

    def __init__(self, tmp_path: Path, within_s: float = 0.0) -> None:
        self.queue = ReportQueue(URL, tmp_path / "reports")
        self.backend = Backend()
        self.draws = 0
        self.sender = ReportSender(
            self.queue, lambda: self.backend, draw=self._draw, within_s=within_s
        )

    def _draw(self) -> float:
        self.draws += 1
        return 0.5

    async def quiet(self) -> None:
        """Long enough for what would be sent at once."""
        for _ in range(20):
            await asyncio.sleep(0.005)


async def test_a_report_is_sent_once_the_game_is_back(tmp_path: Path) -> None:
    it = Scene(tmp_path)
    it.sender.snapshot_changed(LOST)
    it.sender.episode_ended(REPORT)
    await eventually(lambda: it.queue.waiting() != [])
    await it.quiet()
    assert it.backend.calls == 0
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.backend.closed == 1)
    assert [body.cause for body in it.backend.got] == ["silence"]
    assert it.queue.waiting() == []
    it.sender.snapshot_changed(LIVE)
    await it.quiet()
    assert it.backend.calls == 1
    await it.sender.close()


async def test_it_waits_for_a_random_time_and_an_episode_begins_the_wait_anew(
    tmp_path: Path,
) -> None:
    it = Scene(tmp_path, WITHIN_S)
    it.queue.add(REPORT)
    for _ in range(2):
        it.sender.snapshot_changed(LIVE)
        await it.quiet()
        it.sender.snapshot_changed(LOST)
    assert (it.draws, it.backend.calls) == (2, 0)
    assert len(it.queue.waiting()) == 1
    await it.sender.close()


async def test_a_call_in_flight_is_given_up_when_an_episode_begins(tmp_path: Path) -> None:
    it = Scene(tmp_path)
    it.backend.hangs = asyncio.Event()
    it.queue.add(REPORT)
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.backend.calls == 1)
    it.sender.snapshot_changed(LOST)
    await eventually(lambda: it.backend.closed == 1)
    assert it.backend.got == []
    it.backend.hangs.set()
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.queue.waiting() == [])
    assert len(it.backend.got) == 1
    await it.sender.close()


@pytest.mark.parametrize("health", [HealthLevel.HEALTHY, HealthLevel.DEGRADED])
async def test_while_the_stream_stands_still_nothing_is_sent(
    tmp_path: Path, health: HealthLevel
) -> None:
    it = Scene(tmp_path)
    it.queue.add(REPORT)
    it.sender.snapshot_changed(Snapshot(Stage.LIVE, health=HealthLevel.STALLED))
    await it.quiet()
    assert it.backend.calls == 0
    it.sender.snapshot_changed(Snapshot(Stage.LIVE, health=health))
    await eventually(lambda: it.backend.got != [])
    await it.sender.close()


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.NOT_FOUND, 404),
        Failure(FailureKind.NOT_BACKEND, 404),
        Failure(FailureKind.INVALID, 400),
        Failure(FailureKind.FORBIDDEN, 403),
    ],
)
async def test_a_backend_that_takes_none_gets_it_once(tmp_path: Path, failure: Failure) -> None:
    it = Scene(tmp_path)
    it.backend.fails = [failure]
    it.queue.add(REPORT)
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.backend.closed == 1)
    assert it.queue.waiting() == []
    assert it.backend.got == []
    await it.sender.close()


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.NOT_SENT,
        FailureKind.OUTCOME_UNKNOWN,
        FailureKind.THROTTLED,
        FailureKind.UNAUTHENTICATED,
        FailureKind.NOT_BACKEND,
    ],
)
async def test_a_failure_that_may_pass_is_for_later(tmp_path: Path, kind: FailureKind) -> None:
    it = Scene(tmp_path)
    it.backend.fails = [Failure(kind)]
    it.queue.add(REPORT)
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.queue.waiting() == [])
    assert it.backend.calls == 2
    assert it.draws == 2, "each try at a time of chance"
    assert len(it.backend.got) == 1
    await it.sender.close()


async def test_certificates_that_are_gone_may_come_back(tmp_path: Path) -> None:
    it = Scene(tmp_path)
    it.queue.add(REPORT)
    opened: list[str] = []

    def open_client() -> Backend:
        opened.append(threading.current_thread().name)
        if len(opened) == 1:
            raise BadInputError("It is gone.")
        return it.backend

    it.sender._open_client = open_client
    it.sender.snapshot_changed(LIVE)
    await eventually(lambda: it.backend.closed == 1)
    assert opened == ["report", "report"], "not on the thread of the stream"
    assert it.queue.waiting() == []
    await it.sender.close()


async def test_a_disk_that_fails_costs_the_report_alone(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("in the way of the folder")
    it = Scene(tmp_path)
    it.sender.episode_ended(REPORT)
    it.sender.snapshot_changed(LIVE)
    await it.quiet()
    assert it.backend.calls == 0
    await it.sender.close()
