"""The home window: one top-level window for the home, its pages, and the games played from it.

A game's view is a page like the others, so a game has neither a second window nor a flash. Where
the graphics card will draw it, the window is made for the card from the start (ADR 0060).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QRhiWidget, QStackedLayout, QWidget

from rejoin.gui.home import texts
from rejoin.gui.home.home_page import HomePage
from rejoin.gui.renderer_choice import Choice, OnCard
from rejoin.gui.window_size import size_window


class CardHolder(QRhiWidget):
    """Draws nothing and is never shown: with it Qt makes the window one of the card's."""

    def __init__(self, choice: OnCard, parent: QWidget) -> None:
        super().__init__(parent)
        self.setApi(getattr(QRhiWidget.Api, choice.api.value))
        self.setFixedSize(1, 1)
        self.hide()


class HomeWindow(QWidget):
    """Shows one page at a time. What is to be done stands in `controller`."""

    first_painted = Signal()
    """The window was painted for the first time."""
    close_asked = Signal()
    """The player closes the window; the receiver hides it."""
    changed = Signal(object)
    """It was activated, or its state changed, after it was painted: a `QEvent.Type`."""
    page_changed = Signal()
    """A page is shown now."""
    help_asked = Signal()
    adding_asked = Signal()

    def __init__(
        self,
        choice: Choice,
        *,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._painted = False  # Qt tells of changes from now on
        super().__init__()
        self.setWindowTitle(texts.APP)
        size_window(self, size)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self.home = HomePage(self)
        self._pages.addWidget(self.home)
        self._holder = CardHolder(choice, self) if isinstance(choice, OnCard) else None

    @property
    def page(self) -> QWidget:
        """What is shown now."""
        shown = self._pages.currentWidget()
        return self.home if shown is None else shown

    def show_page(self, page: QWidget) -> None:
        """Show a page, which becomes one of this window's if it is not yet."""
        if self._pages.indexOf(page) < 0:
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        take_focus: Callable[[], None] | None = getattr(page, "take_focus", None)
        if take_focus is not None:
            take_focus()
        else:
            page.setFocus()
        self.page_changed.emit()

    def remove_page(self, page: QWidget) -> None:
        """Take a page out for good, and show the home if it was shown."""
        was_shown = page is self.page
        self._pages.removeWidget(page)
        page.hide()
        page.deleteLater()
        if was_shown:
            self.show_page(self.home)

    def release_card(self) -> None:
        """The card draws nothing here any more; before the native window is made anew."""
        if self._holder is not None:
            self._holder.setParent(None)
            self._holder.deleteLater()
            self._holder = None

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()
        self.close_asked.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self._painted:  # what is shown was read a moment before
            self.changed.emit(event.type())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no page and no game has taken."""
        from PySide6.QtGui import QKeySequence

        if event.matches(QKeySequence.StandardKey.HelpContents):
            self.help_asked.emit()
        elif self.page is self.home and event.matches(QKeySequence.StandardKey.New):
            self.adding_asked.emit()
        else:
            super().keyPressEvent(event)
