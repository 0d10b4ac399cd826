"""The language that the window speaks: texts are written in English, and translated when shown.

Glossary: a *text* is an English sentence or word with named placeholders, `"Volume {percent} %"`.
`tr` translates one now; `mark` only marks one that is translated later, by `tr`, because it stands
in a table that is made at import; a `Message` is an English sentence of the code below the window
(an error, a finding), which logs and the command line use as it is and which `tr` can translate.
`dev.py texts` finds the texts by these names (docs/languages.md).

One language is in use in a program.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol


class Language(Protocol):
    """What translates. `tag`: as BCP 47 has it. `right_to_left`: how windows are laid out."""

    @property
    def tag(self) -> str: ...

    @property
    def right_to_left(self) -> bool: ...

    def find(self, text: str) -> str:
        """The translation of a text, or the text itself."""
        ...

    def find_plural(self, one: str, many: str, number: int) -> str:
        """The translation of the one of two texts that fits the number."""
        ...


class English:
    """The language of the texts: nothing is looked up."""

    tag = "en"
    right_to_left = False

    def find(self, text: str) -> str:
        return text

    def find_plural(self, one: str, many: str, number: int) -> str:
        return one if number == 1 else many


ENGLISH = English()

_language: Language = ENGLISH
_for_the_studio = threading.local()
"""Its `english` is true on a thread that is in a block of `in_english`."""


def use(language: Language) -> None:
    """Speak this language from now on."""
    global _language  # noqa: PLW0603 - one window speaks one language
    _language = language


def current() -> Language:
    """The language that is spoken."""
    return ENGLISH if getattr(_for_the_studio, "english", False) else _language


@contextmanager
def in_english() -> Iterator[None]:
    """Within this block, on this thread, texts stay English: for what the studio is to read, or a
    terminal shows."""
    before = getattr(_for_the_studio, "english", False)
    _for_the_studio.english = True
    try:
        yield
    finally:
        _for_the_studio.english = before


class Message(str):
    """An English sentence that can be translated: the text, and the values of its placeholders.

    It is the English sentence for everybody but `tr`. A value that is a `Message` is
    translated as well; one that is only marked is not.
    """

    __slots__ = ("text", "values")

    text: str
    values: Mapping[str, object]

    def __new__(cls, text: str, /, **values: object) -> Message:
        made = super().__new__(cls, text.format(**values) if values else text)
        made.text = text
        made.values = values
        return made

    def __str__(self) -> str:
        """Itself, so that `str(error)` can still be translated."""
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.text,), dict(self.values)


def mark(text: str) -> str:
    """The text as it is, marked as one that `tr` translates later."""
    return text


def tr(text: str, /, **values: object) -> str:
    """The text in the language of the window, with these values for its placeholders.

    A text that is not in the catalogue stays English. Values are texts already; numbers with a
    fraction go through `number`.
    """
    if isinstance(text, Message):
        values, text = {**text.values, **values}, text.text
    found = current().find(text)
    if not values:
        return found
    shown = {name: tr(each) if isinstance(each, Message) else each for name, each in values.items()}
    try:
        return found.format(**shown)
    except (KeyError, IndexError, ValueError):  # a wrong translation; a test finds it
        return text.format(**shown)


def tr_plural(one: str, many: str, count: int, /, **values: object) -> str:
    """One of two texts, by the count, translated; both have the placeholder {count}."""
    found = current().find_plural(one, many, count)
    try:
        return found.format(count=count, **values)
    except (KeyError, IndexError, ValueError):
        return ENGLISH.find_plural(one, many, count).format(count=count, **values)


def sentences(*parts: str) -> str:
    """Whole sentences after each other, as the language puts them; empty ones are left out."""
    # Translators: two whole sentences, one after the other
    return _joined(parts, mark("{first} {second}"))


def listed(parts: Iterable[str]) -> str:
    """Things that are listed: a, b, c."""
    # Translators: things in a list; used again and again for more than two
    return _joined(tuple(parts), mark("{first}, {second}"))


def _joined(parts: Iterable[str], pattern: str) -> str:
    found = [part for part in parts if part]
    if not found:
        return ""
    joined, *others = found
    for other in others:
        joined = tr(pattern, first=joined, second=other)
    return joined


def number(value: float, digits: int | None = None) -> str:
    """A number with this many digits after the decimal point; None: as many as it has."""
    text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
    # Translators: the decimal point
    return text.replace(".", tr("."))
