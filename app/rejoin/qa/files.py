"""Files and folders of results and reports: made before they are needed, written whole."""

from __future__ import annotations

from pathlib import Path

from rejoin.errors import BadInputError


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there. Raises BadInputError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def write_file(path: Path, content: str | bytes) -> None:
    """Write it whole or not at all; folders are made. Raises BadInputError."""
    from rejoin.runtime.state_folder import replace_file  # the base alone makes folders

    data = content.encode() if isinstance(content, str) else content
    try:
        replace_file(path, data, private=False)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        raise BadInputError(f"{path.name} cannot be written: {why}.") from error
