"""The window comes back as it was, and the module leaves only what it has entered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import delete
from rejoin.gui.full_screen import FullScreen


@pytest.fixture
def window(application: QApplication) -> Iterator[QWidget]:
    made = QWidget()
    made.show()
    yield made
    delete(made)


def test_a_maximised_window_is_maximised_again(window: QWidget) -> None:
    window.showMaximized()
    screen = FullScreen(window)
    screen.toggle()
    assert window.isFullScreen()
    screen.toggle()
    assert window.isMaximized()


def test_the_module_enters_it_if_it_may_and_leaves_its_own(window: QWidget) -> None:
    screen = FullScreen(window)
    screen.wish(True, lambda: False)
    assert not window.isFullScreen()
    screen.wish(True, lambda: True)
    assert window.isFullScreen()
    screen.wish(False, lambda: False)
    assert not window.isFullScreen()


def test_the_players_own_is_the_players_to_leave(window: QWidget) -> None:
    screen, asked = FullScreen(window), list[int]()

    def ask() -> bool:
        asked.append(1)
        return True

    screen.toggle()
    screen.wish(False, lambda: True)
    assert window.isFullScreen()
    screen.wish(True, ask)
    assert asked == [], "nothing is used up for what is so already"
    screen.toggle()
    screen.wish(True, lambda: True)
    screen.toggle()
    screen.toggle()
    screen.wish(False, lambda: True)
    assert window.isFullScreen(), "the player has entered it again"
