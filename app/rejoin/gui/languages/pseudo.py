"""Pseudo-languages, made from the English texts: what was not translated is seen at once. Pure.

The long one has accents on its letters and 40 % more of them, which is what German needs at most
of what is longer than a word; the other one is written from right to left, and so are its windows.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

BEGIN: Final = "\u27e6"
END: Final = "\u27e7"
"""Around each text, so that one that is cut or glued together is seen."""

LONGER: Final = 0.4

_ACCENTS = str.maketrans(
    "AaCcEeGgHhIiJjLlNnOoRrSsTtUuWwYyZz",
    "\u00c5\u00e5\u00c7\u00e7\u00c9\u00e9\u011c\u011d\u0124\u0125\u00ce\u00ee\u0134\u0135\u0139"
    "\u013a\u00d1\u00f1\u00d6\u00f6\u0154\u0155\u0160\u0161\u0162\u0163\u00db\u00fb\u0174\u0175"
    "\u00dd\u00fd\u017d\u017e",
)
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_BEFORE, _AFTER = "\u200f\u202e", "\u202c\u200f"
"""The mark and the override of Unicode's UAX 9, so that paragraphs begin at the right as well."""


@dataclass(frozen=True, slots=True)
class LongPseudo:
    """Accented and longer; bracketed."""

    tag: str = "en-XA"
    right_to_left: bool = False

    def find(self, text: str) -> str:
        if not _WORD.search(_PLACEHOLDER.sub("", text)):
            return text  # a pattern of placeholders alone
        accented = "".join(
            part if part.startswith("{") else part.translate(_ACCENTS)
            for part in _PLACEHOLDER.split(text)
        )
        more = math.ceil(len(_PLACEHOLDER.sub("", text)) * LONGER)
        return f"{BEGIN}{accented}{_filling(more)}{END}"

    def find_plural(self, one: str, many: str, number: int) -> str:
        return self.find(one if number == 1 else many)


@dataclass(frozen=True, slots=True)
class RightToLeftPseudo:
    """Each word from right to left, as Android's en-XB has it (Unicode's UAX 9, RLO)."""

    tag: str = "ar-XB"
    right_to_left: bool = True

    def find(self, text: str) -> str:
        return "".join(
            part
            if part.startswith("{")
            else _WORD.sub(lambda found: f"{_BEFORE}{found[0]}{_AFTER}", part)
            for part in _PLACEHOLDER.split(text)
        )

    def find_plural(self, one: str, many: str, number: int) -> str:
        return self.find(one if number == 1 else many)


def _filling(letters: int) -> str:
    """So many letters, in words between which a line may break."""
    filling = " \u00f6\u00f1\u00e9 \u0163\u0175\u00f6 \u0163\u0125\u0155\u00e9\u00e9"
    return (filling * (letters // len(filling) + 1))[:letters].rstrip()
