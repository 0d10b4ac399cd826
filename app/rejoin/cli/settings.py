"""`rejoin settings`: shows and changes what is saved of a player's choices."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import say, warn
from rejoin.cli.options import FILE, as_values
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.runtime.loaded_settings import Loaded

_WIDTH: Final = 78


@click.group(short_help="Show and change the saved settings.")
def settings() -> None:
    """Show and change the settings that games are played with.

    `rejoin settings open` shows them in a window. Most are read when a game starts; `list` says
    which ones apply at once. Options of the command line go before them. A studio's link cannot
    change them; `rejoin demo` and `rejoin qa` do not use them.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """The arguments of `rejoin settings list`."""


@settings.command(name="list", short_help="Show every setting.")
@as_values(ListOptions)
@needs("player")
def list_all(chosen: ListOptions) -> int:
    """Show every setting, its value, and what it means."""
    from rejoin.runtime.player_settings import SETTINGS

    path, loaded = _loaded()
    say(f"{path}")
    for setting in SETTINGS.values():
        value = setting.to_text(getattr(loaded.settings, setting.name))
        saved = "" if setting.key in loaded.given else " (default)"
        say("")
        say(f"{setting.key} = {value}{saved}")
        said = f"{setting.meaning} ({setting.allowed()}) Applies {setting.applies.value}."
        for line in textwrap.wrap(said, _WIDTH):
            say(f"    {line}")
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOptions:
    """The arguments of `rejoin settings get`."""

    key: str


@settings.command(short_help="Show one setting.")
@click.argument("key")
@as_values(GetOptions)
@needs("player")
def get(chosen: GetOptions) -> int:
    """Show the value of KEY alone."""
    from rejoin.runtime.player_settings import setting

    found = setting(chosen.key)
    say(found.to_text(getattr(_loaded()[1].settings, found.name)))
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """The arguments of `rejoin settings set`."""

    key: str
    value: str


@settings.command(name="set", short_help="Change one setting.")
@click.argument("key")
@click.argument("value")
@as_values(SetOptions)
@needs("player")
def set_one(chosen: SetOptions) -> int:
    """Save VALUE for KEY. `rejoin settings list` says when it counts."""
    from rejoin.runtime.player_settings import setting
    from rejoin.runtime.settings_file import change, settings_path

    path = settings_path()
    _say_kept(change(path, chosen.key, setting(chosen.key).from_text(chosen.value)))
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOptions:
    """The arguments of `rejoin settings reset`."""

    key: str | None
    all_keys: bool


@settings.command(short_help="Go back to the default.")
@click.argument("key", required=False)
@click.option("--all", "all_keys", is_flag=True, help="Every setting.")
@as_values(ResetOptions)
@needs("player")
def reset(chosen: ResetOptions) -> int:
    """Go back to the default of KEY, or with --all of every setting."""
    from rejoin.runtime.settings_file import change, clear, settings_path

    if (chosen.key is None) != chosen.all_keys:
        raise click.UsageError("Name one KEY, or --all.")
    path = settings_path()
    _say_kept(clear(path) if chosen.key is None else change(path, chosen.key, None))
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """The arguments of `rejoin settings open`."""


@settings.command(name="open", short_help="Show the settings in a window.")
@as_values(OpenOptions)
@needs("player")
def open_window(chosen: OpenOptions) -> int:
    """Show the settings in a window, and change them there.

    A game that is being played follows what applies at once.
    """
    from rejoin.cli.window import check_display
    from rejoin.runtime.settings_file import settings_path

    check_display()
    from rejoin.gui.settings.window import run

    return run(settings_path())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The arguments of `rejoin settings export`."""

    file: Path


@settings.command(short_help="Write the settings to a file.")
@click.argument("file", type=FILE)
@as_values(ExportOptions)
@needs("player")
def export(chosen: ExportOptions) -> int:
    """Write every setting that is not at its default to a new FILE."""
    from rejoin.runtime.settings_file import export, settings_path

    export(settings_path(), chosen.file)
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """The arguments of `rejoin settings import`."""

    file: Path


@settings.command(name="import", short_help="Read the settings from a file.")
@click.argument("file", type=FILE)
@as_values(ImportOptions)
@needs("player")
def import_file(chosen: ImportOptions) -> int:
    """Make the settings those of FILE, which `rejoin settings export` has written.

    What it does not set goes back to the default. What it has and cannot be used is said and left
    out.
    """
    from rejoin.runtime.settings_file import import_from, settings_path

    problems, copy = import_from(settings_path(), chosen.file)
    for problem in problems:
        warn(problem)
    _say_kept(copy)
    return SUCCESS


def _loaded() -> tuple[Path, Loaded]:
    """The file and what it says; what is wrong with it is said."""
    from rejoin.runtime.settings_file import load, settings_path

    path = settings_path()
    loaded = load(path)
    for problem in loaded.problems:
        warn(problem)
    return path, loaded


def _say_kept(copy: Path | None) -> None:
    if copy is not None:
        warn(f"the settings file was damaged, and is kept as {copy}.")
