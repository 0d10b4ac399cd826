"""Labels of the style sheet's kinds, and buttons whose text follows the language."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from rejoin.language import tr


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


class TextButton(QPushButton):
    """A button that translates its text, which is also its accessible name, when the language
    changes."""

    def __init__(self, text: str, kind: str = "", parent: QWidget | None = None) -> None:
        """`text`: marked, and not translated yet. `kind`: of the style sheet."""
        super().__init__(parent)
        if kind:
            self.setProperty("kind", kind)
        self._marked = text
        self.say(text)

    def say(self, text: str) -> None:
        """Show this marked text from now on."""
        self._marked = text
        self.setText(tr(text))
        self.setAccessibleName(tr(text))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.say(self._marked)
