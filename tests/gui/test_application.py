"""Starting and ending the program: with a display, without one, and with Ctrl+C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from helpers.fake_pads import FakePads
from helpers.fake_port import FakePort
from helpers.window_faces import LIVE
from rejoin.core.events import CloseForNowRequested, NetworkLost, StartRequested
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.errors import NoDisplayError
from rejoin.gui import application as program
from rejoin.gui.application import run
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import INTERRUPTED
from rejoin.gui.surface_choice import SurfaceUse
from rejoin.gui.window_options import WindowOptions


def test_a_program_without_a_display_exits_with_a_sentence_and_does_not_abort() -> None:
    code = (
        "from rejoin.gui.application import run\n"
        "from rejoin.errors import NoDisplayError\n"
        "import sys\n"
        "try:\n"
        "    run(None)\n"
        "except NoDisplayError as error:\n"
        "    print(error)\n"
        "    sys.exit(error.exit_code)\n"
    )
    kept = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in kept}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == NoDisplayError.exit_code
    assert done.stdout.startswith("There is no display")
    assert done.stderr == ""


class Player:
    """Does one thing once the game is live, and ends the game as the engine would."""

    def __init__(self, port: FakePort, snapshot: Snapshot) -> None:
        self.port, self.snapshot = port, snapshot
        self.seen: list[Stage] = []

    def __call__(self, window: RejoinWindow) -> None:
        stage = window.snapshot.stage
        if not self.seen:
            self.port.publish(self.snapshot)
        if stage not in self.seen:
            self.seen.append(stage)
            if stage is Stage.LIVE:
                self.act(window)
        if self.port.events[-1:] == [CloseForNowRequested()] and Stage.ENDED not in self.seen:
            self.port.publish(Snapshot(Stage.ENDED, ending=Ending(EndingKind.CLOSED_FOR_NOW)))

    def act(self, window: RejoinWindow) -> None:
        window.close()


def test_it_runs_until_the_window_is_closed(application: QApplication) -> None:
    port = FakePort()
    player = Player(port, LIVE)
    assert run(port, start=True, after_refresh=player) == 0
    assert port.events == [StartRequested(), CloseForNowRequested()]
    assert Stage.LIVE in player.seen
    assert port.listeners == []


def test_the_gamepads_follow_the_game_and_are_stopped_at_the_end(
    application: QApplication,
) -> None:
    port, pads = FakePort(), FakePads()
    assert run(port, WindowOptions(pads=pads), start=True, after_refresh=Player(port, LIVE)) == 0
    said = [each for each in pads.said if not each.startswith("focus")]
    assert said[0] == "open"
    assert said[-2:] == ["close", "stop"]


def test_a_window_that_cannot_be_made_leaves_no_mark_of_a_crash(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[SurfaceUse] = []

    def broken(*_: object, **__: object) -> None:
        assert closed == []
        raise ZeroDivisionError

    def close(use: SurfaceUse) -> None:
        closed.append(use)

    monkeypatch.setattr(program, "RejoinWindow", broken)
    monkeypatch.setattr(SurfaceUse, "close", close)
    with pytest.raises(ZeroDivisionError):
        run(FakePort())
    assert len(closed) == 1


def test_ctrl_c_closes_for_now(application: QApplication) -> None:
    class Interrupting(Player):
        def act(self, window: RejoinWindow) -> None:
            signal.raise_signal(signal.SIGINT)

    port = FakePort()
    before = signal.getsignal(signal.SIGINT)
    assert run(port, after_refresh=Interrupting(port, LIVE)) == INTERRUPTED
    assert port.events == [CloseForNowRequested()]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait_for_the_engine(application: QApplication) -> None:
    class Deaf(Player):
        def __call__(self, window: RejoinWindow) -> None:
            if not self.port.events:
                self.port.publish(self.snapshot)
            if window.snapshot.stage is Stage.LIVE:
                signal.raise_signal(signal.SIGINT)

    port = FakePort()
    assert run(port, after_refresh=Deaf(port, LIVE)) == INTERRUPTED
    assert port.events == [CloseForNowRequested()]


def test_screenshots_can_be_taken_while_it_runs(application: QApplication, tmp_path: Path) -> None:
    class Photographing(Player):
        def act(self, window: RejoinWindow) -> None:
            assert window.save_picture(tmp_path / "live.png")
            window.close()

    port = FakePort()
    assert run(port, after_refresh=Photographing(port, LIVE)) == 0
    assert (tmp_path / "live.png").read_bytes().startswith(b"\x89PNG")


def test_what_qt_reports_about_the_network_is_posted_only_if_requested(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Network(QObject):
        reachabilityChanged = Signal(object)
        transportMediumChanged = Signal(object)

        def reachability(self) -> SimpleNamespace:
            return SimpleNamespace(name="Disconnected")

    def leave(window: RejoinWindow) -> None:
        window.close()

    network = Network()
    monkeypatch.setattr(program, "qt_network", lambda: network)
    for wanted, posted in ((True, [NetworkLost()]), (False, [])):
        port = FakePort()
        assert run(port, network_hint=wanted, after_refresh=leave) == 0
        assert port.events[: len(posted)] == posted
        assert (NetworkLost() in port.events) is wanted
