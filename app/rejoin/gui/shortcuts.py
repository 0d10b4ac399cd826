"""Every keyboard shortcut of the window as a value: its keys, what it does, when it works."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from PySide6.QtCore import Qt

from rejoin.core.model import Snapshot, Stage

_NONE = Qt.KeyboardModifier.NoModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_ALT = Qt.KeyboardModifier.AltModifier


class ShortcutAction(enum.Enum):
    """What a shortcut does."""

    TOGGLE_FULL_SCREEN = "toggle_full_screen"
    TOGGLE_STATISTICS = "toggle_statistics"
    TOGGLE_SOUND = "toggle_sound"
    LOUDER = "louder"
    QUIETER = "quieter"
    SAVE_PICTURE = "save_picture"
    RECONNECT = "reconnect"
    DROP_CONNECTION = "drop_connection"
    FREE_MOUSE = "free_mouse"


class Condition(enum.Enum):
    """What must be true for a shortcut to work; otherwise its keys go to the game."""

    LIVE = "live"
    CAN_RECONNECT = "can_reconnect"
    """The picture has stood still for so long that a new connection is offered."""
    CAN_DROP = "can_drop"
    """Only in a demo."""
    MOUSE_CAPTURED = "mouse_captured"


def conditions(snapshot: Snapshot, *, can_drop: bool, mouse_captured: bool) -> frozenset[Condition]:
    """Which conditions are true now."""
    held = {
        Condition.LIVE: snapshot.stage is Stage.LIVE,
        Condition.CAN_RECONNECT: snapshot.can_reconnect,
        Condition.CAN_DROP: can_drop,
        Condition.MOUSE_CAPTURED: mouse_captured,
    }
    return frozenset(condition for condition, true in held.items() if true)


@dataclass(frozen=True, slots=True)
class Keys:
    """One way to press a shortcut: this key, while at least these modifiers are held."""

    key: Qt.Key
    modifiers: Qt.KeyboardModifier = _NONE

    def match(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        return key == self.key and modifiers & self.modifiers == self.modifiers


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`label` names the keys and `text` what they do, as a player reads it."""

    action: ShortcutAction
    keys: tuple[Keys, ...]
    label: str
    text: str
    needs: frozenset[Condition] = frozenset()
    repeats: bool = False
    """Whether it is repeated while its key is held down."""

    @property
    def hint(self) -> str:
        return f"{self.label}: {self.text}"


FULL_SCREEN = Shortcut(
    ShortcutAction.TOGGLE_FULL_SCREEN,
    (
        Keys(Qt.Key.Key_F11),
        Keys(Qt.Key.Key_Return, _ALT),
        Keys(Qt.Key.Key_Enter, _ALT),
    ),
    "F11 or Alt+Enter",
    "full screen",
)
STATISTICS = Shortcut(
    ShortcutAction.TOGGLE_STATISTICS,
    (Keys(Qt.Key.Key_S, _CONTROL | _ALT),),
    "Ctrl+Alt+S",
    "stream statistics",
)
SOUND = Shortcut(
    ShortcutAction.TOGGLE_SOUND,
    (Keys(Qt.Key.Key_M, _CONTROL | _ALT),),
    "Ctrl+Alt+M",
    "sound on or off",
    frozenset({Condition.LIVE}),
)
LOUDER = Shortcut(
    ShortcutAction.LOUDER,
    (Keys(Qt.Key.Key_Up, _CONTROL | _ALT),),
    "Ctrl+Alt+Up",
    "louder",
    frozenset({Condition.LIVE}),
    repeats=True,
)
QUIETER = Shortcut(
    ShortcutAction.QUIETER,
    (Keys(Qt.Key.Key_Down, _CONTROL | _ALT),),
    "Ctrl+Alt+Down",
    "quieter",
    frozenset({Condition.LIVE}),
    repeats=True,
)
PICTURE = Shortcut(
    ShortcutAction.SAVE_PICTURE,
    (Keys(Qt.Key.Key_P, _CONTROL | _ALT),),
    "Ctrl+Alt+P",
    "save a picture of the game",
    frozenset({Condition.LIVE}),
)
RECONNECT = Shortcut(
    ShortcutAction.RECONNECT,
    (Keys(Qt.Key.Key_R, _CONTROL | _ALT),),
    "Ctrl+Alt+R",
    "reconnect",
    frozenset({Condition.LIVE, Condition.CAN_RECONNECT}),
)
DROP = Shortcut(
    ShortcutAction.DROP_CONNECTION,
    (Keys(Qt.Key.Key_F8),),
    "F8",
    "drop the connection",
    frozenset({Condition.LIVE, Condition.CAN_DROP}),
)
FREE_MOUSE = Shortcut(
    ShortcutAction.FREE_MOUSE,
    (  # whichever of the two is pressed last
        Keys(Qt.Key.Key_Alt, _CONTROL),
        Keys(Qt.Key.Key_AltGr, _CONTROL),
        Keys(Qt.Key.Key_Control, _ALT),
    ),
    "Ctrl+Alt",
    "free the mouse",
    frozenset({Condition.MOUSE_CAPTURED}),
)

SHORTCUTS = (
    *(FULL_SCREEN, STATISTICS, SOUND, LOUDER, QUIETER),
    *(PICTURE, RECONNECT, DROP, FREE_MOUSE),
)
FREE_MOUSE_KEYS = frozenset(keys.key for keys in FREE_MOUSE.keys)


def find(
    key: int, modifiers: Qt.KeyboardModifier, conditions: frozenset[Condition]
) -> Shortcut | None:
    """The shortcut that a key press is for under these conditions, or None."""
    for shortcut in SHORTCUTS:
        if shortcut.needs <= conditions and any(
            keys.match(key, modifiers) for keys in shortcut.keys
        ):
            return shortcut
    return None
