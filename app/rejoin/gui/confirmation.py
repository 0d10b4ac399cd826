"""One question to the player before there is a game, in a dialog: yes or no."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from rejoin.gui import qt_application


def confirmed(question: str) -> bool:
    """Ask, and wait for the answer. Closing the dialog, Escape and Enter mean no."""
    qt_application.make_application()
    box = question_box(question)
    return box.exec() == QMessageBox.StandardButton.Yes


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
