"""Files and folders of results and reports: made before they are needed, written whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final, Literal

from rejoin.errors import BadInputError

_MOST_BYTES: Final = 256 * 1024
"""Limit of a file that a person wrote."""


def read_text(path: Path, kind: str) -> str:
    """A file that a person wrote, such as a scenario; `kind`: "a scenario". Raises BadInputError:
    it is too long, or no text; OSError."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise BadInputError(f"{path.name} is too long for {kind}.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is not {kind}: it is not text.") from None


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there. Raises BadInputError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def prepare_folder(folder: Path) -> None:
    """Make a folder, and write into it for a moment. Raises BadInputError if that fails: better
    before a long piece of work than after it."""
    make_folder(folder)
    try:
        try_to_write(folder)
    except OSError as error:
        raise BadInputError(
            f"The folder {folder} cannot be written to: {error.strerror}."
        ) from error


def prepare_file(path: Path) -> None:
    """The same for the folder of a file that is to be written (`write_file`)."""
    if path.exists() and not path.is_file():
        return  # a device or a pipe: it is written into
    prepare_folder(Path(os.path.realpath(path)).parent)


def try_to_write(folder: Path) -> None:
    """Write a file without a name, which then is gone. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        file.write(bytes(4096))


def begin_lines(file: Path) -> None:
    """Begin a file of lines anew (`add_line`). Raises BadInputError."""
    _write_lines(file, "w", "")


def add_line(file: Path, line: str) -> None:
    """Add a line at once, so that a run that is killed has those so far. Raises BadInputError."""
    _write_lines(file, "a", f"{line}\n")


def _write_lines(file: Path, mode: Literal["a", "w"], text: str) -> None:
    try:
        with file.open(mode, encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise BadInputError(f"{file} cannot be written: {error.strerror}.") from error


def write_file(path: Path, content: str | bytes) -> None:
    """Write it whole or not at all; folders are made. Raises BadInputError."""
    from rejoin.runtime.state_folder import write_named  # the base alone makes folders

    data = content.encode() if isinstance(content, str) else content
    try:
        write_named(path, data, private=False)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        raise BadInputError(f"{path.name} cannot be written: {why}.") from error
