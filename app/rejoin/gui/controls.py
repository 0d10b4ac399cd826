"""The player's keyboard and mouse in one window: decides which events go to the game.

The window passes every event here. Keys of a shortcut stay here, and the game is sent the release
of everything that was held. Requests of the input module are granted or refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, assert_never

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import wayland
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.full_screen import FullScreen
from rejoin.gui.input import PlayerInput
from rejoin.gui.key_events import MODIFIER_KEYS, identity_of, pressed_of
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.module_wishes import ClickGrants, Grant, cursor_of
from rejoin.gui.mouse_capture import Captured, Free, FreedByKeys, MouseCapture
from rejoin.gui.pointer import Pointer
from rejoin.gui.shortcuts import Condition, ShortcutAction
from rejoin.gui.system_keys import SystemKeys
from rejoin.gui.touch import Touch
from rejoin.gui.video_view import VideoView
from rejoin.gui.view_state import view_of
from rejoin.input_events.wishes import CursorWish, FullScreenWish, PointerLockWish, Wish


class ControlledWindow(Protocol):
    """The controls' interface to their window."""

    def conditions(self) -> frozenset[Condition]:
        """The true conditions of shortcuts, without those that the controls know."""

    def run_shortcut(self, action: ShortcutAction) -> None:
        """Do what a shortcut is for; everything held was released."""

    def hold_shortcut(self, action: ShortcutAction, held: bool) -> None:
        """The key of a shortcut that lasts as long as it is held, is held or not any more."""

    def mouse_changed(self) -> None:
        """The mouse was captured or freed."""


