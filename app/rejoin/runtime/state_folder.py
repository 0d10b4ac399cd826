"""What Rejoin keeps for this user (tickets, volume, verdict): where, and how it is written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

from rejoin.errors import BadInputError


def state_folder() -> Path:
    """By XDG_STATE_HOME, or else in the home folder; it need not exist.

    Raises BadInputError where there is no home folder, as in a container whose user has no entry
    in the list of users and no HOME.
    """
    try:
        return platformdirs.user_state_path("rejoin", appauthor=False)
    except (RuntimeError, OSError) as error:
        raise BadInputError(
            "There is no home folder: set HOME or XDG_STATE_HOME to the path of a folder."
        ) from error


def keep_file(path: Path, text: str) -> None:
    """Write a new file and rename it over the old one, so that a crash leaves one of them.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise
