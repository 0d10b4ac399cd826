"""The corners of the picture: the pills that show `Notes`."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from rejoin.gui.notes import Notes
from rejoin.gui.pill import Pill

MARGIN_PX = 14
_GAP_PX = 8


class Corners(QWidget):
    """As large as the picture; clicks go through."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.badge = Pill(icon="icons/unstable.svg", parent=self)
        self.note = Pill(parent=self)
        self.problem = Pill(parent=self)
        self.limit = Pill(icon="icons/clock.svg", parent=self)
        self.picture = Pill(parent=self)
        self.volume = Pill(parent=self)
        self.free_mouse_hint = Pill("hint", parent=self)
        self.drop_hint = Pill("hint", parent=self)
        self.microphone = Pill(icon="icons/microphone.svg", parent=self)
        grid = QGridLayout(self)
        grid.setContentsMargins(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
        self._lower = (self.microphone, self.drop_hint, self.free_mouse_hint)
        self._top = top = QVBoxLayout()
        top.setSpacing(_GAP_PX)
        self._notes = (self.badge, self.note, self.limit, self.problem, self.picture, self.volume)
        for pill in self._notes:
            top.addWidget(pill, 0, Qt.AlignmentFlag.AlignRight)
        top.addStretch()
        grid.addLayout(top, 0, 0, 1, 2)
        left = QVBoxLayout()
        left.setSpacing(_GAP_PX)
        for pill in (self.microphone, self.drop_hint):
            left.addWidget(pill, 0, Qt.AlignmentFlag.AlignLeft)
        grid.addLayout(left, 1, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
        grid.addWidget(self.free_mouse_hint, 1, 1, Qt.AlignmentFlag.AlignRight)
        grid.setRowStretch(0, 1)
        self._tab: QSize | None = None

    def show_notes(self, notes: Notes) -> None:
        self.badge.set_text(notes.badge, notes.reconnect_hint)
        self.note.set_text(*notes.note)
        first, _, others = notes.problem.partition("\n")
        self.problem.set_text(first, others)
        self.limit.set_text(*notes.limit)
        self.picture.set_text(notes.picture)
        self.volume.set_text(notes.volume)
        self.free_mouse_hint.set_text(notes.free_mouse_hint)
        self.drop_hint.set_text(notes.drop_hint)
        self._fit()

    def keep_clear(self, tab: QSize | None) -> None:
        """A tab of this size is in the middle of the upper edge: notes that are so wide that they
        would be under it begin below it."""
        self._tab = tab

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """No note is wider than the picture; those in the lower corners leave each other room."""
        room = self.width() - 2 * MARGIN_PX
        self._fit_lower((room - _GAP_PX) // 2)
        shown = [pill for pill in self._notes if not pill.isHidden()]
        for pill in shown:
            pill.fit(room)
        top = 0
        if self._tab is not None:
            beside = (self.width() - self._tab.width()) // 2 - MARGIN_PX
            reaches = any(pill.sizeHint().width() > beside for pill in shown)
            top = max(0, self._tab.height() + _GAP_PX - MARGIN_PX) if reaches else 0
        if top != self._top.contentsMargins().top():
            self._top.setContentsMargins(0, top, 0, 0)

    @property
    def lower_px(self) -> int:
        """The height that the pills of the lower corners take, with a gap above."""
        tops = [pill.y() for pill in self._lower if not pill.isHidden()]
        return self.height() - MARGIN_PX - min(tops) + _GAP_PX if tops else 0

    def _fit_lower(self, half: int) -> None:
        for pill in self._lower:
            if not pill.isHidden():
                pill.fit(half)
