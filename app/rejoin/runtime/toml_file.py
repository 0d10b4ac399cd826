"""A TOML file that a person may edit too.

A change leaves everything else unchanged, comments and unknown keys too. A file that is not TOML is
set aside before a new one is written. Two programs change it one after the other, so that neither
change is lost.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.runtime.file_lock import turn_at
from rejoin.runtime.private_files import read_regular, write_new
from rejoin.runtime.state_folder import keep_file

_MAX_BYTES: Final = 64 * 1024
_MAX_DAMAGED: Final = 100
_MAX_DAMAGED_BYTES: Final = 16 * 1024 * 1024
_TURN_WITHIN_S: Final = 3.0
"""A change takes milliseconds."""

_PLACE: Final = re.compile(r"at line \d+, column \d+|at end of document")


def read_tables(path: Path, *, named: bool = False) -> dict[str, Any] | None:
    """The file's content; None: there is no file. `named`: a person named it, who may mean a pipe;
    otherwise a pipe is refused, as a device is. Raises OSError, and ValueError, with the place, if
    it is not TOML."""
    text = _text(path, named=named)
    return None if text is None else _tables(text)


def edit_file(path: Path, edit: Callable[[Any], None], *, heading: str, name: str) -> Path | None:
    """Change a file by `edit`, which gets a document of tomlkit. Returns where a damaged file was
    set aside.

    `heading`: the comment at the top of a new file. `name`: what sentences call the file, such as
    "settings file". Raises BadInputError if the file cannot be read or written, and what `edit`
    raises; then nothing has changed.
    """
    # A link stays one: where it leads is replaced.
    real = Path(os.path.realpath(path))
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with turn_at(real, _TURN_WITHIN_S):
            return _edited(real, edit, heading)
    except TimeoutError as error:
        raise _unchanged(name, path, Message("another Rejoin is changing it")) from error
    except _NotEditableError as error:
        why = Message("it has TOML that Rejoin can read and not change; edit it by hand")
        raise _unchanged(name, path, why) from error
    except OSError as error:
        raise _unchanged(name, path, error.strerror or type(error).__name__) from error


def _unchanged(name: str, path: Path, why: str) -> BadInputError:
    return BadInputError(
        Message("The {name} {path} cannot be changed: {why}.", name=name, path=path, why=why)
    )


class _NotEditableError(Exception):
    """`tomlkit` cannot read what is TOML, or what it would write is none."""


def _edited(path: Path, edit: Callable[[Any], None], heading: str) -> Path | None:
    """Returns where a damaged file was set aside. Raises OSError, _NotEditableError, and what
    `edit` raises."""
    import tomlkit  # keeps comments; nothing that plays needs it
    from tomlkit.exceptions import TOMLKitError

    copy: Path | None = None
    try:
        text = _text(path)
        if text is None:
            text = heading
        _tables(text)
    except ValueError:
        copy, text = _kept(path), heading
    try:
        document = tomlkit.parse(text)
        edit(document)
        changed = tomlkit.dumps(document)
        _tables(changed)
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise _NotEditableError from error
    keep_file(path, changed)
    return copy


def _text(path: Path, *, named: bool = False) -> str | None:
    """None: there is no file. Raises OSError, ValueError."""
    try:
        if named:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        else:
            content = read_regular(path, _MAX_BYTES + 1)
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
    content = read_regular(path, _MAX_DAMAGED_BYTES + 1)
    if len(content) > _MAX_DAMAGED_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    for number in range(1, _MAX_DAMAGED):
        copy = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            write_new(copy, content)
            return copy
    raise OSError("there are too many damaged copies")
