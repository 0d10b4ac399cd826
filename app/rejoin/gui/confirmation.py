"""One question to the player before there is a game, in a dialog: yes or no."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from rejoin.errors import BadInputError
from rejoin.gui import qt_application
from rejoin.gui.own_pads import pads_in
from rejoin.gui.settings.appearance import appearance_of
from rejoin.language import tr
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.settings_file import load, settings_path


def confirmed(question: str) -> bool:
    """Ask, in the language of the window, and wait for the answer.

    Closing the dialog, Escape and Enter mean no."""
    settings = _saved_settings()
    qt_application.make_application(appearance_of(settings))
    box = question_box(tr(question))
    with pads_in(box, settings):
        return box.exec() == QMessageBox.StandardButton.Yes


def _saved_settings() -> PlayerSettings:
    """What is wrong with them is said elsewhere."""
    try:
        return load(settings_path()).settings
    except BadInputError:  # there is no home folder
        return PlayerSettings()


def question_box(question: str) -> QMessageBox:
    box = QMessageBox(
        QMessageBox.Icon.Question,
        "Rejoin",
        question,
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
    )
    box.setTextFormat(Qt.TextFormat.PlainText)  # the text names a host that somebody else chose
    box.setDefaultButton(QMessageBox.StandardButton.No)
    box.setEscapeButton(QMessageBox.StandardButton.No)
    return box
