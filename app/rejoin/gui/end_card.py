"""The card at the end: what happened, what it means, what to do, and a report to copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rejoin.clock import Clock
from rejoin.core.model import Ending
from rejoin.gui import ending_texts, texts
from rejoin.gui.card import Card
from rejoin.gui.labels import label, set_text

_COPIED_S = 2.0


class EndCard(Card):
    """The card of stage ENDED."""

    closed = Signal()
    copied = Signal()

    def __init__(
        self, clock: Clock, report: Callable[[Ending], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(clock, parent)
        self._report = report
        self._ending: Ending | None = None
        self._copied_at: float | None = None
        self.title = label("title")
        self.meaning = label()
        self.advice = label("quiet")
        self.code = label("code")
        self.code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout()
        column.setSpacing(9)
        for line in (self.title, self.meaning, self.advice, self.code):
            column.addWidget(line)
        self.body.addLayout(column, 1)
        self.copy_button = self.button(texts.COPY_REPORT, "", self._copy)
        self.close_button = self.button(texts.CLOSE, "primary", self.closed.emit)
        # Wide enough for both texts, so that the row does not move when the text changes.
        self.copy_button.setText(texts.REPORT_COPIED)
        self.copy_button.setMinimumWidth(self.copy_button.sizeHint().width())
        self.copy_button.setText(texts.COPY_REPORT)
        self.row.addStretch()
        self.row.addWidget(self.copy_button)
        self.row.addWidget(self.close_button)

    def show_ending(self, ending: Ending, now: float) -> None:
        """Show `ending`; called for each snapshot and at each tick."""
        self._ending = ending
        text = ending_texts.ending_text(ending)
        set_text(self.title, text.title)
        set_text(self.meaning, text.meaning)
        set_text(self.advice, text.advice)
        set_text(self.code, f"Code: {ending_texts.support_code(ending)}")
        if self._copied_at is not None and now - self._copied_at >= _COPIED_S:
            self._copied_at = None
        copied = self._copied_at is not None
        name = texts.REPORT_COPIED if copied else texts.COPY_REPORT
        if self.copy_button.text() != name:
            self.copy_button.setText(name)
            self.copy_button.setAccessibleName(name)
        self.place()

    def first_focus(self) -> QWidget:
        return self.panel if self.follows_game else self.close_button

    def _copy(self) -> None:
        if self._ending is None:
            return
        QGuiApplication.clipboard().setText(self._report(self._ending))
        self._copied_at = self.clock()
        self.show_ending(self._ending, self._copied_at)
        self.copied.emit()
