"""Finds the folders of this user's files (tickets, log, settings and others), and writes files."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from rejoin.errors import BadInputError
from rejoin.language import Message


def state_folder() -> Path:
    """By XDG_STATE_HOME, or else in the home folder; it need not exist.

    Raises BadInputError where there is no home folder, as in a container whose user has no entry
    in the list of users and no HOME.
    """
    with _home_needed("XDG_STATE_HOME"):
        return platformdirs.user_state_path("rejoin", appauthor=False)


def log_folder() -> Path:
    """Where the log is; it need not exist. Raises BadInputError where there is no home folder."""
    with _home_needed("XDG_STATE_HOME"):
        return platformdirs.user_log_path("rejoin", appauthor=False)


def settings_folder() -> Path:
    """Where the player's settings are, by XDG_CONFIG_HOME, or else in the home folder; it need not
    exist. Raises BadInputError where there is no home folder."""
    with _home_needed("XDG_CONFIG_HOME"):
        return platformdirs.user_config_path("rejoin", appauthor=False)


@contextlib.contextmanager
def _home_needed(variable: str) -> Iterator[None]:
    """`variable`: with which a person can set the folder if there is no home folder."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        raise BadInputError(
            Message(
                "There is no home folder: set HOME or {variable} to the path of a folder.",
                variable=variable,
            )
        ) from error


def keep_file(path: Path, text: str) -> None:
    """Write a new file, for this user alone, and rename it over the old one, so that a crash leaves
    one of them. Lines end as in `text`.

    Raises OSError.
    """
    keep_bytes(path, text.encode())


def keep_bytes(path: Path, content: bytes) -> None:
    """The same for bytes. Raises OSError."""
    replace_file(path, content, private=True)


def replace_file(path: Path, content: bytes, *, private: bool) -> None:
    """Write a new file and rename it over the old one, so that a crash leaves one of them; folders
    are made. `private`: for this user alone; else as this user's files are.

    Raises OSError, also for a device or a pipe, which is never replaced; ValueError for a path that
    cannot be one.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(new, "wb", opener=_private if private else None) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def write_named(path: Path, content: bytes, *, private: bool) -> None:
    """Write a file that a person named, like `replace_file`, but follow a link. A device or a pipe,
    such as /dev/stdout, is written into and never replaced.

    Raises OSError; ValueError for a path that cannot be one.
    """
    of_system = path.absolute().parts[1:2] in (("dev",), ("proc",))
    if path.exists() and (of_system or not path.is_file()):
        with path.open("ab", buffering=0) as device:
            device.write(content)
        return
    replace_file(Path(os.path.realpath(path)), content, private=private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
