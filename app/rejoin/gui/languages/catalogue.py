"""Reads a gettext catalogue (PO file) as it is, so that nothing has to be compiled. Pure.

Of the format only what babel writes: `msgid`, `msgid_plural`, `msgstr`, comments. A translation
that is marked as fuzzy, or empty, does not count. Format: the manual of GNU gettext, "PO Files".
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t"}
_PLURAL_FORMS = re.compile(r"^Plural-Forms:.*?plural=([^;\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language. `texts`: by English text. `plurals`: by the English singular. `form`: which
    form of a plural a number takes."""

    tag: str
    texts: Mapping[str, str]
    plurals: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]
    right_to_left: bool = False

    def find(self, text: str) -> str:
        return self.texts.get(text, text)

    def find_plural(self, one: str, many: str, number: int) -> str:
        forms = self.plurals.get(one, ())
        form = self.form(number)
        if form < len(forms):
            return forms[form]
        return one if number == 1 else many


def read(tag: str, content: str) -> Catalogue:
    """The catalogue in this content of a file. Raises ValueError if it is not one."""
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    for paragraph in content.split("\n\n"):
        entry, fuzzy = _entry(paragraph)
        if "msgid" not in entry or fuzzy:
            continue
        if "msgid_plural" in entry:
            forms = tuple(text for name, text in entry.items() if name.startswith("msgstr["))
            if all(forms):
                plurals[entry["msgid"]] = forms
        elif entry.get("msgstr"):
            texts[entry["msgid"]] = entry["msgstr"]
    header = texts.pop("", "")
    found = _PLURAL_FORMS.search(header)
    if found is None:
        raise ValueError(f"the catalogue of {tag} does not say how plurals are formed")
    return Catalogue(tag, texts, plurals, gettext.c2py(found[1].strip()))


def _entry(paragraph: str) -> tuple[dict[str, str], bool]:
    """The strings of an entry by their keyword, and whether it is fuzzy."""
    entry: dict[str, str] = {}
    keyword, fuzzy = "", False
    for line in paragraph.split("\n"):
        if line.startswith('"') and keyword:
            entry[keyword] += _unescaped(line[1:-1])
        elif line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif line:
            keyword, _, text = line.partition(" ")
            if not (text.startswith('"') and text.endswith('"')):
                raise ValueError(f"a catalogue has a line that is none of its own: {line[:40]}")
            entry[keyword] = _unescaped(text[1:-1])
    return entry, fuzzy


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
