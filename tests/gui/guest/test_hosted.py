"""A window's company: settings are followed, and a click on a notification shows the game."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakePort
from helpers.window_faces import destroy, wait_until
from rejoin.clock import boot_s
from rejoin.gui import main_window
from rejoin.gui.guest import services
from rejoin.gui.guest.hosted import hosted
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.runtime.desktop_bus import NoDesktop
from rejoin.runtime.player_settings import PlayerSettings


def test_a_click_on_a_notification_brings_the_window_to_the_front(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks: list[Any] = []

    def desktop_of(platform: str, *, on_click: Any) -> NoDesktop:
        clicks.append(on_click)
        return NoDesktop()

    monkeypatch.setattr(services, "desktop_of", desktop_of)
    fronts: list[str | None] = []
    monkeypatch.setattr(main_window, "bring_to_front", lambda window, token: fronts.append(token))
    window = RejoinWindow(FakePort())
    window.show()
    settings = FollowedSettings(None, PlayerSettings(mute_in_background=True))
    made = hosted(application, window, settings, boot_s, place=None)
    assert made.following.now.mute_in_background
    desktop = threading.Thread(target=lambda: clicks[0]("a-token"))
    desktop.start()
    desktop.join()
    assert wait_until(lambda: fronts == ["a-token"], 60.0)
    made.close()
    made.close()
    destroy(window)
    clicks[0](None)  # a desktop that is late
    application.processEvents()
    assert fronts == ["a-token"]
