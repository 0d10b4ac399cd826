"""The page that shows a report, exactly as it would be shared, to copy or to save. Nothing is sent.

Page Up, Page Down, Home and End scroll the text, whichever button has the focus.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from rejoin.clock import Clock
from rejoin.gui import texts
from rejoin.gui.card import Card
from rejoin.gui.labels import label, set_text
from rejoin.language import tr

_AROUND_PX: Final = 300
"""What the rest of the page takes of the window's height, at most."""
_LEAST_PX, _MOST_PX = 80, 380


class ReportPage(Card):
    """A card in place of the end card, while it is open."""

    left = Signal()
    copied = Signal()
    save_wanted = Signal(str)
    """The text that is to be saved."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(clock, parent)
        self.is_open = False
        self.title = label("title")
        self.explanation = label("quiet")
        self._say_texts()
        self.text = label("code")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setStyleSheet("QScrollArea, QScrollArea > QWidget { background: transparent; }")
        self.area.setWidget(self.text)
        self.outcome = label("quiet")
        column = QVBoxLayout()
        column.setSpacing(9)
        for part in (self.title, self.explanation, self.area, self.outcome):
            column.addWidget(part)
        self.body.addLayout(column, 1)
        self.copy_button = self.button(texts.COPY, "primary", self._copy)
        self.save_button = self.button(texts.SAVE, "", self._save)
        self.back_button = self.button(texts.BACK_TO_END, "", self.leave)
        self.row.addWidget(self.copy_button)
        self.row.addWidget(self.save_button)
        self.row.addStretch()
        self.row.addWidget(self.back_button)

    def _say_texts(self) -> None:
        set_text(self.title, tr(texts.REPORT_A_PROBLEM))
        self.name_after(self.title.text())
        set_text(self.explanation, tr(texts.REPORT_EXPLAINED))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say_texts()

    def open(self, report: str) -> None:
        """Show this text from now on."""
        self.is_open = True
        self.text.setText(report)
        self.text.setAccessibleName(report)
        self.area.verticalScrollBar().setValue(0)
        set_text(self.outcome, "")

    def leave(self) -> None:
        """Back to where it was opened from."""
        self.is_open = False
        self.left.emit()

    def show_outcome(self, text: str) -> None:
        """What became of saving it."""
        set_text(self.outcome, text)
        self.place()

    def first_focus(self) -> QWidget:
        return self.copy_button

    def place(self) -> None:
        room = self.height() - _AROUND_PX
        height = max(_LEAST_PX, min(_MOST_PX, room))
        if self.area.height() != height:
            self.area.setFixedHeight(height)
        super().place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.area.verticalScrollBar()
        match event.key():
            case Qt.Key.Key_PageUp:
                bar.setValue(bar.value() - bar.pageStep())
            case Qt.Key.Key_PageDown:
                bar.setValue(bar.value() + bar.pageStep())
            case Qt.Key.Key_Home:
                bar.setValue(bar.minimum())
            case Qt.Key.Key_End:
                bar.setValue(bar.maximum())
            case Qt.Key.Key_Escape:
                self.leave()
            case _:
                super().keyPressEvent(event)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.text())
        set_text(self.outcome, tr(texts.REPORT_COPIED))
        self.place()
        self.copied.emit()

    def _save(self) -> None:
        self.save_wanted.emit(self.text.text())
