"""Gamepads on Rejoin's own cards, pages and menus: the pad's presses move the focus and press.

Only while one of our windows is the active one. Widgets that handle arrow keys by themselves get
those keys (cards, the menu, lists, sliders, open choices); elsewhere the focus moves to the next
widget in that direction. Nothing here reaches the game: presses arrive only while it has no input.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from shiboken6 import isValid

from rejoin.gamepads.in_hand import NoPad, PadInHand, PadNews
from rejoin.gamepads.navigation import PadPress
from rejoin.gamepads.pad_mouse import PadAct
from rejoin.gui import hand
from rejoin.gui.card import Card, CardButton
from rejoin.gui.focus_moves import nearest
from rejoin.gui.input import PlayerPads
from rejoin.gui.menu.panel import MenuButton
from rejoin.gui.video_view import VideoView

_KEYS = {
    PadPress.UP: Qt.Key.Key_Up,
    PadPress.DOWN: Qt.Key.Key_Down,
    PadPress.LEFT: Qt.Key.Key_Left,
    PadPress.RIGHT: Qt.Key.Key_Right,
    PadPress.PRESS: Qt.Key.Key_Return,
    PadPress.BACK: Qt.Key.Key_Escape,
}
_ON_CARDS = {
    PadPress.UP: Qt.Key.Key_Backtab,
    PadPress.LEFT: Qt.Key.Key_Backtab,
    PadPress.DOWN: Qt.Key.Key_Tab,
    PadPress.RIGHT: Qt.Key.Key_Tab,
}
"""With arrow keys the focus does not leave the panel of a card, as they are keys of games."""
_DIRECTIONS = frozenset(_ON_CARDS)
AFTER_MS = 1000
"""Gamepads are read for cards only once the window is shown, because loading SDL would delay it."""
_ACROSS = frozenset({PadPress.LEFT, PadPress.RIGHT})


class PadKeys(QObject):
    """Lives on the GUI thread; without a Qt parent, to outlive late calls from the pads' thread. So
    what it calls are attributes: a signal's slots would keep the window alive for good."""

    _heard = Signal(object)

    def __init__(
        self,
        pads: PlayerPads,
        window: QWidget,
        on_menu: Callable[[], None] = lambda: None,
        on_act: Callable[[PadAct], None] = lambda act: None,
        *,
        after_ms: int = AFTER_MS,
    ) -> None:
        """`window`: while it exists, the pads are listened to `after_ms` from now. `on_menu`:
        called at the pad's chord. `on_act`: called with what a pad does as a mouse."""
        super().__init__()
        self._pads = pads
        self._on_menu = on_menu
        self._on_act = on_act
        self._closed = False
        self._heard.connect(self._do, Qt.ConnectionType.QueuedConnection)
        self._window = window
        # A timer of its own: one of the window's would call this after it is gone.
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(self._listen)
        self._wait.start(after_ms)

    def _listen(self) -> None:
        if not self._closed and isValid(self._window):
            self._pads.listen(self.hear)

    def use(self, pads: PlayerPads) -> None:
        """Listen to these in place of those of before."""
        self._pads.listen(None)
        self._pads = pads
        self._listen()

    def hear(self, what: PadNews) -> None:
        """May be called on any thread."""
        self._heard.emit(what)

    def close(self) -> None:
        """Ignore presses that still arrive. May be called twice."""
        self._closed = True
        self._pads.listen(None)

    def _do(self, what: PadNews) -> None:
        match what:
            case PadPress():
                self._press(what)
            case PadInHand():
                self._take(what)
            case NoPad():
                hand.no_pad()
            case _:
                if not self._closed:
                    self._on_act(what)

    def _take(self, pad: PadInHand) -> None:
        window = QApplication.activeWindow()
        hand.pad_is(pad)
        if pad.pressed and window is not None and not self._closed:
            hand.pad_pressed(window)

    def _press(self, press: PadPress) -> None:
        window = QApplication.activeWindow()
        if self._closed or window is None:
            return
        hand.pad_pressed(window)
        popup = QApplication.activePopupWidget()
        focused = QApplication.focusWidget()
        if press is PadPress.MENU:
            self._on_menu()
        elif popup is not None:
            inside: QWidget | None = popup.focusWidget()
            send_key(popup if inside is None else inside, _KEYS[press])
        elif isinstance(focused, VideoView) and focused.takes_tab:
            pass  # the game has just begun to take input again
        elif focused is None or not focused.isVisible():
            _focus_first(window)
        elif press in _DIRECTIONS:
            _move(press, focused, window)
        else:
            send_key(focused, _press_key(focused) if press is PadPress.PRESS else _KEYS[press])


