"""Settings read from tables, and a sentence for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.input_events import chords
from rejoin.language import Message, mark
from rejoin.printable import printable
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.setting_kinds import SHOWN, Keys
from rejoin.runtime.settings_versions import VERSION_KEY

_NAMED: Final = 8
"""How many unknown keys are named."""

_DEFAULT_USED: Final = mark("{problem} Its default is used: {default}.")
_UNKNOWN: Final = mark("This Rejoin has no such setting, and leaves it as it is: {names}.")
_MORE: Final = mark(
    "This Rejoin has no such setting, and leaves it as it is: {names} and {count} more."
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and a sentence for each problem of their source.

    `given`: the keys with a usable value there. `bad`: the sentence for each key with an unusable
    value; `problems` has them too.
    `damaged`: nothing could be read.
    """

    settings: PlayerSettings = PlayerSettings()  # noqa: RUF009 frozen
    problems: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    bad: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    damaged: bool = False


def from_tables(tables: Mapping[str, Any]) -> Loaded:
    """The settings in TOML's nested tables, of the newest version. Wrong values become defaults."""
    found: dict[str, Any] = {}
    given: set[str] = set()
    unknown: list[str] = []
    bad: dict[str, str] = {}
    for key, value in _flat(tables):
        known = SETTINGS.get(key)
        if known is None:
            unknown.append(key)
            continue
        try:
            found[known.name] = known.checked(value)
            given.add(key)
        except BadInputError as error:
            default = known.to_text(known.default)
            bad[key] = Message(_DEFAULT_USED, problem=error.args[0], default=default)
    settings = PlayerSettings(**found)
    problems = [*bad.values(), *clashes_of(settings).values()]
    if unknown:
        named, more = (
            ", ".join(printable(key[:SHOWN]) for key in unknown[:_NAMED]),
            len(unknown) - _NAMED,
        )
        problems.append(Message(_MORE if more > 0 else _UNKNOWN, names=named, count=more))
    return Loaded(settings, tuple(problems), frozenset(given), MappingProxyType(bad))


def clashes_of(settings: PlayerSettings) -> dict[str, str]:
    """A sentence for each keyboard shortcut that an earlier setting has, too. The one that there
    has to be comes first (`gui.shortcuts.Shortcuts.find`)."""
    kinds = {key: each.kind for key, each in SETTINGS.items() if isinstance(each.kind, Keys)}
    shortcuts = {
        key: chords.parse(getattr(settings, SETTINGS[key].name))
        for key in sorted(kinds, key=lambda key: not kinds[key].needed)
    }
    return {
        other: Message(
            "The settings {owner} and {other} both have the keys {keys}, which are for the first.",
            owner=owner,
            other=other,
            keys=chord,
        )
        for owner, other, chord in chords.clashes(shortcuts)
    }


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each value with its key; a value outside of a table has its own name as the key."""
    groups = {key.partition(".")[0] for key in SETTINGS}
    found: list[tuple[str, Any]] = []
    for name, content in tables.items():
        if name in groups and isinstance(content, Mapping):
            found += [(f"{name}.{key}", value) for key, value in content.items()]
        elif name != VERSION_KEY:
            found.append((name, content))
    return found
