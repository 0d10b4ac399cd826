"""The menu over the picture: the panel at the left, and the page of an entry beside it.

A page that needs all the room (the settings, or the charts in a small window) takes the panel's
place until the player goes back.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.menu.entries import MenuState
from rejoin.gui.menu.history import History
from rejoin.gui.menu.panel import MenuPanel
from rejoin.gui.menu.statistics_page import StatisticsPage

_PANEL_PX = 360
_MARGIN_PX, _SMALL_MARGIN_PX = 32, 16
_GAP_PX = 16
_LEAST_BESIDE_PX = 400
"""With less room beside the panel the charts take its place."""
_SMALL_PX = 760


class MenuLayer(QWidget):
    """Covers the picture while it is open; presses beside the panel are for nobody."""

    shut = Signal()
    """The player goes back to the game."""

    def __init__(
        self, history: History, clock: Clock, keys: KeysDown, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._keys = keys
        self.is_open = False
        """The player has opened it; it is not shown while a card is."""
        self.panel = MenuPanel(keys, self)
        self.panel.shut.connect(self.shut)
        self.statistics = StatisticsPage(history, clock, self)
        self.statistics.left.connect(self.leave_page)
        self._full_page: QWidget | None = None
        self.hide()

    # --- open and shut --------------------------------------------------------------------------

    def open(self) -> None:
        self.is_open = True
        self.panel.begin()

    def close_menu(self) -> None:
        self.is_open = False
        self.hide()
        self.leave_page()

    def appear(self) -> None:
        """Show it, if it is hidden, with the focus where it was."""
        if self.isHidden():
            self.lay_out()
            self.show()
            self.raise_()
            self.take_focus()

    def disappear(self) -> None:
        """A card is shown: the menu stays open behind it."""
        self.hide()

    # --- pages ----------------------------------------------------------------------------------

    @property
    def shows_statistics(self) -> bool:
        return not self.statistics.isHidden()

    def show_statistics(self, shown: bool) -> None:
        """The charts, beside the panel or alone."""
        self.statistics.setVisible(shown)
        self.lay_out()
        if shown and self.panel.isHidden():
            self.statistics.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_page(self, page: QWidget) -> None:
        """A page that takes all the room, until `leave_page`."""
        self.leave_page()
        self._full_page = page
        page.setParent(self)
        self.lay_out()
        page.show()
        self._focus_page(page)

    def leave_page(self) -> None:
        """Back to the panel."""
        page, self._full_page = self._full_page, None
        if page is not None:
            page.hide()
            page.deleteLater()
        elif self.panel.isHidden():
            self.statistics.hide()
        self.lay_out()
        if self.isVisible():
            self.panel.focus_last()

    @property
    def page(self) -> QWidget | None:
        """The page that has all the room."""
        return self._full_page

    def show_state(self, state: MenuState) -> None:
        self.panel.show_state(state)
        self.lay_out()

    def take_focus(self) -> None:
        if self._full_page is not None:
            self._focus_page(self._full_page)
        elif self.panel.isHidden():
            self.statistics.back.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.panel.take_focus()

    def _focus_page(self, page: QWidget) -> None:
        """To where the page has put it, or else to the page."""
        focused: QWidget | None = page.focusWidget()
        if focused is None:
            page.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            focused.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- where it is ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.lay_out()

    def lay_out(self) -> None:
        """The panel at the left edge; beside it the charts, where there is room."""
        area = self.rect()
        margin = _SMALL_MARGIN_PX if area.width() < theme.scaled(_SMALL_PX) else _MARGIN_PX
        inside = area.adjusted(margin, margin, -margin, -margin)
        width = min(theme.scaled(_PANEL_PX), inside.width())
        beside = inside.adjusted(width + _GAP_PX, 0, 0, 0)
        alone = beside.width() < theme.scaled(_LEAST_BESIDE_PX)
        wanted = self.panel.sizeHint().height()
        self.panel.setGeometry(
            QRect(inside.left(), inside.top(), width, min(inside.height(), wanted))
        )
        self.statistics.set_alone(alone)
        self.statistics.setGeometry(inside if alone else beside)
        covered = self._full_page is not None
        self.panel.setHidden(covered or (alone and not self.statistics.isHidden()))
        if self._full_page is not None:
            self._full_page.setGeometry(area)
            self._full_page.raise_()

    # --- presses --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.panel.isHidden():
            self.leave_page()
        elif event.key() == Qt.Key.Key_Escape:
            self._keys.press(event)
            self.shut.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    mouseDoubleClickEvent = mouseReleaseEvent = mousePressEvent

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
