"""A page of the menu for testers: a title, a way back, and rows in a column that scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.labels import label
from rejoin.gui.settings import sections
from rejoin.gui.settings.controls import action_button
from rejoin.gui.settings.row_view import RowView

_WIDTH_PX = 720
_NARROW_PX = 620


class RowsPage(QFrame):
    """`rows` are made by whoever inherits, and given to `fill`."""

    left = Signal()
    """The tester goes back."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "ground")
        self.title = label("page")
        self.explained = label("quiet")
        self.back = action_button(sections.BACK, "plain")
        self.back.clicked.connect(self.left)
        self.first: QWidget | None = None
        """Gets the focus when the page is shown first."""
        self._rows: Sequence[RowView] = ()
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(0)
        area = QScrollArea()
        area.setWidget(self._inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._middle = QWidget()
        column = QVBoxLayout(self._middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.explained)
        column.addWidget(area, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 16, 24, 16)
        row.addStretch()
        row.addWidget(self._middle, 10)
        row.addStretch()

    def fill(self, rows: Sequence[RowView]) -> None:
        """The rows, from above."""
        self._rows = rows
        for each in rows:
            self._column.addWidget(each)
        self._column.addStretch()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()
        if self.first is not None:
            self.first.setFocus(Qt.FocusReason.OtherFocusReason)
            self.first = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._middle.setMaximumWidth(theme.scaled(_WIDTH_PX))
        for each in self._rows:
            each.set_narrow(self.width() < theme.scaled(_NARROW_PX))
