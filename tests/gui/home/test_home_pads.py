"""The home's gamepads: read while no game reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget

from helpers.fake_pads import FakePads
from helpers.home_scene import TIDE, WOOD, HomeScene
from helpers.window_faces import delete, wait_until
from rejoin.errors import BadInputError
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.navigation import PadPress
from rejoin.gui.home import home_pads, texts
from rejoin.gui.home.home_pads import HomePads
from rejoin.gui.pad_keys import PadKeys
from rejoin.runtime.settings_file import change


def test_they_are_listened_to_until_a_game_begins_and_again_afterwards(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(home_pads, "settings_path", lambda: tmp_path / "settings.toml")
    made: list[FakePads] = []

    def make() -> FakePads:
        made.append(FakePads())
        return made[-1]

    window = QWidget()
    pads = HomePads(window, make)
    pads.begin()
    pads.begin()
    assert len(made) == 1
    assert wait_until(lambda: made[0].heard is not None, 30)
    pads.end()
    pads.end()
    assert (made[0].heard, made[0].said) == (None, ["stop"])
    pads.begin()
    assert len(made) == 2
    pads.end()
    delete(window)


def test_changed_settings_count_at_once(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, fake = tmp_path / "settings.toml", FakePads()
    monkeypatch.setattr(home_pads, "settings_path", lambda: path)
    window = QWidget()
    pads = HomePads(window, lambda: fake)
    pads.begin()
    change(path, "pads.swap_ab_cards", True)
    assert wait_until(lambda: fake.choices == PadChoices(swap_ab_cards=True), 30)
    pads.end()
    delete(window)


def test_without_a_home_folder_they_are_read_all_the_same(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> Path:
        raise BadInputError("There is no home folder.")

    monkeypatch.setattr(home_pads, "settings_path", nowhere)
    window, fake = QWidget(), FakePads()
    pads = HomePads(window, lambda: fake)
    pads.begin()
    assert wait_until(lambda: fake.heard is not None, 30)
    pads.end()
    delete(window)


# --- the home by a pad alone ----------------------------------------------------------------------


def does(pads: FakePads, *presses: PadPress) -> None:
    assert pads.heard is not None
    for press in presses:
        pads.heard(press)
        QCoreApplication.processEvents()


def test_cards_menus_and_pages_are_reached_pressed_and_left(scene: HomeScene) -> None:
    scene.open(WOOD, TIDE)
    window, pads = scene.window, FakePads()
    window.activateWindow()
    keys = PadKeys(pads, window, after_ms=0)
    assert wait_until(lambda: pads.heard is not None, 30)
    home = window.home
    first, second = home.tiles
    home.take_focus()
    assert first.hasFocus()
    does(pads, PadPress.RIGHT)
    assert first.more_button.hasFocus()
    does(pads, PadPress.PRESS)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    does(pads, PadPress.DOWN, PadPress.BACK)
    assert wait_until(lambda: QApplication.activePopupWidget() is None, 30)
    does(pads, PadPress.RIGHT)
    assert second.hasFocus()
    does(pads, PadPress.UP)
    focused = QApplication.focusWidget()
    assert isinstance(focused, QPushButton)
    assert focused.y() < home.scroll_area.y(), "a button at the top"
    does(pads, PadPress.DOWN)
    for _ in range(6):
        does(pads, PadPress.RIGHT)
    assert home.add_tile.hasFocus()
    does(pads, PadPress.PRESS)
    assert scene.title == texts.ADD_TITLE
    does(pads, PadPress.BACK)
    assert window.page is home
    keys.close()


def test_hints_name_the_button_of_the_pad_until_a_key_is_pressed(scene: HomeScene) -> None:
    scene.open(WOOD, TIDE)
    window, pads = scene.window, FakePads()
    window.activateWindow()
    keys = PadKeys(pads, window, after_ms=0)
    assert wait_until(lambda: pads.heard is not None, 30)
    home = window.home
    home.take_focus()
    assert (home.enter_key.text(), home.help_key.isVisible()) == ("Enter", True)
    does(pads, PadPress.RIGHT)
    assert wait_until(lambda: home.enter_key.text() == "A", 30)
    assert home.enter_hint.text() == texts.PLAY_HINT
    assert not home.help_key.isVisible()
    assert not home.help_hint.isVisible()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Left)
    assert wait_until(lambda: home.enter_key.text() == "Enter", 30)
    assert home.help_key.isVisible()
    keys.close()


def test_a_game_is_opened_by_a_press(scene: HomeScene) -> None:
    scene.open(WOOD)
    pads = FakePads()
    scene.window.activateWindow()
    keys = PadKeys(pads, scene.window, after_ms=0)
    assert wait_until(lambda: pads.heard is not None, 30)
    scene.window.home.take_focus()
    does(pads, PadPress.PRESS)
    assert scene.title == "Opening Lantern Wood..."
    does(pads, PadPress.BACK)
    assert scene.window.page is scene.window.home
    keys.close()
