"""A card: what it shows, and its keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui import theme
from rejoin.gui.home.contents import GameCard
from rejoin.gui.home.game_card import AddTile, GameTile, initials, tile_gradient

CARD = GameCard("3f2a" * 4, "Lantern Wood", "play.example", "Played today")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Lantern Wood", "LW"),
        ("tide runner (test)", "TR"),
        ("127.0.0.1", "1"),
        ("(x) y", "Y"),
        ("...", ""),
    ],
)
def test_a_game_without_a_picture_has_its_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_each_game_has_colours_of_its_own(application: QApplication) -> None:
    area = QRectF(0, 0, 10, 10)
    one, other = (tile_gradient(key, area).stops() for key in ("3f2a" * 4, "1b2a" * 4))
    assert one != other
    assert one == tile_gradient("3f2a" * 4, area).stops()


def test_the_focus_is_a_ring_and_the_card_is_spoken(application: QApplication) -> None:
    tile = GameTile(CARD)
    tile.resize(290, 185)
    tile.show()
    tile.activateWindow()
    assert wait_until(tile.isActiveWindow, 60.0)
    assert tile.accessibleName() == "Lantern Wood, play.example. Played today"
    tile.clearFocus()
    plain = tile.grab().toImage().pixelColor(145, 0)
    tile.setFocus()
    ring = tile.grab().toImage().pixelColor(145, 0)
    assert ring != plain
    assert ring.name() == theme.name(theme.TEXT)


def test_a_held_key_presses_once(application: QApplication) -> None:
    tile = AddTile()
    tile.show()
    pressed: list[None] = []
    tile.clicked.connect(lambda: pressed.append(None))
    QTest.keyClick(tile, Qt.Key.Key_Return)
    QTest.keyClick(tile, Qt.Key.Key_Space)
    assert len(pressed) == 2
    tile.set_alone(False)
    tile.grab()


def test_the_menu_comes_by_its_button_and_the_right_mouse_button(application: QApplication) -> None:
    tile = GameTile(CARD)
    tile.resize(290, 185)
    tile.show()
    asked: list[None] = []
    tile.more.connect(lambda: asked.append(None))
    tile.more_button.click()
    assert len(asked) == 1
