"""The script of the demo: steps, screenshots, timeouts, and the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.trace import Record, of_fault
from rejoin.demo import script
from rejoin.demo.drops import Drops
from rejoin.demo.options import DemoOptions
from rejoin.demo.script import Script
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.errors import RejoinError, ServiceError

CLOSED = Ending(EndingKind.CLOSED_FOR_NOW)


class FakeControl(BlockingEmulatorControl):
    """Remembers the faults instead of injecting them."""

    def __init__(self, error: RejoinError | None = None) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self.faults: list[Fault] = []
        self._error = error

    def inject(self, fault: Fault, session: str | None = None) -> float:
        self.faults.append(fault)
        if self._error is not None:
            raise self._error
        return 5.0


class FakeScreen:
    """Shows what the test sets; a screenshot holds the name of the stage."""

    def __init__(self, *, writable: bool = True) -> None:
        self.snapshot = Snapshot(Stage.STARTING)
        self.closed = False
        self._writable = writable

    def take_picture(self) -> Callable[[Path], bool]:
        shown = self.snapshot.stage.value

        def save(file: Path) -> bool:
            if self._writable:
                file.write_text(shown, encoding="utf-8")
            return self._writable

        return save

    def close(self) -> None:
        self.closed = True


class Scene:
    """A script that runs on a clock that the test moves."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        options: DemoOptions,
        *,
        error: RejoinError | None = None,
        writable: bool = True,
    ) -> None:
        self.now = 1000.0
        monkeypatch.setattr(script, "boot_s", lambda: self.now)
        self.records: list[Record] = []
        self.control = FakeControl(error)
        self.drops = Drops(options.fault, self.control, self.records.append)
        self.script = Script(options, self.drops)
        self.screen = FakeScreen(writable=writable)

    def closed(self) -> bool:
        return self.screen.closed

    def shows(
        self, stage: Stage, for_s: float = 0.0, episode: int = 0, ending: Ending | None = None
    ) -> None:
        """The screen shows this for `for_s`; the script is called ten times a second."""
        self.screen.snapshot = Snapshot(stage, episode=episode, ending=ending)
        until = self.now + for_s
        while True:
            self.script.on_refresh(self.screen)
            self.drops.wait()
            if self.now >= until:
                return
            self.now += 0.1


def test_all_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scene = Scene(monkeypatch, DemoOptions(headless=True, out=tmp_path, drop_after_s=2.0))
    scene.shows(Stage.STARTING, 3.0)
    scene.shows(Stage.LIVE, 1.0)
    assert not scene.control.faults, "it plays for a while first"
    scene.shows(Stage.LIVE, 1.5)
    assert scene.control.faults == [Fault(FaultKind.SILENCE)]
    assert scene.records == [of_fault("silence", 5.0)]
    scene.shows(Stage.LOST, 0.5, episode=1)
    scene.shows(Stage.RECONNECTING, 0.5, episode=1)
    assert scene.script.screenshots == ["live.png"], (
        "compressing a screenshot would delay the reconnect"
    )
    scene.shows(Stage.LIVE, 1.0, episode=1)
    assert not scene.closed(), "it plays on for a moment"
    scene.shows(Stage.LIVE, 1.5, episode=1)
    assert scene.closed()
    assert scene.script.failure is None
    assert scene.script.screenshots == ["live.png", "lost.png", "back.png"]
    written = {file.stem: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    assert written == {"live": "live", "lost": "reconnecting", "back": "live"}


def test_a_drop_that_the_demo_did_not_cause_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scene = Scene(monkeypatch, DemoOptions(headless=True, out=tmp_path, drop_after_s=2.0))
    scene.shows(Stage.LIVE, 1.0)
    scene.shows(Stage.LOST, 2.0, episode=1)
    assert not scene.control.faults, "nothing is dropped while it is not live"
    assert not scene.script.screenshots
    scene.shows(Stage.LIVE, 0.2, episode=1)
    assert len(scene.control.faults) == 1
    scene.shows(Stage.LIVE, 1.0, episode=1)
    assert scene.script.screenshots == ["live.png"], "it is not back before it was gone"
    scene.shows(Stage.LOST, 1.0, episode=2)
    scene.shows(Stage.LIVE, 0.5, episode=2)
    assert scene.script.screenshots == ["live.png", "lost.png", "back.png"]


def test_after_the_last_drop_the_window_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, DemoOptions(drops=2, drop_after_s=1.0))
    scene.shows(Stage.LIVE, 1.2)
    for number in (1, 2):
        scene.shows(Stage.LOST, 1.0, episode=number)
        scene.shows(Stage.LIVE, 3.0, episode=number)
    scene.shows(Stage.LIVE, 60.0, episode=2)
    assert len(scene.control.faults) == 2
    assert not scene.closed(), "the player may go on"
    assert scene.script.failure is None


def test_a_screenshot_shows_the_end_of_a_killed_game(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = DemoOptions(headless=True, out=tmp_path, fault=FaultKind.KILL, drop_after_s=1.0)
    scene = Scene(monkeypatch, options)
    scene.shows(Stage.LIVE, 1.2)
    scene.shows(Stage.ENDED)
    assert scene.closed()
    assert scene.script.failure is None
    assert "ended.png" in scene.script.screenshots


def test_a_game_that_ends_without_a_drop_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault in FaultKind:
        scene = Scene(monkeypatch, DemoOptions(headless=True, fault=fault))
        scene.shows(Stage.LIVE, 1.0)
        scene.shows(Stage.ENDED)
        assert scene.closed()
        assert scene.script.failure == "The game ended early."


def test_a_window_that_the_player_closed_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scene = Scene(monkeypatch, DemoOptions(out=tmp_path))
    scene.shows(Stage.LIVE, 1.0)
    scene.shows(Stage.ENDED, ending=CLOSED)
    assert scene.script.failure is None
    assert not scene.script.screenshots


def test_a_step_has_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, DemoOptions(headless=True))
    scene.shows(Stage.STARTING, 60.0)
    assert scene.closed()
    assert scene.script.failure == "Timed out waiting for the game to be live."


def test_a_fault_that_could_not_be_injected_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ServiceError("The emulator's control API cannot be reached.")
    scene = Scene(monkeypatch, DemoOptions(headless=True, drop_after_s=1.0), error=error)
    scene.shows(Stage.LIVE, 1.5)
    assert scene.closed()
    assert scene.script.failure == str(error)
    assert not scene.records


def test_a_screenshot_that_could_not_be_written_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = DemoOptions(headless=True, out=tmp_path, drops=0, drop_after_s=1.0)
    scene = Scene(monkeypatch, options, writable=False)
    scene.shows(Stage.LIVE, 1.5)
    assert scene.closed()
    assert scene.script.failure == "The screenshot live.png could not be written."
