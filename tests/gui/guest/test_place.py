"""A window opens where it was, if that screen is there and it fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui.guest.place import place_of, restore
from rejoin.runtime.place_file import Place


@pytest.fixture
def window(application: QApplication) -> Iterator[QWidget]:
    made = QWidget()
    made.setMinimumSize(320, 200)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def room(window: QWidget) -> QRect:
    return window.screen().availableGeometry()


def here(window: QWidget, x: int, y: int, width: int, height: int) -> Place:
    return Place(window.screen().name(), x, y, width, height)


def test_what_was_kept_is_restored(window: QWidget) -> None:
    place = here(window, 30, 40, 500, 300)
    restore(window, place)
    window.show()
    assert place_of(window, None) == place


def test_the_name_of_the_screen_decides_where(window: QWidget, room: QRect) -> None:
    before = window.pos()
    restore(window, Place("a screen that is gone", 30, 40, 500, 300))
    assert window.pos() == before
    assert (window.width(), window.height()) == (500, 300)
    restore(window, here(window, 30, 40, 510, 310), on_screen="another")
    assert window.pos() == before
    assert (window.width(), window.height()) == (510, 310)


def test_it_lies_on_the_screen_and_is_no_larger_or_smaller_than_it_may_be(
    window: QWidget, room: QRect
) -> None:
    restore(window, here(window, 30_000, -30_000, 500, 300))
    assert room.contains(QRect(window.pos(), window.size()))
    restore(window, here(window, 0, 0, 30_000, 30_000))
    assert (window.width(), window.height()) == (room.width(), room.height())
    restore(window, here(window, 0, 0, 1, 1))
    assert (window.width(), window.height()) == (320, 200)


def test_a_maximised_window_keeps_the_place_it_goes_back_to(window: QWidget) -> None:
    place = here(window, 30, 40, 500, 300)
    restore(window, place)
    window.show()
    window.showMaximized()
    kept = place_of(window, place)
    assert kept == Place(place.screen, 30, 40, 500, 300, maximised=True)
    window.hide()
    window.showNormal()
    restore(window, kept)
    assert window.isMaximized()


def test_full_screen_is_no_place(window: QWidget) -> None:
    place = here(window, 30, 40, 500, 300)
    restore(window, place)
    window.show()
    window.showFullScreen()
    assert place_of(window, place) == place


def test_a_window_that_is_not_shown_is_where_it_was(window: QWidget) -> None:
    place = here(window, 1, 2, 500, 300)
    assert place_of(window, None) is None
    assert place_of(window, place) is place
    window.showMinimized()
    assert place_of(window, place) is place
