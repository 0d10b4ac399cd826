"""A TOML file that a person may edit too.

A change leaves everything else unchanged, comments and unknown keys too. A file that is not TOML is
set aside before a new one is written.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.runtime.private_files import write_new
from rejoin.runtime.state_folder import keep_file

_MAX_BYTES: Final = 64 * 1024
_MAX_DAMAGED: Final = 100

_PLACE: Final = re.compile(r"at line \d+, column \d+|at end of document")


def read_tables(path: Path) -> dict[str, Any] | None:
    """The file's content; None: there is no file. Raises OSError, and ValueError, with the place,
    if it is not TOML."""
    text = _text(path)
    return None if text is None else _tables(text)


def edit_file(path: Path, edit: Callable[[Any], None], *, heading: str, name: str) -> Path | None:
    """Change a file by `edit`, which gets a document of tomlkit. Returns where a damaged file was
    set aside.

    `heading`: the comment at the top of a new file. `name`: what sentences call the file, such as
    "settings file". Raises BadInputError if the file cannot be read or written, and what `edit`
    raises; then nothing has changed.
    """
    import tomlkit  # tomlkit keeps comments; imported here, as playing does not need it

    copy: Path | None = None
    try:
        try:
            text = _text(path)
            if text is None:
                text = heading
            _tables(text)
        except ValueError:
            copy, text = _kept(path), heading
        document = tomlkit.parse(text)
        edit(document)
        # A link stays: its target is replaced.
        keep_file(Path(os.path.realpath(path)), tomlkit.dumps(document))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInputError(
            Message("The {name} {path} cannot be changed: {why}.", name=name, path=path, why=why)
        ) from error
    return copy


def _text(path: Path) -> str | None:
    """None: there is no file. Raises OSError, ValueError."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(content) > _MAX_BYTES:
        raise ValueError("it is too long")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _tables(text: str) -> dict[str, Any]:
    """Raises ValueError, with the place, if it is not TOML."""
    import tomllib  # most players have no such file

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place = _PLACE.search(str(error))
        raise ValueError(place.group() if place else "it is not TOML") from None


def _kept(path: Path) -> Path:
    """Copy a damaged file to an unused name. Raises OSError."""
    content = path.read_bytes()
    for number in range(1, _MAX_DAMAGED):
        copy = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            write_new(copy, content)
            return copy
    raise OSError("there are too many damaged copies")
