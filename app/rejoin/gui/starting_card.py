"""The card before there is a picture: what is awaited, for how long so far, and *Cancel*."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rejoin.clock import Clock
from rejoin.core.model import Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.card import Card
from rejoin.gui.labels import label, set_text
from rejoin.gui.ring import Ring
from rejoin.gui.time_texts import clock_text

_RING_PX = 92
_QUIET_START_S = 3.0


class StartingCard(Card):
    """The card of stages IDLE and STARTING, and of ENDING where no picture was ever shown.

    *Cancel* ends a game that is being started. Where the backend cannot end one, the card has
    *Close for now* in its place, and says that the game may keep running.
    """

    start = Signal()
    cancel = Signal()
    close_for_now = Signal()

    def __init__(
        self, clock: Clock, *, reduced_motion: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(clock, parent)
        self._since_at: float | None = None
        self.ring = Ring(_RING_PX, reduced_motion=reduced_motion)
        self.title = label("title")
        self.awaited = label("quiet")
        self.leaving = label("quiet")
        column = QVBoxLayout()
        column.setSpacing(7)
        column.addStretch()
        for line in (self.title, self.awaited, self.leaving):
            column.addWidget(line)
        column.addStretch()
        self.body.addWidget(self.ring, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(column, 1)
        self.start_button = self.button(texts.START, "primary", self.start.emit)
        self.cancel_button = self.button(texts.CANCEL, "", self.cancel.emit)
        self.close_button = self.button(texts.CLOSE_FOR_NOW, "", self.close_for_now.emit)
        self.row.addStretch()
        for button in (self.start_button, self.cancel_button, self.close_button):
            self.row.addWidget(button)

    def begin_again(self) -> None:
        """Another game is wanted: the time counts from here."""
        self._since_at = None

    def show_snapshot(self, snapshot: Snapshot, now: float) -> None:
        """Show what is awaited at `now`; called for each snapshot and at each tick."""
        starting = snapshot.stage is Stage.STARTING
        if not starting:
            self._since_at = None
        elif self._since_at is None:
            self._since_at = now
        waited_s = now - self._since_at if self._since_at is not None else 0.0
        set_text(self.title, texts.starting_title(snapshot))
        self.name_after(self.title.text())
        set_text(self.awaited, texts.starting_awaited(snapshot, now, waited_s))
        set_text(self.leaving, texts.starting_leaving(snapshot))
        digits = clock_text(waited_s) if waited_s >= _QUIET_START_S else ""
        self.ring.setVisible(snapshot.stage is not Stage.IDLE)
        self.ring.show_time(self.title.text(), digits, None)
        self.start_button.set_usable(shown=snapshot.stage is Stage.IDLE)
        can_cancel = texts.can_cancel_start(snapshot)
        self.cancel_button.set_usable(shown=starting and can_cancel)
        self.close_button.set_usable(shown=starting and not can_cancel)
        self.place()

    def first_focus(self) -> QWidget:
        return next(iter(self.buttons()), self.panel)
