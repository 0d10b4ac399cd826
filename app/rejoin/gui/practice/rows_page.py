"""A page of the menu for testers: a title, a way back, and rows in a column that scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.labels import label
from rejoin.gui.settings import sections
from rejoin.gui.settings.controls import action_button
from rejoin.gui.settings.row_view import RowView

_LEAVES = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select, Qt.Key.Key_Escape})
_WIDTH_PX = 720
_NARROW_PX = 620


class RowField(QLineEdit):
    """A field that a row cannot make lower than the field's text needs. The style sheet's least
    height does not follow the size of text."""

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in (QEvent.Type.Polish, QEvent.Type.StyleChange, QEvent.Type.Show):
            self.setMinimumHeight(self.sizeHint().height())
        return done


class RowsPage(QFrame):
    """A subclass makes the rows and passes them to `fill`."""

    left = Signal()
    """The tester goes back."""

    def __init__(self, keys: KeysDown, parent: QWidget | None = None) -> None:
        """`keys`: what is held in the window. The keys that lead back to the game are noted there,
        so that they do not press themselves in it."""
        super().__init__(parent)
        self._keys = keys
        self.setProperty("kind", "ground")
        self.title = label("page")
        self.explained = label("quiet")
        self.back = action_button(sections.BACK, "plain")
        self.back.clicked.connect(self.left)
        self.first: QWidget | None = None
        """Gets the focus when the page is shown first."""
        self._rows: Sequence[RowView] = ()
        self._middle = QWidget(self)
        area = QScrollArea(self._middle)
        self._inside = QWidget(area)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(0)
        area.setWidget(self._inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
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
        """Add the rows, from top to bottom."""
        self._rows = rows
        for each in rows:
            self._column.addWidget(each)
        self._column.addStretch()

    def leads_back(self, *controls: QWidget) -> None:
        """Mark buttons that may lead back to the game when a key presses them."""
        for each in controls:
            each.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_press = event.type() == QEvent.Type.KeyPress
        if isinstance(event, QKeyEvent) and is_press and event.key() in _LEAVES:
            self._keys.press(event)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._keys.press(event)
            self.left.emit()
        else:
            super().keyPressEvent(event)

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
