"""*Reconnect* over a frozen picture, for the mouse; the window handles its shortcut."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import texts, theme
from rejoin.gui.card import UNARMED_S
from rejoin.gui.corners import MARGIN_PX
from rejoin.gui.game_button import GameButton
from rejoin.language import tr

MOST_CHANGES, WITHIN_S = 4, 30.0
"""It appears and disappears at most this often in this time, however the picture stutters."""

_ABOVE_CORNERS_PX = 52
"""The room that the pills in the lower corners and the volume control need."""


class ReconnectButton(GameButton):
    """Shown while a new connection is offered, in the middle above the lower edge."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(texts.RECONNECT, clock, UNARMED_S, parent=parent)
        self._changed_at: tuple[float, ...] = ()
        self.name_keys("")

    def name_keys(self, keys: str) -> None:
        """The shortcut that does the same; "" for none."""
        self._keys = keys
        self.setToolTip(texts.with_keys(tr(texts.RECONNECT_HINT), keys))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.name_keys(self._keys)

    def show_offer(self, offered: bool, now: float) -> None:
        """Show or hide it; called at each snapshot and at each tick."""
        if offered != self.isHidden():
            return
        recent = tuple(at for at in self._changed_at if now - at < WITHIN_S)
        if offered and len(recent) > MOST_CHANGES - 2:
            return  # there must be one change left, to disappear
        self._changed_at = (*recent, now)
        self.show_now(offered, now)

    def place(self, area: QRect, above_px: int = 0) -> None:
        """Put it where it belongs in a picture of this size; the pills in the lower corners are
        `above_px` high."""
        self.adjustSize()
        above = max(above_px, theme.scaled(_ABOVE_CORNERS_PX))
        x = (area.width() - self.width()) // 2
        self.move(x, area.height() - self.height() - MARGIN_PX - above)