class Controls:
    """The controls of one window. `keys`: its cards feed it as well."""

    def __init__(
        self,
        window: QWidget,
        does: ControlledWindow,
        view: VideoView,
        inputs: PlayerInput,
        keys: KeysDown,
        options: ControlOptions,
        clock: Clock,
    ) -> None:
        self._window = window
        self._does = does
        self._view = view
        self._inputs = inputs
        self._keys = keys
        self._options = options
        self._clock = clock
        self._holding: tuple[ShortcutAction, int] | None = None
        """The shortcut whose key is held, and the identity of that key."""
        self._keyboard_freed = False
        """Freed by Ctrl+Alt, which are still held."""
        self.full_screen = FullScreen(window)
        self.grants = ClickGrants()
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        desktop = wayland.desktop_of(application)
        self.mouse = MouseCapture(
            view,
            inputs,
            self._mouse_changed,
            lock=desktop,
            sensitivity=options.mouse.sensitivity,
            travelled=self._on_travel,
        )
        self.system_keys = SystemKeys(window, options.system_keys, desktop)
        self.pointer = Pointer(
            view,
            self.mouse,
            inputs,
            self.grants,
            view_moved=self.show_view,
            clicked=self.system_keys.clicked,
        )

        self.touch = Touch(view, self.mouse, self.pointer, options.touch, clock)

    def use(self, options: ControlOptions) -> None:
        """Keyboard, mouse and touch behave so from now on. A mouse that the game may not have any
        more is freed, and what is held by the old way is released."""
        if options == self._options:
            return
        self._options = options
        if not options.mouse.capture:
            self.free()
        self._inputs.use_mouse(options.mouse)
        self.mouse.sensitivity = options.mouse.sensitivity
        self.touch.mode = options.touch
        self.system_keys.mode = options.system_keys
        self.update_system_keys()

    # --- keyboard -------------------------------------------------------------------------------

    def press_key(self, event: QKeyEvent) -> bool:
        """A key went down; False if it is for nobody."""
        repeated = not self._keys.press(event)
        pressed = pressed_of(event, self._keys.keys)
        shortcut = None
        if pressed is not None and pressed.key in self._options.shortcuts.names:
            shortcut = self._options.shortcuts.find(pressed, self._conditions())
        if shortcut is not None and shortcut.holds:
            if not repeated:
                self._holding = shortcut.action, identity_of(event)
                self._does.hold_shortcut(shortcut.action, True)
            return True
        if shortcut is not None:
            if shortcut.repeats or not repeated:
                if shortcut.action is ShortcutAction.FREE_MOUSE:
                    self._keyboard_freed = self.system_keys.taken
                    self.free(FreedByKeys())
                self._inputs.release_all()
                self._does.run_shortcut(shortcut.action)
            return True
        if not self._inputs.is_open:
            return False
        self._inputs.key(event, pressed=True, repeated=repeated)
        return True

    def release_key(self, event: QKeyEvent) -> bool:
        """A key went up; False if it is for nobody."""
        released = self._keys.release(event)
        if released and self._holding is not None and identity_of(event) == self._holding[1]:
            self.let_go()
            return True
        if released and event.key() in MODIFIER_KEYS:
            self.keys_released()
        if not self._inputs.is_open:
            return False
        if released:
            self._inputs.key(event, pressed=False)
        return True

    def keys_released(self) -> None:
        """Ctrl or Alt was released, or may have been while another window had the focus."""
        self._keyboard_freed = False
        self.mouse.keys_released()

    def take_keyboard_again(self) -> None:
        """Ctrl+Alt have freed it, and were the beginning of another shortcut."""
        if self._keyboard_freed:
            self._keyboard_freed = False
            self.system_keys.clicked()
            self.update_system_keys()

    def let_go(self) -> None:
        """End a shortcut that lasted while its key was held: the key was released, or the window
        lost the focus."""
        holding, self._holding = self._holding, None
        if holding is not None:
            self._does.hold_shortcut(holding[0], False)

    def _conditions(self) -> frozenset[Condition]:
        held = self.mouse.captured or self.system_keys.taken
        ours = {Condition.MOUSE_CAPTURED} if held else frozenset[Condition]()
        return self._does.conditions() | ours

    def update_system_keys(self) -> None:
        """Take the desktop's keys for the game, or give them back, by what is true now."""
        self.system_keys.update(may=self._inputs.is_open and self._window.isActiveWindow())

    # --- mouse ----------------------------------------------------------------------------------

    def free(self, to: Free | FreedByKeys = Free()) -> None:  # noqa: B008 frozen
        """Free mouse and keyboard; the input module gets them again only after a new click."""
        self.grants.forget()
        self.system_keys.release()
        self.mouse.release(to)

    def _on_travel(self, dx: int, dy: int) -> None:
        self.pointer.travelled(dx, dy)

    def _mouse_changed(self) -> None:
        self.show_view()
        self._does.mouse_changed()

    # --- the input module -----------------------------------------------------------------------

    def show_view(self, *, again: bool = False) -> None:
        """Tell the input module where the picture is, if that has changed, or `again`."""
        captured = isinstance(self.mouse.state, Captured)
        self._inputs.show_view(view_of(self._window, self._view, captured=captured), again=again)

    def on_wish(self, wish: Wish, capture: Callable[[], None]) -> None:
        """The input module wishes something. A refusal is answered with the view as it is."""

        def may(grant: Grant) -> bool:
            asked = self._inputs.is_open and self._window.isActiveWindow()
            kept = grant is Grant.POINTER_LOCK and not self._options.mouse.capture
            return asked and not kept and self.grants.take(grant, self._clock())

        met = True
        match wish:
            case PointerLockWish(wanted):
                if not wanted:
                    self.grants.forget()
                    self.mouse.release()
                elif not self.mouse.captured and may(Grant.POINTER_LOCK):
                    capture()
                met = self.mouse.captured == wanted or self.mouse.asked
            case FullScreenWish(wanted):
                self.full_screen.wish(wanted, lambda: may(Grant.FULL_SCREEN))
                met = self._window.isFullScreen() == wanted
            case CursorWish(keyword):
                self.mouse.set_cursor(cursor_of(keyword))
            case _:
                assert_never(wish)
        self.show_view()
        if not met:  # after the other wishes that came with it: they may still be granted
            QTimer.singleShot(0, self._window, partial(self.show_view, again=True))
