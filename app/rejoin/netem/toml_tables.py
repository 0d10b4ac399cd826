"""Read TOML key by key; every error is one sentence that names the file and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

from rejoin.errors import BadInputError

MAX_TEXT: Final = 64 * 1024
"""The longest file that is read, in characters."""


def parse(what: str, text: str, renamed: Mapping[str, str] | None = None) -> Table:
    """The top-level table of a TOML text. Raises BadInputError.

    `what` describes the file, as the beginning of a sentence. `renamed`: keys of an older version,
    and their present names; a file with one of them is refused.
    """
    if len(text) > MAX_TEXT:
        raise BadInputError(f"{what} is too long.")
    try:
        values = tomllib.loads(text)
        _refuse_renamed(what, values, renamed or {})
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{what} is not TOML: {error}.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; tables in tables
        raise BadInputError(f"{what} is not TOML.") from None
    return Table(what, "", values)


def _refuse_renamed(what: str, value: object, renamed: Mapping[str, str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in renamed:
                raise BadInputError(
                    f"{what} is of an older version: {key} is called {renamed[key]} now."
                )
            _refuse_renamed(what, inner, renamed)
    elif isinstance(value, list):
        for inner in value:
            _refuse_renamed(what, inner, renamed)


class Table:
    """A table whose keys are taken one by one; `end` refuses a table with keys left over.

    `what` describes the file, `path` is the path of the table in it.
    """

    def __init__(self, what: str, path: str, values: dict[str, Any]) -> None:
        self._what = what
        self._path = path
        self._values = dict(values)

    def wrong(self, key: str, sentence: str) -> BadInputError:
        """The error for this key, for the caller to raise. `sentence` says what the key must be."""
        return BadInputError(f"{self._what} cannot be used: {self._path}{key} {sentence}.")

    def take(self, key: str) -> Any:
        """Remove a key from the table and return its value, or None."""
        return self._values.pop(key, None)

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be a text that is not empty")
        return value

    def word(self, key: str, allowed: list[str], default: str) -> str:
        value = self._values.pop(key, default)
        if value not in allowed:
            raise self.wrong(key, f"must be one of {', '.join(allowed)}")
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
            raise self.wrong(key, "must be a number")
        if not least <= value <= most:
            raise self.wrong(key, f"must be {least:g} to {most:g}")
        return float(value)

    def table(self, key: str) -> Table | None:
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table")
        return Table(self._what, f"{self._path}{key}.", value)

    def tables(self, key: str) -> list[Table]:
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            raise self.wrong(key, "must be a list of tables")
        return [
            Table(self._what, f"{self._path}{key}[{index}].", each)
            for index, each in enumerate(values)
        ]

    def named_tables(self, key: str) -> dict[str, Table]:
        """A table of tables, by their names."""
        values = self.take(key)
        if values is None:
            return {}
        if not isinstance(values, dict) or not all(isinstance(v, dict) for v in values.values()):
            raise self.wrong(key, "must be a table of tables")
        return {
            name: Table(self._what, f"{self._path}{key}.{name!a:.60}.", each)
            for name, each in values.items()
        }

    def end(self) -> None:
        """Call this when all known keys were taken: a key that is left is an error."""
        for key in self._values:
            # Quoted as Python does it: a key may hold any character.
            raise self.wrong(f"{key!a:.60}", "is not known")
