"""A link that macOS brings as an event opens as one that comes as an argument."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QObject, QTimer, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from rejoin.gui.home import program
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.link_events import LinkEvents
from rejoin.gui.home.step_page import StepPage
from rejoin.runtime.player_settings import PlayerSettings

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example&name=a%20b"


def no_game(game: object) -> object:
    raise AssertionError("nothing is played here")


def test_a_link_is_handed_on_as_it_was_written(application: QApplication) -> None:
    opened: list[str] = []
    parent = QObject()
    events = LinkEvents(parent, opened.append)
    QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(LINK)))
    assert opened == [LINK]
    for other in ("file:///etc/passwd", "https://games.example/"):
        QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(other)))
    assert opened == [LINK]
    events.close()
    QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(LINK)))
    assert opened == [LINK]


def test_on_macos_the_home_takes_them(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "load_beside", lambda: None)
    monkeypatch.setattr(program, "_freeze", lambda: None)
    shown: list[object] = []
    begin = program._begin

    def begun(jobs: object, controller: HomeController, instance: object) -> None:
        begin(jobs, controller, instance)  # type: ignore[arg-type]
        QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(LINK)))
        shown.append(controller._window.page)
        QTimer.singleShot(0, controller.close)

    monkeypatch.setattr(program, "_begin", begun)
    monkeypatch.setattr(program, "LINKS_ARE_EVENTS", True)
    assert program.run(PlayerSettings, no_game) == 0  # type: ignore[arg-type]
    assert isinstance(shown[0], StepPage)