def send_key(to: QWidget, key: Qt.Key) -> None:
    """Press and release a key there."""
    window = to.window()
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        at = to if isValid(to) else window
        if isValid(at):
            text = " " if key == Qt.Key.Key_Space else ""
            event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text)
            QCoreApplication.sendEvent(at, event)


def _press_key(focused: QWidget) -> Qt.Key:
    """Enter presses only some of Qt's buttons, Space all of them."""
    plain = isinstance(focused, QPushButton) and not isinstance(focused, CardButton | MenuButton)
    return Qt.Key.Key_Space if plain else Qt.Key.Key_Return


def _move(press: PadPress, focused: QWidget, window: QWidget) -> None:
    if _is_on_card(focused):
        send_key(focused, _ON_CARDS[press])
    elif isinstance(focused, MenuButton):
        send_key(focused, _KEYS[press])
    elif isinstance(focused, QAbstractItemView):
        _move_in_list(press, focused, window)
    elif isinstance(focused, QScrollArea) and _scrolled(press, focused):
        pass
    elif press in _ACROSS and isinstance(focused, QAbstractSlider | QLineEdit):
        send_key(focused, _KEYS[press])
    else:
        _go(press, focused, window)


def _scrolled(press: PadPress, area: QScrollArea) -> bool:
    """Whether the area could scroll in this direction, and has."""
    bar = area.verticalScrollBar()
    before = bar.value()
    if press not in _ACROSS:
        send_key(area, _KEYS[press])
    return bar.value() != before


def _is_on_card(widget: QWidget) -> bool:
    at: QWidget | None = widget
    while at is not None and not at.isWindow():
        if isinstance(at, Card):
            return True
        at = at.parentWidget()
    return False


def _move_in_list(press: PadPress, focused: QAbstractItemView, window: QWidget) -> None:
    before = focused.currentIndex()
    if press in (PadPress.UP, PadPress.DOWN):
        send_key(focused, _KEYS[press])
        if focused.currentIndex() != before:
            return
    elif press is PadPress.RIGHT:
        send_key(focused, Qt.Key.Key_Right)
        if QApplication.focusWidget() is not focused:
            return
    _go(press, focused, window)


def _go(press: PadPress, focused: QWidget, window: QWidget) -> None:
    """Move the focus to the next widget in this direction."""
    others = [each for each in _reachable(window) if each is not focused]
    found = nearest([_place(each, window) for each in others], _place(focused, window), press)
    if found is not None:
        others[found].setFocus(Qt.FocusReason.TabFocusReason)
        _show(others[found])
        return
    around = focused if isinstance(focused, QScrollArea) else focused.parentWidget()
    if press not in _ACROSS and around is not None:
        send_key(around, _KEYS[press])  # what is around it may scroll


def _focus_first(window: QWidget) -> None:
    reachable = _reachable(window)
    if reachable:
        first = min(reachable, key=lambda each: _place(each, window).topLeft().toTuple()[::-1])
        first.setFocus(Qt.FocusReason.TabFocusReason)
        _show(first)


def _reachable(window: QWidget) -> list[QWidget]:
    """The widgets that can have the focus in this window now."""
    return [
        each
        for each in window.findChildren(QWidget)
        if each.isVisible()
        and each.isEnabled()
        and each.focusPolicy() & Qt.FocusPolicy.TabFocus.value
        and each.focusProxy() is None
        and each.window() is window
        and not each.size().isEmpty()
    ]


def _place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def _show(widget: QWidget) -> None:
    """Scroll until it is seen."""
    at = widget.parentWidget()
    while at is not None:
        if isinstance(at, QScrollArea):
            at.ensureWidgetVisible(widget)
        at = at.parentWidget()
