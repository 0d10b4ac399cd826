"""The folder of what Rejoin keeps for this user: tickets, the volume, and what a probe found."""

from __future__ import annotations

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
