"""The layout of the menu: its panel, charts beside it or in its place, and full pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from helpers.menu_scene import fill
from helpers.window_faces import NOW, delete
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.menu.entries import MenuAction, MenuState
from rejoin.gui.menu.history import History
from rejoin.gui.menu.menu_layer import MenuLayer


@pytest.fixture
def layer(application: QApplication) -> Iterator[MenuLayer]:
    history = History()
    fill(history)
    made = MenuLayer(history, lambda: NOW, KeysDown())
    made.resize(1280, 720)
    made.open()
    made.appear()
    made.activateWindow()
    QCoreApplication.processEvents()
    made.show_state(MenuState())
    yield made
    delete(made)


def resize(layer: MenuLayer, width: int, height: int) -> None:
    layer.resize(width, height)
    QCoreApplication.processEvents()


def test_opened_it_is_the_panel_alone_with_the_focus_on_the_way_back(layer: MenuLayer) -> None:
    assert layer.panel.isVisible()
    assert not layer.statistics.isVisible()
    assert layer.panel.buttons[MenuAction.RESUME].hasFocus()


@pytest.mark.parametrize("size", [(1280, 720), (1024, 600), (3840, 2160)])
def test_charts_stand_beside_the_panel_and_both_are_inside(
    layer: MenuLayer, size: tuple[int, int]
) -> None:
    resize(layer, *size)
    layer.show_statistics(True)
    panel, charts = layer.panel.geometry(), layer.statistics.geometry()
    assert panel.right() < charts.left()
    assert layer.rect().contains(panel)
    assert layer.rect().contains(charts)
    assert layer.shows_statistics


def test_where_there_is_no_room_charts_take_the_panels_place_and_escape_brings_it_back(
    layer: MenuLayer,
) -> None:
    resize(layer, 640, 400)
    layer.show_statistics(True)
    assert not layer.panel.isVisible()
    assert layer.statistics.back.hasFocus()
    QTest.keyClick(layer.statistics.back, Qt.Key.Key_Escape)
    assert layer.panel.isVisible()
    assert not layer.shows_statistics


def test_a_window_that_becomes_narrow_shows_one_of_the_two(layer: MenuLayer) -> None:
    layer.show_statistics(True)
    resize(layer, 640, 400)
    assert (layer.panel.isVisible(), layer.statistics.isVisible()) == (False, True)
    resize(layer, 1280, 720)
    assert (layer.panel.isVisible(), layer.statistics.isVisible()) == (True, True)


def test_a_page_has_all_the_room_until_it_is_left(layer: MenuLayer) -> None:
    page = QWidget()
    layer.panel.buttons[MenuAction.SETTINGS].click()
    layer.show_page(page)
    assert page.geometry() == layer.rect()
    assert (layer.page, layer.panel.isVisible()) == (page, False)
    resize(layer, 800, 600)
    assert page.geometry() == layer.rect()
    layer.leave_page()
    assert layer.page is None
    assert layer.panel.buttons[MenuAction.SETTINGS].hasFocus(), "where it was opened from"


def test_a_card_covers_it_and_afterwards_it_is_as_before(layer: MenuLayer) -> None:
    page = QPushButton("on a page")
    layer.show_page(page)
    layer.disappear()
    assert not layer.isVisible()
    layer.appear()
    assert page.isVisible()
    assert layer.window().focusWidget() is page


def test_presses_beside_the_panel_are_for_nobody(layer: MenuLayer) -> None:
    shut: list[bool] = []
    layer.shut.connect(lambda: shut.append(True))
    QTest.mouseClick(layer, Qt.MouseButton.LeftButton, pos=layer.rect().center())
    assert shut == []
    assert layer.isVisible()


def test_closed_it_is_gone_with_its_page(layer: MenuLayer) -> None:
    layer.show_page(QWidget())
    layer.close_menu()
    assert not layer.isVisible()
    assert not layer.is_open
    assert layer.page is None
