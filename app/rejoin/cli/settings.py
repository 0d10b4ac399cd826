"""`rejoin settings`: shows and changes what is saved of a player's choices."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import say, warn
from rejoin.cli.options import as_values
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.runtime.player_settings import Loaded

_WIDTH: Final = 78


@click.group(short_help="Show and change the saved settings.")
def settings() -> None:
    """Show and change the settings that games are played with.

    They are read when a game starts: a change counts from the next start. Options of the command
    line go before them. A studio's link cannot change them; `rejoin demo` and `rejoin qa` do not
    use them.
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
        for line in textwrap.wrap(f"{setting.meaning} ({setting.allowed()})", _WIDTH):
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
    """Save VALUE for KEY. It counts from the next start."""
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
