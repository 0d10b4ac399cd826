"""On a real X display: from the home window into a game of the emulator, out of it, through the
settings, and into the same game again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from helpers.window_faces import wait_until
from rejoin.cli import home as homes
from rejoin.core.model import Stage
from rejoin.core.ticket import BackendAddress
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.home_parts import HomeParts
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.gui.renderer_choice import OnProcessor
from rejoin.gui.settings.page import SettingsPage
from rejoin.gui.surface_choice import PictureOptions, SurfaceUse
from rejoin.runtime import games_file, settings_file
from rejoin.runtime.games import Game
from rejoin.runtime.renderer_memory import RendererMemory
from rejoin.studio.address import Studio
from rejoin.studio.serve import studio

pytestmark = [pytest.mark.live, pytest.mark.x11]

PATIENCE_S = 60.0


@pytest.fixture(name="there")
def _there() -> Iterator[Studio]:
    """A studio on a thread of its own."""
    ready, ended = threading.Event(), threading.Event()
    found: list[Studio] = []

    async def serve() -> None:
        async with studio(EmulatorSettings(width=640, height=360, fps=30)) as made:
            found.append(made)
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield found[0]
    finally:
        ended.set()
        thread.join(PATIENCE_S)


def until(true: Callable[[], bool]) -> None:
    assert wait_until(true, PATIENCE_S)


def change_a_setting(window: HomeWindow) -> None:
    """By mouse and keyboard, on the settings' page of the home."""
    click(next(b for b in window.home.findChildren(QPushButton) if b.text() == "Settings"))
    until(lambda: isinstance(window.page, SettingsPage))
    page = window.page
    assert isinstance(page, SettingsPage)
    page.show_section("sound")
    click(page.shown.rows["sound.mute_in_background"].controls[0])
    assert settings_file.load(settings_file.settings_path()).settings.mute_in_background
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert window.page is window.home


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_a_game_is_left_and_continued_in_one_window(
    there: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    address = BackendAddress(there.backend_url, "ours", "loopback")
    games_file.add(games_file.games_path(), Game("Lantern Wood", address))
    make_application()
    window = HomeWindow(OnProcessor("a test"))
    memory = RendererMemory(tmp_path / "renderer")

    def make_use(options: PictureOptions) -> SurfaceUse:
        return SurfaceUse(options, memory, choice=OnProcessor("a test"))

    jobs = Jobs()
    controller = HomeController(window, HomeParts(homes._make_parts, make_use), jobs)
    gone: list[None] = []
    controller.gone.connect(lambda: gone.append(None))
    window.show()

    def is_live() -> bool:
        page = window.page
        return isinstance(page, RejoinWindow) and page.snapshot.stage is Stage.LIVE

    def session() -> str:
        ticket = controller._last.ticket
        return "" if ticket is None else ticket.rejoin_state.session_id

    try:
        controller.play_game("Lantern Wood", address, there.player_token)
        until(is_live)
        native = int(window.winId())
        window.close()
        assert window.page is window.home
        until(lambda: session() != "")
        first = session()
        assert "At least" in window.home.panel.time.text()
        assert window.home.panel.sentence.text().startswith("Lantern Wood. Last connected")
        assert window.home.tiles[0].card.played == "Played today"

        change_a_setting(window)

        window.home.panel.button.click()
        until(is_live)
        assert int(window.winId()) == native
        page = window.page
        assert isinstance(page, RejoinWindow)
        until(lambda: page.layers.view.painted.pictures > 0)
        window.close()
        until(lambda: session() != "")
        assert session() == first, "it is the same game"
        window.close()
        until(lambda: bool(gone))
    finally:
        jobs.close(PATIENCE_S)
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
