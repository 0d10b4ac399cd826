"""The player's settings on the disk: one TOML file, which a person may edit.

Reading never fails and changes nothing: what cannot be used is a sentence and a default. Writing
changes one key and leaves all else as it is, comments and unknown keys too. A file that is no TOML
is set aside before a new one is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.runtime.player_settings import SETTINGS, Loaded, Value, from_tables, setting
from rejoin.runtime.state_folder import settings_folder
from rejoin.runtime.toml_file import edit_file, read_tables

_NAME: Final = "settings.toml"
_CALLED: Final = "settings file"

_HEADING: Final = "# Settings of Rejoin. `rejoin settings list` says what each one means.\n"


def settings_path() -> Path:
    """This user's file; it need not exist. Raises BadInputError where there is no home folder."""
    return settings_folder() / _NAME


def load(path: Path) -> Loaded:
    """The settings in this file; the defaults where there is none. Raises nothing."""
    try:
        tables = read_tables(path)
        return Loaded() if tables is None else from_tables(tables)
    except OSError:
        return Loaded(problems=(f"The settings file {path} cannot be read: defaults are used.",))
    except ValueError as error:
        return Loaded(
            problems=(f"The settings file {path} is damaged ({error}): defaults are used.",)
        )


def change(path: Path, key: str, value: Value) -> Path | None:
    """Set `key`; None removes it, which is its default. Returns where a damaged file was set aside.

    Raises BadInputError for a key or value that cannot be, and if the file cannot be read or
    written.
    """
    known = setting(key)
    if value is not None:
        known.checked(value)
    return edit_file(
        path, lambda document: _changed(document, key, value), heading=_HEADING, name=_CALLED
    )


def clear(path: Path) -> Path | None:
    """Remove every setting that is known; the rest stays. Returns and raises as `change`."""

    def remove(document: Any) -> None:
        for key in SETTINGS:
            _changed(document, key, None)

    return edit_file(path, remove, heading=_HEADING, name=_CALLED)


def _changed(document: Any, key: str, value: Value) -> None:
    """Set one key of a document of tomlkit; None removes it."""
    group, _, name = key.partition(".")
    table = document.get(group)
    if table is None:
        if value is not None:
            document[group] = {name: value}
        return
    if not isinstance(table, dict):
        raise BadInputError(f"In the settings file {group} is not a table. Remove that line.")
    if value is not None:
        table[name] = value
    elif name in table:
        del table[name]
