"""Tables of a TOML file, taken apart key by key; whatever is wrong is said in one sentence."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from rejoin.errors import BadInputError

MAX_TEXT: Final = 64 * 1024
"""Characters of a file."""


def parse(what: str, text: str) -> Table:
    """The whole of a TOML text. `what` is its file, in words. Raises BadInputError."""
    if len(text) > MAX_TEXT:
        raise BadInputError(f"{what} is too long.")
    try:
        return Table(what, "", tomllib.loads(text))
    except (ValueError, RecursionError):
        raise BadInputError(f"{what} is not TOML.") from None


class Table:
    """A table, whose keys are taken one by one; none may be left. `what` is its file, in words."""

    def __init__(self, what: str, path: str, values: dict[str, Any]) -> None:
        self._what = what
        self._path = path
        self._values = dict(values)

    def wrong(self, key: str, sentence: str) -> BadInputError:
        return BadInputError(f"{self._what} cannot be used: {self._path}{key} {sentence}.")

    def take(self, key: str) -> Any:
        return self._values.pop(key, None)

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "is a text and is not empty")
        return value

    def word(self, key: str, allowed: list[str], default: str) -> str:
        value = self._values.pop(key, default)
        if value not in allowed:
            raise self.wrong(key, f"is one of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str, least: float, most: float) -> float:
        number = self.number_or_none(key, least, most)
        if number is None:
            raise self.wrong(key, "is missing")
        return number

    def number_or_none(self, key: str, least: float, most: float) -> float | None:
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "is a number")
        if not least <= value <= most:
            raise self.wrong(key, f"is {least:g} to {most:g}")
        return float(value)

    def table(self, key: str) -> Table | None:
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, "is a table")
        return Table(self._what, f"{self._path}{key}.", value)

    def tables(self, key: str) -> list[Table]:
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            raise self.wrong(key, "is a list of tables")
        return [
            Table(self._what, f"{self._path}{key}[{index}].", each)
            for index, each in enumerate(values)
        ]

    def end(self) -> None:
        for key in self._values:
            # Quoted as Python would: a key may hold any character.
            raise self.wrong(f"{key!a:.60}", "is not known")
