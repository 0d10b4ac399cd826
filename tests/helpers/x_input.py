"""Keys, buttons and movements from the X server itself (XTEST), as by a keyboard and a mouse.

The display is that of the environment. `code` is the W3C's: X has evdev + 8 as its keycodes.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from rejoin.input_events.keys import BY_CODE

LEFT, MIDDLE, RIGHT, BACK, FORWARD = 1, 2, 3, 8, 9
WHEEL_UP, WHEEL_DOWN, WHEEL_LEFT, WHEEL_RIGHT = 4, 5, 6, 7


class XInput:
    """One connection to the X server; every call is there when it returns."""

    def __init__(self) -> None:
        self._x = ctypes.CDLL("libX11.so.6")
        self._test = ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = ctypes.c_ulong
        self._x.XGetKeyboardMapping.restype = ctypes.c_void_p
        self._x.XFree.argtypes = (ctypes.c_void_p,)
        self._x.XChangeKeyboardMapping.argtypes = (
            *(ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
        )
        display = self._x.XOpenDisplay(None)
        assert display is not None, "there is no X display"
        self._display = ctypes.c_void_p(display)

    def close(self) -> None:
        self._x.XCloseDisplay(self._display)

    def screen(self) -> tuple[int, int]:
        """Width and height in pixels."""
        wide = self._x.XDisplayWidth(self._display, 0)
        return wide, self._x.XDisplayHeight(self._display, 0)

    def focus(self, window: int) -> None:
        """Give a window the keyboard, as a window manager would."""
        self._x.XSetInputFocus(self._display, ctypes.c_ulong(window), 1, ctypes.c_ulong(0))
        self._sync()

    def grab_key(self, code: str) -> None:
        """Take this key with the left Alt from every window, as a window manager does."""
        keycode = BY_CODE[code].evdev[0] + 8
        alt, asynchronous = 8, 1  # Mod1Mask, GrabModeAsync
        root = ctypes.c_ulong(self._x.XDefaultRootWindow(self._display))
        self._x.XGrabKey(self._display, keycode, alt, root, 0, asynchronous, asynchronous)
        self._sync()

    @contextlib.contextmanager
    def mapped(self, code: str, keysym: int) -> Iterator[None]:
        """Until the end of the block this key means `keysym` (X11's keysymdef.h) for everybody."""
        keycode, count = BY_CODE[code].evdev[0] + 8, ctypes.c_int(0)
        before = self._x.XGetKeyboardMapping(self._display, keycode, 1, ctypes.byref(count))
        syms = (ctypes.c_ulong * 1)(keysym)
        self._x.XChangeKeyboardMapping(self._display, keycode, 1, syms, 1)
        self._sync()
        try:
            yield
        finally:
            self._x.XChangeKeyboardMapping(self._display, keycode, count, before, 1)
            self._sync()
            self._x.XFree(before)

    def events(self) -> int:
        """How many events have arrived here: those of grabbed keys."""
        self._sync()
        return int(self._x.XPending(self._display))

    def key(self, code: str, pressed: bool) -> None:
        keycode = BY_CODE[code].evdev[0] + 8
        self._test.XTestFakeKeyEvent(self._display, keycode, pressed, ctypes.c_ulong(0))
        self._sync()

    def button(self, number: int, pressed: bool) -> None:
        self._test.XTestFakeButtonEvent(self._display, number, pressed, ctypes.c_ulong(0))
        self._sync()

    def move_to(self, x: int, y: int) -> None:
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, ctypes.c_ulong(0))
        self._sync()

    def leave(self, size: tuple[int, int]) -> None:
        """Put the pointer where no window is, if the only one is this large and at 0, 0."""
        corner = (self.screen()[0] - 1, self.screen()[1] - 1)
        assert corner[0] > size[0] or corner[1] > size[1], "the screen is too small"
        self.move_to(*corner)

    def move_by(self, dx: int, dy: int) -> None:
        self._test.XTestFakeRelativeMotionEvent(self._display, dx, dy, ctypes.c_ulong(0))
        self._sync()

    def _sync(self) -> None:
        self._x.XSync(self._display, 0)


@contextlib.contextmanager
def x_input() -> Iterator[XInput]:
    made = XInput()
    try:
        yield made
    finally:
        made.close()
