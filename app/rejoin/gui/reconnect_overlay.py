"""The card over the dimmed last picture: what happened, the time left, what is being done, buttons.

Everything shown is made from the newest snapshot and the clock, again at each tick.
"""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rejoin.clock import Clock
from rejoin.core.model import Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.card import Card
from rejoin.gui.labels import label, set_text
from rejoin.gui.ring import Ring
from rejoin.language import tr

STEADY_FOR_S = 15.0
"""*Try now* is disabled only if it has not changed for this long: at most four changes in 30 s.
A press while a try is being made does nothing."""

_RING_PX = 128


class ReconnectOverlay(Card):
    """The card of stages LOST, RECONNECTING and ENDING.

    *End game* asks first, in the card itself; where the backend cannot end a game it is not shown.
    """

    try_now = Signal()
    close_for_now = Signal()
    end_game = Signal()
    asked = Signal(str)
    """The card asks something now, for screen readers."""

    def __init__(
        self, clock: Clock, *, reduced_motion: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(clock, parent)
        self._asking = False
        self._try_changed_at = -math.inf
        self._snapshot = Snapshot(Stage.LOST)
        self.ring = Ring(_RING_PX, reduced_motion=reduced_motion)
        self.title = label("title")
        self.known = label("quiet")
        self.doing = label()
        self.time = label("strong")
        column = QVBoxLayout()
        column.setSpacing(7)
        column.addStretch()
        for line in (self.title, self.known, self.doing, self.time):
            column.addWidget(line)
        column.addStretch()
        self.body.addWidget(self.ring, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(column, 1)

        self.try_button = self.button(texts.TRY_NOW, "primary", self.try_now.emit)
        self.close_button = self.button(texts.CLOSE_FOR_NOW, "", self.close_for_now.emit)
        self.end_button = self.button(texts.END_GAME, "plain", self._open_question)
        self.keep_button = self.button(texts.KEEP_TRYING, "primary", self._close_question)
        self.confirm_button = self.button(texts.END_GAME, "plain", self._confirm)
        self.row.addWidget(self.try_button)
        self.row.addWidget(self.close_button)
        self.row.addWidget(self.keep_button)
        self.row.addStretch()
        self.row.addWidget(self.end_button)
        self.row.addWidget(self.confirm_button)

    @property
    def asking(self) -> bool:
        """Whether the card asks if the game should really be ended."""
        return self._asking

    def show_snapshot(self, snapshot: Snapshot, now: float) -> None:
        """Show what is known at `now`; called for each snapshot and at each tick."""
        self._snapshot = snapshot
        ending = snapshot.stage is Stage.ENDING
        if ending or not snapshot.can_terminate:
            self._asking = False
        left = texts.TimeLeft("", "", None) if ending else texts.time_left(snapshot, now)
        self.ring.show_time(left.sentence, left.digits, left.share)
        if self._asking:
            set_text(self.title, tr(texts.END_GAME_QUESTION))
            set_text(self.known, tr(texts.END_GAME_CONSEQUENCE))
            set_text(self.doing, "")
        else:
            set_text(self.title, texts.lost_title(snapshot))
            set_text(self.known, texts.lost_known(snapshot))
            set_text(self.doing, texts.lost_doing(snapshot, now))
        self.name_after(self.title.text())
        set_text(self.time, left.sentence)
        choosing = not self._asking and not ending
        can_repeat = choosing or texts.waits_to_end(snapshot)
        can_try = self._shown_as_enabled(snapshot.can_try_now, now)
        self.try_button.set_usable(shown=can_repeat, enabled=can_try)
        self.close_button.set_usable(shown=can_repeat)
        self.end_button.set_usable(shown=choosing and snapshot.can_terminate)
        self.keep_button.set_usable(shown=self._asking)
        self.confirm_button.set_usable(shown=self._asking)
        self.place()

    def _shown_as_enabled(self, can_try: bool, now: float) -> bool:
        """Whether *Try now* is enabled: it does not flicker while one try follows the other."""
        enabled = self.try_button.isEnabled()
        if can_try == enabled or (enabled and now - self._try_changed_at < STEADY_FOR_S):
            return enabled
        self._try_changed_at = now
        return can_try

    def disappear(self) -> None:
        """Hide the card, and close its question."""
        self._asking = False
        super().disappear()

    def _open_question(self) -> None:
        self._asking = True
        now = self.clock()
        self.show_snapshot(self._snapshot, now)
        self.keep_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.keep_button.settled_at = now  # the player has just pressed a button of this card
        self.asked.emit("\n".join((tr(texts.END_GAME_QUESTION), tr(texts.END_GAME_CONSEQUENCE))))

    def _close_question(self) -> None:
        self._asking = False
        self.show_snapshot(self._snapshot, self.clock())
        self.end_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirm(self) -> None:
        self._close_question()
        self.end_game.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._asking and event.key() == Qt.Key.Key_Escape:
            self._close_question()
            return
        super().keyPressEvent(event)
