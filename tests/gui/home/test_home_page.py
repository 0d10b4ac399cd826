"""The first page: its columns, its focus by arrows and Tab, and what leaves it."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import wait_until
from rejoin.gui.home.contents import Alive, GameCard, HomeContents
from rejoin.gui.home.game_card import AddTile, GameTile
from rejoin.gui.home.home_page import HomePage

CARDS = tuple(
    GameCard(f"{number:016x}", f"Game {number}", "play.example", "Not played yet")
    for number in range(5)
)
ALIVE = Alive("Your game is still running", "Game 0.", "At least 1:19 to get back", "1:19", 0.5)


@pytest.fixture(name="page")
def _page(application: QApplication) -> HomePage:
    page = HomePage()
    page.resize(1280, 720)
    page.show()
    page.activateWindow()
    assert wait_until(page.isActiveWindow, 60.0)
    return page


def columns(page: HomePage) -> int:
    return len({tile.x() for tile in [*page.tiles, page.add_tile]})


def focused(page: HomePage) -> QWidget:
    found = page.focusWidget()
    assert found is not None
    return found


@pytest.mark.parametrize(("width", "wanted"), [(1280, 4), (1024, 3), (640, 2)])
def test_there_are_as_many_columns_as_there_is_room_for(
    page: HomePage, width: int, wanted: int
) -> None:
    page.show_contents(HomeContents(None, CARDS))
    page.resize(width, 600)
    QApplication.processEvents()
    assert columns(page) == wanted


def test_arrows_move_through_the_cards_and_up_to_the_panel(page: HomePage) -> None:
    page.show_contents(HomeContents(ALIVE, CARDS))
    page.take_focus()
    assert focused(page) is page.panel.button
    for key, wanted in (
        (Qt.Key.Key_Down, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 5),
        (Qt.Key.Key_Right, 5),
        (Qt.Key.Key_Up, 1),
        (Qt.Key.Key_Left, 0),
    ):
        QTest.keyClick(focused(page), key)
        assert focused(page) is [*page.tiles, page.add_tile][wanted]
    QTest.keyClick(focused(page), Qt.Key.Key_Up)
    assert focused(page) is page.panel.button


def test_tab_goes_from_left_to_right_and_down(page: HomePage) -> None:
    page.show_contents(HomeContents(ALIVE, CARDS[:2]))
    page.take_focus()
    seen: list[QWidget] = []
    for _ in range(6):
        QTest.keyClick(focused(page), Qt.Key.Key_Tab)
        seen.append(focused(page))
    first, second = page.tiles
    assert seen[:5] == [first, first.more_button, second, second.more_button, page.add_tile]


def test_enter_and_a_click_play(page: HomePage) -> None:
    played: list[str] = []
    page.played.connect(played.append)
    page.show_contents(HomeContents(None, CARDS))
    page.tiles[1].setFocus()
    QTest.keyClick(page.tiles[1], Qt.Key.Key_Return)
    QTest.mouseClick(page.tiles[2], Qt.MouseButton.LeftButton)
    assert played == [CARDS[1].key, CARDS[2].key]


@pytest.mark.skipif(sys.platform == "win32", reason="there Qt makes a menu key of it")
def test_the_keys_that_help_names_do_it_on_card_and_its_button(page: HomePage) -> None:
    asked: list[str] = []
    page.more.connect(lambda key, at: asked.append(f"menu {key[-1]}"))
    page.renaming.connect(lambda key: asked.append(f"name {key[-1]}"))
    page.removing.connect(lambda key: asked.append(f"remove {key[-1]}"))
    page.show_contents(HomeContents(None, CARDS))
    shift = Qt.KeyboardModifier.ShiftModifier
    for widget in (page.tiles[1], page.tiles[1].more_button):
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_F10, shift)
        QTest.keyClick(widget, Qt.Key.Key_F10)
        QTest.keyClick(widget, Qt.Key.Key_F2)
        QTest.keyClick(widget, Qt.Key.Key_Delete)
    assert asked == ["menu 1", "name 1", "remove 1"] * 2


def test_a_card_that_is_still_there_keeps_its_widget(page: HomePage) -> None:
    page.show_contents(HomeContents(None, CARDS[:2]))
    page.tiles[1].setFocus()
    kept = page.tiles[1]
    renamed = GameCard(CARDS[1].key, "New", "play.example", "Played today")
    page.show_contents(HomeContents(None, (renamed, CARDS[0], CARDS[2])))
    assert page.tiles[0] is kept
    assert kept.hasFocus()
    assert kept.accessibleName() == "New, play.example. Played today"
    page.show_contents(HomeContents(None, (CARDS[0],)))
    assert page.tiles[0].hasFocus()


def test_a_low_window_has_a_lower_panel(page: HomePage) -> None:
    page.show_contents(HomeContents(ALIVE, CARDS[:2]))
    high = page.panel.height()
    page.resize(1024, 600)
    QApplication.processEvents()
    assert page.panel.height() < high
    bottom = page.tiles[0].mapTo(page, page.tiles[0].rect().bottomLeft()).y()
    assert bottom < page.scroll_area.geometry().bottom(), "a row of cards stands whole beneath it"


def test_problems_of_the_file_are_shown(page: HomePage) -> None:
    page.show_contents(HomeContents(None, (), ("Game 1 cannot be used.", "Another.")))
    assert page.problem.text() == "Game 1 cannot be used.\nAnother."
    assert isinstance(page.first_focus(), AddTile)
    page.show_contents(HomeContents(None, CARDS))
    assert isinstance(page.first_focus(), GameTile)


def test_the_keys_at_the_bottom_say_what_enter_does(page: HomePage) -> None:
    page.show_contents(HomeContents(None, ()))
    assert page.enter_hint.text() == "add a game"
    page.show_contents(HomeContents(None, CARDS))
    assert page.enter_hint.text() == "play"
    page.show_contents(HomeContents(ALIVE, CARDS))
    assert page.enter_hint.text() == "continue"
