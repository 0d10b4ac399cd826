"""One window on a real X display, two games of a real studio: the first is ended, *Start again*
plays the second, of which a key saves a picture."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from rejoin.cli.game_options import GameOptions
from rejoin.cli.window import Before, play_in_window
from rejoin.clock import boot_s
from rejoin.core.model import Stage
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.gui import saving
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import launch
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.process import studio_process

pytestmark = [pytest.mark.live, pytest.mark.x11]

PATIENCE_S = 60.0


class Person:
    """Plays until the picture moves, has the first game ended, starts again, and leaves."""

    def __init__(self, control: BlockingEmulatorControl, pictures: Path) -> None:
        self._control = control
        self._pictures = pictures
        self._step = 0
        self._until_at = boot_s() + PATIENCE_S
        self.seen: list[str] = []
        self.key_press: subprocess.Popen[bytes] | None = None
        self.windows: set[int] = set()
        self.drops: int | None = None
        self.figures = False
        self.timer = QTimer()
        self.timer.timeout.connect(self._look)
        self.timer.start(50)

    def _look(self) -> None:
        shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, RejoinWindow)]
        window = next((w for w in shown if w.isVisible()), None)
        if window is None:
            return
        if boot_s() > self._until_at:
            self.seen.append(f"waited too long in {window.snapshot.stage.value}")
            window.close()
            return
        self.windows.add(int(window.winId()))
        self._act(window, window.snapshot.stage)

    def _act(self, window: RejoinWindow, stage: Stage) -> None:
        playing = stage is Stage.LIVE and window.layers.view.painted.pictures > 5
        match self._step:
            case 0 if playing:
                self._next("played")
                self._control.inject(Fault(FaultKind.KILL))
            case 1 if stage is Stage.ENDED:
                end, report = window.layers.end, window.bridge.play_report()
                self._next(end.title.text())
                self.drops = None if report is None else report.drops
                self.figures = end.figures.isVisible()
                end.again_button.click()
            case 2 if playing:
                self._next("played again")
                keys = ("windowfocus", "--sync", str(int(window.winId())), "key", "ctrl+alt+p")
                # X answers once this thread goes on.
                self.key_press = subprocess.Popen(["xdotool", *keys])
            case 3 if any(self._pictures.glob("*.png")) and not window.files.saving.busy:
                self._next("left")
                window.close()
            case _:
                pass

    def _next(self, seen: str) -> None:
        self.seen.append(seen)
        self._step += 1
        self._until_at = boot_s() + PATIENCE_S


def test_another_game_is_played_in_the_same_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(saving, "pictures_folder", lambda: tmp_path / "pictures")
    make_application()
    stats = tmp_path / "numbers.csv"
    with studio_process(notice_silent_client_s=1.0, connection_timeout_s=30.0) as there:
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        profile = StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )
        person = Person(control, tmp_path / "pictures")
        claim = launch.claim_game(profile)
        assert isinstance(claim, launch.Claimed)
        game = GameToPlay(profile, open_here=claim.instance)
        options = GameOptions(decoder="software", renderer="software", gamepads=False)
        with click.Context(click.Command("play")):  # which has the player's settings
            code = play_in_window(game, options, Before(profile), stats=stats)
        person.timer.stop()
        assert person.key_press is not None
        assert person.key_press.wait(PATIENCE_S) == 0
        sessions = control.state()["sessions"]
    assert person.seen == [
        "played",
        "The game has ended: the game closed or crashed",
        "played again",
        "left",
    ]
    assert code == 0
    assert (person.drops, person.figures) == (0, True), "a game that exits is no drop"
    assert len(person.windows) == 1
    assert len(sessions) == 2, "each game has a stream session of its own"
    again = launch.claim_game(profile)
    assert isinstance(again, launch.Claimed), "the game is open nowhere any more"
    again.instance.release()
    (file,) = (tmp_path / "pictures").iterdir()
    image = QImage(str(file))
    assert (image.width(), image.height()) == (1280, 720)
    headers = [line for line in stats.read_text().splitlines() if line.startswith("at_s")]
    assert len(headers) == 1, "the numbers of the second game go on in the same file"
