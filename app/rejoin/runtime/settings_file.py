"""The player's settings on the disk: one TOML file, which a person may edit.

Reading never fails and changes nothing: an unusable value becomes a default, with a sentence.
Writing changes one key and leaves everything else unchanged, comments and unknown keys too; it also
migrates a file of an older version. A file that is not TOML is set aside before a new one is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.runtime.loaded_settings import Loaded, from_tables
from rejoin.runtime.player_settings import SETTINGS, setting
from rejoin.runtime.private_files import write_new
from rejoin.runtime.setting_kinds import Value
from rejoin.runtime.settings_versions import migrate, version_problem
from rejoin.runtime.state_folder import settings_folder, write_named
from rejoin.runtime.toml_file import edit_file, read_tables

_NAME: Final = "settings.toml"
_CALLED: Final = Message("settings file")

_HEADING: Final = "# Settings of Rejoin. `rejoin settings list` says what each one means.\n"


def settings_path() -> Path:
    """This user's file; it need not exist. Raises BadInputError where there is no home folder."""
    return settings_folder() / _NAME


def load(path: Path) -> Loaded:
    """The settings in this file; the defaults where there is none. Raises nothing."""
    try:
        return _loaded(path)
    except _UnusableError as error:
        return Loaded(problems=(error.defaults,), damaged=True)


class _UnusableError(Exception):
    """The file is unusable: one sentence for reading its settings, and one for an export."""

    def __init__(self, defaults: Message, not_exported: Message) -> None:
        super().__init__(str(defaults))
        self.defaults = defaults
        self.not_exported = not_exported


def _loaded(path: Path) -> Loaded:
    """Raises _UnusableError."""
    try:
        tables = read_tables(path)
    except OSError as error:
        raise _UnusableError(
            Message("The settings file {path} cannot be read: defaults are used.", path=path),
            Message("The settings file {path} cannot be read: it is not exported.", path=path),
        ) from error
    except ValueError as error:
        raise _UnusableError(
            Message(
                "The settings file {path} is damaged ({error}): defaults are used.",
                path=path,
                error=error,
            ),
            Message("The settings file {path} is damaged: it is not exported.", path=path),
        ) from error
    return Loaded() if tables is None else _of_any_version(tables)


def _of_any_version(tables: dict[str, Any]) -> Loaded:
    """The settings in tables, which are migrated."""
    problems = version_problem(tables)  # of the number that the file has
    migrate(tables)
    loaded = from_tables(tables)
    return with_changes(loaded, problems=(*problems, *loaded.problems))


def change(path: Path, key: str, value: Value) -> Path | None:
    """Set `key`; None removes it, so that its default applies.

    Returns where a damaged file was set aside. Raises BadInputError for an unknown key or a wrong
    value, and if the file cannot be read or written.
    """
    known = setting(key)
    if value is not None:
        known.checked(value)
    return _edit(path, lambda document: _changed(document, key, value))


def clear(path: Path, keys: Iterable[str] = SETTINGS) -> Path | None:
    """Remove these settings, by default every one that is known; the rest stays. Returns and raises
    as `change`."""

    def remove(document: Any) -> None:
        for key in keys:
            _changed(document, key, None)

    return _edit(path, remove)


def export(path: Path, to: Path, *, replace: bool = False) -> None:
    """Write the settings of the file `path` to a new file. `replace`: may overwrite one. Raises
    BadInputError."""
    try:
        loaded = _loaded(path)
    except _UnusableError as error:
        raise BadInputError(error.not_exported) from error
    values = {key: getattr(loaded.settings, SETTINGS[key].name) for key in SETTINGS}
    try:
        import tomlkit

        document = tomlkit.parse(_HEADING)
        migrate(document)
        for key in SETTINGS:
            if key in loaded.given:
                _changed(document, key, values[key])
        if replace:
            write_named(to, tomlkit.dumps(document).encode(), private=True)
        else:
            write_new(to, tomlkit.dumps(document).encode())
    except FileExistsError:
        raise BadInputError(Message("{to} exists already: name a new file.", to=to)) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInputError(
            Message("The settings cannot be written to {to}: {why}.", to=to, why=why)
        ) from error


def import_from(path: Path, source: Path) -> tuple[tuple[str, ...], Path | None]:
    """Replace the settings in the file `path` by those of `source`; settings that it lacks get
    their defaults.

    Returns a sentence for each unusable value in it, and the same as `change`. Raises BadInputError
    if `source` is unusable, and as `change`.
    """
    try:
        tables = read_tables(source, named=True)
        if tables is None:
            raise BadInputError(Message("There is no file {source}.", source=source))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInputError(
            Message("The file {source} cannot be read: {why}.", source=source, why=why)
        ) from error
    except ValueError as error:
        raise BadInputError(
            Message("The file {source} holds no settings: {error}.", source=source, error=error)
        ) from error
    found = _of_any_version(tables)
    if not found.given and found.problems:
        raise BadInputError(
            Message("The file {source} holds no settings that can be used.", source=source)
        )

    def edit(document: Any) -> None:
        for key, known in SETTINGS.items():
            value = getattr(found.settings, known.name) if key in found.given else None
            _changed(document, key, value)

    return found.problems, _edit(path, edit)


def _edit(path: Path, edit: Callable[[Any], None]) -> Path | None:
    def migrated(document: Any) -> None:
        migrate(document)
        edit(document)

    return edit_file(path, migrated, heading=_HEADING, name=_CALLED)


def _changed(document: Any, key: str, value: Value) -> None:
    """Set one key of a document of tomlkit; None removes it."""
    group, _, name = key.partition(".")
    table = document.get(group)
    if table is None:
        if value is not None:
            document[group] = {name: value}
        return
    if not isinstance(table, dict):
        raise BadInputError(
            Message("In the settings file {group} is not a table. Remove that line.", group=group)
        )
    if value is not None:
        table[name] = value
    elif name in table:
        del table[name]
