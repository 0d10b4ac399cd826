"""The one window of the home, and what keeps its native window when a card draws a game in it."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QRhiWidget, QVBoxLayout, QWidget

from helpers.window_faces import wait_until
from rejoin.gui.card_api import CardApi
from rejoin.gui.home.window import CardHolder, HomeWindow
from rejoin.gui.renderer_choice import Choice, OnCard, OnProcessor

PROCESSOR = OnProcessor("a test")


def test_pages_come_and_go_and_the_home_stays(application: QApplication) -> None:
    window = HomeWindow(PROCESSOR, size=(800, 500))
    window.show()
    page = QWidget()
    window.show_page(page)
    assert window.page is page
    assert page.size() == window.size()
    window.remove_page(page)
    assert window.page is window.home
    hidden = QWidget()
    window.show_page(hidden)
    window.show_page(window.home)
    window.remove_page(hidden)
    assert window.page is window.home


def test_the_first_paint_and_every_wish_are_signals(application: QApplication) -> None:
    window = HomeWindow(PROCESSOR, size=(800, 500))
    heard: list[str] = []
    window.first_painted.connect(lambda: heard.append("painted"))
    window.close_asked.connect(lambda: heard.append("close"))
    window.help_asked.connect(lambda: heard.append("help"))
    window.adding_asked.connect(lambda: heard.append("add"))
    window.show()
    assert wait_until(lambda: heard == ["painted"], 60.0)
    window.repaint()
    QTest.keyClick(window, Qt.Key.Key_F1)
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    window.close()
    assert window.isVisible()
    assert heard == ["painted", "help", "add", "close"]
    game = QWidget()
    window.show_page(game)
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert len(heard) == 4, "a game has its keys for itself"


def test_changes_are_passed_on(application: QApplication) -> None:
    window = HomeWindow(PROCESSOR, size=(800, 500))
    changes: list[QEvent.Type] = []
    window.changed.connect(changes.append)
    QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    assert changes == [], "what it will show was read a moment before"
    window.show()
    window.grab()
    QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    assert QEvent.Type.ActivationChange in changes
    window.hide()


class _Drawn(QRhiWidget):
    """As a game's surface on the card: it comes when the window is shown already."""

    def __init__(self) -> None:
        super().__init__()
        self.setApi(QRhiWidget.Api.OpenGL)


@pytest.mark.x11
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="OpenGL under X")
@pytest.mark.parametrize(("choice", "same"), [(OnCard(CardApi.OPENGL), True), (PROCESSOR, False)])
def test_a_window_made_for_the_card_is_not_made_anew(
    application: QApplication, choice: Choice, same: bool
) -> None:
    window = HomeWindow(choice, size=(800, 500))
    window.show()
    assert wait_until(window.windowHandle().isExposed, 60.0)
    before = int(window.winId())
    game = QWidget()
    QVBoxLayout(game).addWidget(_Drawn())
    window.show_page(game)
    assert wait_until(game.isVisible, 60.0)
    for _ in range(20):
        QApplication.processEvents()
    assert (int(window.winId()) == before) is same
    window.release_card()
    assert window.findChild(CardHolder) is None
    window.hide()
    window.deleteLater()
