"""Keyboard shortcuts as values and as a person writes them: "F11, Alt+Enter".

A chord is a key and the modifiers that are held with it, or at least two modifiers alone. A key is
named as it is printed on a US keyboard. AltGr is no modifier here: on many keyboards it writes
letters. A key of its own, without Ctrl, Alt or Meta, has to be one that writes nothing and moves
nothing, so that no shortcut takes a key that games need.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


class Held(enum.Enum):
    """A modifier, by its name; in the order in which they are written."""

    CTRL = "Ctrl"
    ALT = "Alt"
    SHIFT = "Shift"
    META = "Meta"


_FUNCTION_KEYS: Final = tuple(f"F{number}" for number in range(1, 25))
_ALONE: Final = frozenset((*_FUNCTION_KEYS, "Pause", "PrintScreen", "ScrollLock"))
"""Keys that may be a shortcut without a modifier."""

KEY_NAMES: Final = (
    *(chr(ord("A") + at) for at in range(26)),
    *map(str, range(10)),
    *_FUNCTION_KEYS,
    *("Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown", "Insert", "Delete"),
    *("Enter", "Tab", "Space", "Backspace", "Escape", "Menu"),
    *("Pause", "PrintScreen", "ScrollLock"),
    *("Minus", "Equal", "Comma", "Period", "Slash", "Semicolon"),
)
"""Every key that a shortcut can have."""

NONE: Final = "none"
"""The written form of "no shortcut"."""

_BY_NAME: Final = {name.lower(): name for name in KEY_NAMES}
_MODIFIERS: Final = {
    **{held.value.lower(): held for held in Held},
    "control": Held.CTRL,
    "super": Held.META,
    "win": Held.META,
    "cmd": Held.META,
}
_MOST: Final = 4
"""Chords of one shortcut."""
_LONGEST: Final = 200


class ChordError(ValueError):
    """The text is not a shortcut; the message says why."""


@dataclass(frozen=True, slots=True)
class Chord:
    """`key`: one of `KEY_NAMES`; "": the modifiers alone."""

    modifiers: frozenset[Held]
    key: str = ""

    def __str__(self) -> str:
        held = [each.value for each in Held if each in self.modifiers]
        return "+".join([*held, self.key] if self.key else held)


def parse(text: str) -> tuple[Chord, ...]:
    """The chords that a person wrote, separated by commas; none of them for `NONE`.

    Raises ChordError.
    """
    if len(text) > _LONGEST:
        raise ChordError("that is too long")
    if text.strip().lower() == NONE:
        return ()
    chords = tuple(dict.fromkeys(_chord(part) for part in text.split(",")))
    if len(chords) > _MOST:
        raise ChordError(f"there are more than {_MOST}")
    return chords


def _chord(text: str) -> Chord:
    held: set[Held] = set()
    key = ""
    for part in text.split("+"):
        word = part.strip().lower()
        if word in _MODIFIERS and not key:
            held.add(_MODIFIERS[word])
        elif word in _BY_NAME and not key:
            key = _BY_NAME[word]
        else:
            raise ChordError("keys are joined by +, the modifiers first, as in Ctrl+Alt+S")
    if not key and len(held) < 2:
        raise ChordError("modifiers alone have to be two at least")
    if key and key not in _ALONE and held <= {Held.SHIFT}:
        raise ChordError(f"games need {key}: it has to go with Ctrl, Alt or Meta")
    return Chord(frozenset(held), key)


def to_text(chords: Sequence[Chord]) -> str:
    """As `parse` reads it."""
    return ", ".join(map(str, chords)) or NONE


def clashes(shortcuts: Mapping[str, Sequence[Chord]]) -> list[tuple[str, str, Chord]]:
    """Pairs of names with the same chord: each name with the first one before it that has its
    chord."""
    owners: dict[Chord, str] = {}
    found: list[tuple[str, str, Chord]] = []
    for name, chords in shortcuts.items():
        for chord in chords:
            owner = owners.setdefault(chord, name)
            if owner != name:
                found.append((owner, name, chord))
    return found
