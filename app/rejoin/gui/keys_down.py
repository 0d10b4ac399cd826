"""Which keys and mouse buttons are physically down, as far as the window has seen.

It decides what is a repeat: where the system repeats held keys (X11 with detectable auto-repeat), a
repeat is one more press without Qt's auto-repeat flag.
"""

from __future__ import annotations

from collections.abc import Set

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from rejoin.gui.key_events import identity_of


class KeysDown:
    """Fed by the window and its cards with every key and button, whatever it is for."""

    def __init__(self) -> None:
        self._keys: set[int] = set()
        self._buttons: set[Qt.MouseButton] = set()

    @property
    def any(self) -> bool:
        """Whether a key or a mouse button is down."""
        return bool(self._keys or self._buttons)

    @property
    def keys(self) -> Set[int]:
        """The keys that are down, each by its identity."""
        return self._keys

    def is_repeat(self, event: QKeyEvent) -> bool:
        """Whether this press repeats a key that is down already."""
        return event.isAutoRepeat() or identity_of(event) in self._keys

    def press(self, event: QKeyEvent) -> bool:
        """Note a key press; False for a repeat."""
        if self.is_repeat(event):
            return False
        self._keys.add(identity_of(event))
        return True

    def release(self, event: QKeyEvent) -> bool:
        """Note a key release; False for one that belongs to a repeat. May be called twice."""
        if event.isAutoRepeat():
            return False
        self._keys.discard(identity_of(event))
        return True

    def set_button(self, button: Qt.MouseButton, pressed: bool) -> None:
        if pressed:
            self._buttons.add(button)
        else:
            self._buttons.discard(button)

    def forget(self) -> None:
        """The window is not active: it does not see what is released from now on."""
        self._keys.clear()
        self._buttons.clear()
