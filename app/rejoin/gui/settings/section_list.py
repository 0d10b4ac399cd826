"""The list of sections at the side: arrow keys go through it, Right or Enter into the section."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from rejoin.gui import theme
from rejoin.language import tr

_ITEM_PX = 40


class SectionList(QListWidget):
    """Shows the titles; one is always chosen."""

    picked = Signal(int)
    """The row that the player chose."""

    entered = Signal()
    """The player goes on to what is in the section."""

    def __init__(self, count: int) -> None:
        """`count`: of the sections; `show_titles` names them."""
        super().__init__()
        self.setProperty("kind", "sections")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        for _ in range(count):
            self.addItem(QListWidgetItem())
        self._fit()
        self.currentRowChanged.connect(self._on_row)

    def show_titles(self, titles: Sequence[str]) -> None:
        """Name the sections, and the list, in the language of now."""
        self.setAccessibleName(tr("Sections"))
        for at, title in enumerate(titles):
            self.item(at).setText(title)
        self._fit()

    def show_row(self, at: int) -> None:
        """Choose this one, without saying so."""
        if at != self.currentRow():
            before = self.blockSignals(True)
            self.setCurrentRow(at)
            self.blockSignals(before)
        self._embolden()

    def _on_row(self, at: int) -> None:
        self._embolden()
        self.picked.emit(at)

    def _embolden(self) -> None:
        for at in range(self.count()):
            font = self.item(at).font()
            font.setBold(at == self.currentRow())
            font.setPixelSize(theme.scaled(theme.TEXT_PX))
            self.item(at).setFont(font)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape:
            event.ignore()  # the page leaves
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        for at in range(self.count()):
            self.item(at).setSizeHint(QSize(0, theme.scaled(_ITEM_PX)))
        self._embolden()
