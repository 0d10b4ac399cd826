"""The player's saved settings as defaults of options: the command line takes precedence.

They are read when the first option without a value asks for its default, once in a run. `--help`
does not read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from rejoin.cli.messages import warn
from rejoin.errors import BadInputError

if TYPE_CHECKING:
    from rejoin.runtime.player_settings import PlayerSettings

_KEPT: Final = "rejoin.player_settings"
_SAID: Final = "rejoin.player_settings.said"
_FIELDS: Final = {"network": "scope"}
"""Parameters of verbs that do not have the name of their setting."""


def of_this_run() -> PlayerSettings:
    """The settings; what is wrong with their file is said on standard error, once."""
    kept = click.get_current_context().find_root().meta
    if _KEPT not in kept:
        kept[_KEPT] = _load()
    found: PlayerSettings = kept[_KEPT]
    return found


def read_again() -> PlayerSettings:
    """The settings as they are now, for another game of this run. A file that cannot be read
    changes nothing; what is wrong with one is said only if it was not said before."""
    kept = click.get_current_context().find_root().meta
    before = of_this_run()
    kept[_KEPT] = _load(before)
    return of_this_run()


def _load(instead: PlayerSettings | None = None) -> PlayerSettings:
    """`instead`: what counts where there are none; None: the defaults."""
    from rejoin.runtime.player_settings import PlayerSettings

    instead = instead or PlayerSettings()
    try:
        from rejoin.runtime import settings_file

        loaded = settings_file.load(settings_file.settings_path())
    except ModuleNotFoundError as error:
        if error.name != "platformdirs":
            raise
        return instead  # the part `player` is missing; the verb says so
    except BadInputError as error:
        _say_once(f"{error} Settings are not read.")
        return instead
    for problem in loaded.problems:
        _say_once(problem)
    return instead if loaded.damaged else loaded.settings


def _say_once(problem: str) -> None:
    said: set[str] = click.get_current_context().find_root().meta.setdefault(_SAID, set())
    if problem not in said:
        said.add(problem)
        warn(problem)


def given_here() -> frozenset[str]:
    """The fields of `PlayerSettings` that the command line of this run gives."""
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    names = [each for each in context.params if context.get_parameter_source(each) is given]
    from rejoin.runtime.player_settings import SETTINGS

    known = {each.name for each in SETTINGS.values()}
    return frozenset({_FIELDS.get(each, each) for each in names} & known)


def saved(name: str) -> Callable[[], Any]:
    """The default of an option: the field `name` of `PlayerSettings`. A shell that completes a
    command needs none."""

    def default() -> Any:
        if click.get_current_context().resilient_parsing:
            return None
        return getattr(of_this_run(), name)

    return default
