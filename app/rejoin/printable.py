"""Makes a text safe for a terminal: characters that would control it are shown as escapes.

Names of traces and files, sentences of backends and services, and a host's statistics come from
others. Printed as they are, ESC and its kin move the cursor, set the title or the clipboard, and
bidirectional controls show a text in another order than it has.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of Unicode: controls (C0, DEL, C1), formats (bidirectional controls, invisible ones,
tags), surrogates, private use, line and paragraph separators."""


def printable(text: str) -> str:
    """The same text on one line, with `\\\\x1b` in place of ESC and so on."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escape(character) if unicodedata.category(character) in _ESCAPED else character
        for character in text
    )


def printable_lines(text: str) -> str:
    """As `printable`, but lines and tabs stay: for a text that is laid out in lines by us."""
    return "\n".join(
        "\t".join(printable(part) for part in line.split("\t")) for line in text.split("\n")
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
