"""Trace files: one JSON record a line, in the format of `core.trace`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rejoin.core.trace import SCHEMA, OtherVersionError, Record, from_line, to_line
from rejoin.errors import BadInputError

_BLANK = " \t\r\n"
_LINE_LIMIT = 64 * 1024
"""Characters; the longest record that Rejoin writes has under a thousand."""


def read(path: Path) -> Iterator[Record]:
    """The records of a trace, in order. Raises BadInputError, naming the line."""
    try:
        with path.open(encoding="utf-8") as file:
            number = 0
            while line := file.readline(_LINE_LIMIT + 1):
                number += 1
                if len(line) > _LINE_LIMIT:
                    raise BadInputError(f"Line {number} of {path.name} is too long for a trace.")
                if line.strip(_BLANK):
                    yield _record(line, number, path.name)
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is not a trace: it is not text.") from None
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}.") from error


def _record(line: str, number: int, name: str) -> Record:
    try:
        return from_line(line)
    except OtherVersionError as error:
        raise BadInputError(
            f"Line {number} of {name} was written by another version of Rejoin; this one reads "
            f"traces of version {SCHEMA}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"Line {number} of {name} is not a record of a trace.") from error


def write(path: Path, records: Iterable[Record]) -> None:
    """Write a trace, whole or not at all. Raises BadInputError."""
    write_lines(path, map(to_line, records))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the lines of a trace. Raises as `write`."""
    opened = False
    try:
        with path.open("w", encoding="utf-8") as file:
            opened = True
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        if opened and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()
        raise BadInputError(f"{path.name} cannot be written: {error.strerror}.") from error


def without_session(record: Record) -> Record:
    """The record without a session's id, for a dialect in which that is a secret."""
    return replace(record, data=_without_session(record.data))


def _without_session(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: "secret" if key == "session_id" and each else _without_session(each)
                for key, each in value.items()
            }
        case list():
            return [_without_session(each) for each in value]
        case _:
            return value


class TraceWriter:
    """A trace that is written while it happens. `write` may be called on any thread."""

    def __init__(self, path: Path) -> None:
        """Raises BadInputError if the file cannot be created."""
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise BadInputError(f"{path.name} cannot be written: {error.strerror}.") from error
        self._lock = threading.Lock()
        self.is_whole = True
        """Whether everything could be written."""

    def write(self, record: Record) -> None:
        """After an error, or `close`, nothing more is written."""
        with self._lock:
            if not self.is_whole or self._file.closed:
                return
            try:
                self._file.write(to_line(record) + "\n")
                self._file.flush()
            except OSError:
                self.is_whole = False

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            try:
                self._file.close()
            except OSError:
                self.is_whole = False


def file_name(name: str) -> str:
    """A case's name with only characters that every file system allows."""
    return "".join(each if each.isalnum() or each in "-_.+" else "-" for each in name)
