"""Labels of the style sheet's kinds."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel


def label(kind: str = "", *, wraps: bool = True) -> QLabel:
    """A label of one of the style sheet's kinds; its text wraps and is never cut off."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wraps)
    if kind:
        made.setProperty("kind", kind)
    return made


def set_text(shown: QLabel, text: str) -> None:
    """Show `text`; an empty one hides the label."""
    if shown.text() != text:
        shown.setText(text)
    shown.setVisible(bool(text))
