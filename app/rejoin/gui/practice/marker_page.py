"""The page that asks for a marker's note. Time and picture are those of the key press before."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal

from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.practice import texts
from rejoin.gui.practice.rows_page import RowField, RowsPage
from rejoin.gui.settings.controls import action_button
from rejoin.gui.settings.row_view import RowView
from rejoin.gui.settings.rows import RowText
from rejoin.language import tr
from rejoin.runtime.practice_port import MOST_NOTE

_NOTE_PX = 420


class MarkerPage(RowsPage):
    """Enter saves, with or without a note."""

    saved = Signal(str)
    """The note."""

    def __init__(self, keys: KeysDown, *, keeps_picture: bool) -> None:
        super().__init__(keys)
        self._keeps_picture = keeps_picture
        self.note = RowField()
        self.note.setMaxLength(MOST_NOTE)
        self.save = action_button(texts.SAVE, "primary")
        self._row = RowView([self.note])
        self._save_row = RowView([self.save], last=True)
        self.fill([self._row, self._save_row])
        self._name()
        self.note.returnPressed.connect(self._save)
        self.save.clicked.connect(self._save)
        self.first = self.note
        self.leads_back(self.note, self.save)

    def _save(self) -> None:
        self.saved.emit(self.note.text().strip())

    def _name(self) -> None:
        """Set the texts in the current language."""
        self.setAccessibleName(tr(texts.MARKER))
        self.title.setText(tr(texts.MARKER))
        where = texts.MARKER_NOW if self._keeps_picture else texts.MARKER_PLAIN
        self.explained.setText(tr(where))
        self._row.show_text(RowText(tr(texts.NOTE), tr(texts.NOTE_EXPLAINED)))
        self._save_row.show_text(RowText("", ""))
        self.note.setMinimumWidth(theme.scaled(_NOTE_PX))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._name()
