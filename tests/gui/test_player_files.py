"""Pictures by key and the report: what is saved where, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import CALM_PLAY, NOW, wait_until
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui import saving
from rejoin.gui.bridge import Bridge
from rejoin.gui.layers import Layers
from rejoin.gui.player_files import PlayerFiles
from rejoin.gui.window_options import WindowOptions

PATIENCE_S = 60.0
ENDED = Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED))


class Rig:
    def __init__(self) -> None:
        self.port = FakePort()
        self.bridge = Bridge(self.port)
        options = WindowOptions(reduced_motion=True)
        self.layers = Layers(self.bridge, clock=FakeClock(NOW), options=options)
        self.files = PlayerFiles(self.layers, lambda: "the report", self.layers)
        self.noted: list[str] = []
        self.spoken: list[str] = []
        self.files.noted.connect(self.noted.append)
        self.files.spoken.connect(self.spoken.append)
        self.layers.show()
        self.bridge.open()


@pytest.fixture
def rig(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    for name in ("pictures_folder", "documents_folder", "home_folder"):
        monkeypatch.setattr(saving, name, lambda: tmp_path)
    made = Rig()
    application.processEvents()
    yield made
    made.bridge.close()
    made.layers.close()


def test_a_picture_is_saved_once_and_said(rig: Rig, tmp_path: Path) -> None:
    rig.files.save_picture()
    assert rig.noted == ["There is no picture to save yet"]
    rig.port.show(picture(64, 36))
    assert wait_until(lambda: rig.layers.view.picture is not None, PATIENCE_S)
    rig.files.save_picture()
    assert wait_until(lambda: len(rig.noted) == 2, PATIENCE_S)
    (file,) = tmp_path.iterdir()
    assert rig.noted[1] == f"Saved: {file.name}"
    assert rig.spoken == []


def test_the_report_that_is_saved_is_the_one_on_the_page(rig: Rig, tmp_path: Path) -> None:
    rig.layers.show_snapshot(ENDED, NOW, start_requested=False)
    rig.layers.end.report_wanted.emit()
    page = rig.layers.report_page
    assert page.text.text() == "the report"
    assert rig.spoken[0].startswith("Report a problem.")
    page.save_wanted.emit(page.text.text())
    assert wait_until(lambda: len(rig.spoken) == 2, PATIENCE_S)
    (file,) = tmp_path.iterdir()
    assert file.read_text() == "the report"
    assert page.outcome.text() == rig.spoken[1] == f"Saved: {file.name}"
    assert rig.noted == []
    page.copied.emit()
    assert rig.spoken[2] == "Copied."


def test_how_the_game_went_is_spoken_after_the_end_itself(
    rig: Rig, application: QApplication
) -> None:
    rig.port.current_play = CALM_PLAY
    rig.layers.show_snapshot(ENDED, NOW, start_requested=False)
    assert rig.spoken == [], "the window announces the end first"
    application.processEvents()
    assert rig.spoken == ["Played 42 min, Drops 0, Lost 0 s."]
