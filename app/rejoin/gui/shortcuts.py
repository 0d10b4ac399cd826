"""Every keyboard shortcut of the window as a value: what it does, when it works, and its keys."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rejoin.input_events.chords import NONE, Chord, Held, parse
from rejoin.language import mark, tr


class ShortcutAction(enum.Enum):
    """What a shortcut does."""

    OPEN_MENU = "open_menu"
    """Or shut it."""
    TOGGLE_FULL_SCREEN = "toggle_full_screen"
    TOGGLE_STATISTICS = "toggle_statistics"
    TOGGLE_SOUND = "toggle_sound"
    LOUDER = mark("louder")
    QUIETER = mark("quieter")
    TOGGLE_MICROPHONE = "toggle_microphone"
    TALK = "talk"
    SAVE_PICTURE = "save_picture"
    RECONNECT = "reconnect"
    DROP_CONNECTION = "drop_connection"
    PRACTICE_DROP = "practice_drop"
    SET_MARKER = "set_marker"
    FREE_MOUSE = "free_mouse"


class Condition(enum.Enum):
    """What must be true for a shortcut to work; otherwise its keys go to the game."""

    LIVE = "live"
    CAN_RECONNECT = "can_reconnect"
    """The picture has stood still for so long that a new connection is offered."""
    CAN_DROP = "can_drop"
    """Only in a demo."""
    PRACTICE = "practice"
    """Only in a tester's window."""
    MICROPHONE = "microphone"
    """The studio takes the player's voice, and the player has turned the microphone on."""
    PUSH_TO_TALK = "push_to_talk"
    """And talks while keys are held."""
    MOUSE_CAPTURED = "mouse_captured"
    """Or the keyboard is: the game has the mouse, or keys of the desktop, for itself."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`text`: what it does, as a player reads it. `keys`: its default, as `chords.parse` reads it.
    `repeats`: whether it is repeated while its key is held down. `holds`: it lasts as long as its
    key is held, and what else is held stays the game's."""

    action: ShortcutAction
    keys: str
    text: str
    needs: frozenset[Condition] = frozenset()
    repeats: bool = False
    holds: bool = False


SHORTCUTS: Final = (
    Shortcut(ShortcutAction.OPEN_MENU, "Ctrl+Alt+G", mark("menu"), frozenset({Condition.LIVE})),
    Shortcut(ShortcutAction.TOGGLE_FULL_SCREEN, "F11, Alt+Enter", mark("full screen")),
    Shortcut(ShortcutAction.TOGGLE_STATISTICS, "Ctrl+Alt+S", mark("stream statistics")),
    Shortcut(
        ShortcutAction.TOGGLE_SOUND,
        "Ctrl+Alt+M",
        mark("sound on or off"),
        frozenset({Condition.LIVE}),
    ),
    Shortcut(
        ShortcutAction.LOUDER, "Ctrl+Alt+Up", "louder", frozenset({Condition.LIVE}), repeats=True
    ),
    Shortcut(ShortcutAction.QUIETER, "Ctrl+Alt+Down", "quieter", frozenset({Condition.LIVE}), True),
    Shortcut(
        ShortcutAction.TOGGLE_MICROPHONE,
        "Ctrl+Alt+V",
        mark("microphone on or off"),
        frozenset({Condition.LIVE, Condition.MICROPHONE}),
    ),
    Shortcut(
        ShortcutAction.TALK,
        "ScrollLock",
        mark("hold to talk"),
        frozenset({Condition.LIVE, Condition.PUSH_TO_TALK}),
        holds=True,
    ),
    Shortcut(
        ShortcutAction.SAVE_PICTURE,
        "Ctrl+Alt+P",
        mark("save a picture of the game"),
        frozenset({Condition.LIVE}),
    ),
    Shortcut(
        ShortcutAction.RECONNECT,
        "Ctrl+Alt+R",
        mark("reconnect"),
        frozenset({Condition.LIVE, Condition.CAN_RECONNECT}),
    ),
    Shortcut(
        ShortcutAction.DROP_CONNECTION,
        "Ctrl+Alt+D",
        mark("drop the connection"),
        frozenset({Condition.LIVE, Condition.CAN_DROP}),
    ),
    Shortcut(
        ShortcutAction.PRACTICE_DROP,
        NONE,
        mark("practice drop, or lift it"),
        frozenset({Condition.PRACTICE}),
    ),
    Shortcut(
        ShortcutAction.SET_MARKER,
        NONE,
        mark("set a marker"),
        frozenset({Condition.PRACTICE}),
    ),
    Shortcut(
        ShortcutAction.FREE_MOUSE,
        "Ctrl+Alt",
        mark("free the mouse"),
        frozenset({Condition.MOUSE_CAPTURED}),
    ),
)
"""In the order in which they are listed. None has a key that games need: pages never get F11,
ScrollLock is the game's unless the player has chosen push-to-talk, and those of testers have no
keys until a tester says some."""

