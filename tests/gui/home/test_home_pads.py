"""The home's gamepads: read while no game reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_pads import FakePads
from helpers.window_faces import delete, wait_until
from rejoin.errors import BadInputError
from rejoin.gamepads.choices import PadChoices
from rejoin.gui.home import home_pads
from rejoin.gui.home.home_pads import HomePads
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
