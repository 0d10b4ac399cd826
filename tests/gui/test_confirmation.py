"""A question before there is a game: no unless the player says yes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox

from rejoin.errors import BadInputError
from rejoin.gui import confirmation, roles, theme
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.settings_file import change

Button = QMessageBox.StandardButton


def test_enter_and_escape_are_no_and_the_question_is_plain_text(application: QApplication) -> None:
    box = confirmation.question_box("Send it to https://<b>x</b>:443?")
    assert box.defaultButton() is box.button(Button.No)
    assert box.escapeButton() is box.button(Button.No)
    assert box.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize(("button", "agreed"), [(Button.Yes, True), (Button.No, False)])
def test_the_answer_is_that_of_the_button(
    application: QApplication, button: Button, agreed: bool
) -> None:
    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        box.button(button).click()

    QTimer.singleShot(0, press)
    assert confirmation.confirmed("Connect to it?") is agreed


def test_closing_the_dialog_is_no(application: QApplication) -> None:
    def close() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QDialog)
        box.close()

    QTimer.singleShot(0, close)
    assert not confirmation.confirmed("Connect to it?")


def test_the_question_has_the_players_theme(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    change(path, "appearance.theme", "light")
    monkeypatch.setattr(confirmation, "settings_path", lambda: path)
    shown: list[object] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        shown.append(theme.shown_palette())
        box.button(Button.No).click()

    QTimer.singleShot(0, press)
    try:
        assert not confirmation.confirmed("Connect to it?")
    finally:
        theme.apply(application)
    assert shown == [roles.LIGHT]


def test_without_a_home_folder_it_has_the_usual_theme(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> Path:
        raise BadInputError("There is no home folder.")

    monkeypatch.setattr(confirmation, "settings_path", nowhere)
    assert confirmation._saved_settings() == PlayerSettings()
