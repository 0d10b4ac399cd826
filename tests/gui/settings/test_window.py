"""The settings in a window of their own, until it is closed."""

from __future__ import annotations

import signal
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from helpers.settings_page import usual_theme
from helpers.window_faces import delete, wait_until
from rejoin.gui import roles, theme
from rejoin.gui.qt_application import INTERRUPTED
from rejoin.gui.settings.window import SettingsWindow, run
from rejoin.runtime.settings_file import change


def test_leaving_the_page_closes_it(application: QApplication, tmp_path: Path) -> None:
    with usual_theme(application):
        window = SettingsWindow(tmp_path / "settings.toml")
        window.show()
        closed: list[bool] = []
        window.closed.connect(lambda: closed.append(True))
        window.page.left.emit()
        assert wait_until(lambda: closed == [True], 30)
        assert window.isHidden()
        delete(window)


def shown(application: QApplication) -> SettingsWindow | None:
    found = [each for each in application.topLevelWidgets() if isinstance(each, SettingsWindow)]
    return next((each for each in found if each.isVisible()), None)


def test_it_opens_in_the_players_theme_and_ends_when_it_is_closed(
    application: QApplication, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    change(path, "appearance.theme", "light")
    themes: list[object] = []

    def close() -> None:
        window = shown(application)
        if window is not None:
            themes.append(theme.shown_palette())
            window.close()

    timer = QTimer()
    timer.timeout.connect(close)
    timer.start(20)
    with usual_theme(application):
        assert run(path) == 0
    assert themes == [roles.LIGHT]


def test_ctrl_c_closes_it(application: QApplication, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: signal.raise_signal(signal.SIGINT))
    timer.start(20)
    with usual_theme(application):
        assert run(tmp_path / "settings.toml") == INTERRUPTED
    assert signal.getsignal(signal.SIGINT) is before