_BY_RANK: Final = sorted(SHORTCUTS, key=lambda each: each.action is not ShortcutAction.FREE_MOUSE)
"""Of two with the same keys the one that comes first here is meant: there is always a way out."""


PRINTED: Final = (
    *(mark("Ctrl"), mark("Shift"), mark("Enter"), mark("Escape"), mark("Space"), mark("Up")),
    *(mark("Down"), mark("Left"), mark("Right"), mark("Delete"), mark("Insert"), mark("Home")),
    *(mark("End"), mark("PageUp"), mark("PageDown"), mark("Backspace"), mark("Minus")),
    *(mark("ScrollLock"), mark("PrintScreen"), mark("Pause"), mark("Equal"), mark("Comma")),
    *(mark("Period"), mark("Slash"), mark("Semicolon")),
)
"""Names of keys that are printed otherwise on other keyboards."""


def chord_label(chord: Chord) -> str:
    """Keys that are pressed together, as they are printed: "Ctrl+Alt+S"."""
    return "+".join(tr(each) if each in PRINTED else each for each in str(chord).split("+"))


def keys_label(chords: Sequence[Chord]) -> str:
    """Keys as a sentence names them: "F11 or Alt+Enter"; "" for none."""
    found = ""
    for chord in chords:
        shown = chord_label(chord)
        found = tr("{keys} or {key}", keys=found, key=shown) if found else shown
    return found


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key that went down, by its name in `chords.KEY_NAMES`, and what is held with it. A modifier
    has no name and is held itself. What AltGr makes of Ctrl and Alt is not in it."""

    key: str
    modifiers: frozenset[Held]


def _defaults() -> dict[ShortcutAction, tuple[Chord, ...]]:
    return {each.action: parse(each.keys) for each in SHORTCUTS}


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The keys of every shortcut of one player."""

    keys: Mapping[ShortcutAction, tuple[Chord, ...]] = field(default_factory=_defaults)
    names: frozenset[str] = field(init=False, compare=False)
    """Of every key that a shortcut ends with; "" for modifiers alone."""

    def __post_init__(self) -> None:
        ends = (chord.key for chords in self.keys.values() for chord in chords)
        object.__setattr__(self, "names", frozenset(ends))

    @classmethod
    def of(cls, changed: Mapping[ShortcutAction, str]) -> Shortcuts:
        """With these keys in place of the defaults. Raises `chords.ChordError`."""
        return cls(_defaults() | {action: parse(text) for action, text in changed.items()})

    def find(self, pressed: Pressed, conditions: frozenset[Condition]) -> Shortcut | None:
        """The shortcut that a key press is for under these conditions, or None.

        More modifiers than it needs may be held; of two the one with more modifiers is meant, and
        of two with the same keys the one that frees the mouse, or else the first.
        """
        best: tuple[int, Shortcut] | None = None
        for shortcut in _BY_RANK:
            if not shortcut.needs <= conditions:
                continue
            for chord in self.keys[shortcut.action]:
                meant = chord.key == pressed.key and chord.modifiers <= pressed.modifiers
                if meant and (best is None or len(chord.modifiers) > best[0]):
                    best = len(chord.modifiers), shortcut
        return best[1] if best else None

    def label(self, action: ShortcutAction) -> str:
        """Its keys, as a sentence names them; "" if it has none."""
        return keys_label(self.keys[action])

    def hint(self, action: ShortcutAction) -> str:
        """Its keys and what it does; without keys nothing."""
        keys = self.label(action)
        [text] = [each.text for each in SHORTCUTS if each.action is action]
        return tr("{keys}: {what}", keys=keys, what=tr(text)) if keys else ""
