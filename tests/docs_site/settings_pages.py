"""Makes the references of settings from the code: of players, of a backend, of the emulator."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docs_site.attribute_docs import attribute_docs
from docs_site.markdown import code, table, text, words
from rejoin.backend.configuration import PREFIX, BackendSettings
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import Setting

_HEAD = """\
# Settings

Made from the code of this version. For players: how they are saved and changed is in [Settings
of a player](../docs/settings.md). For operators: variables of providers of sign-in, and what
each means in a deployment, are in [The studio's backend](../docs/backend.md). Those of the
emulator are in [Emulator](emulator.md#settings).

## Of a player

`rejoin settings set KEY VALUE` saves one.
"""

_OTHERS = ("unlimited", "openid", "introspection")
"""Fields of BackendSettings that are no variable of their own."""

_KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "yes or no",
    "tuple": "list, with commas",
    "Mapping": "list of name=id, with commas",
}


def page() -> str:
    parts = [_HEAD]
    for group, found in groupby(SETTINGS.values(), key=lambda each: each.key.partition(".")[0]):
        parts.append(f"### {group}\n")
        head = ["Key", "May be", "Default", "Counts", "Meaning"]
        parts.append(table(head, [_player_row(setting) for setting in found]))
    parts.append(
        "## Of a backend\n\nEnvironment variables, or the same names in lower case without "
        f"`{PREFIX}` in a TOML file (`rejoin backend --settings FILE`).\n"
    )
    parts.append(table(["Variable", "May be", "Default", "Meaning"], _backend_rows()))
    return "\n".join(parts)


def _player_row(setting: Setting) -> list[str]:
    return [
        code(setting.key),
        text(setting.allowed()),
        code(setting.to_text(setting.default)),
        setting.applies.value,
        text(setting.meaning),
    ]


def _backend_rows() -> list[list[str]]:
    return [
        [code(PREFIX + name.upper()), kind, default, meaning]
        for name, kind, default, meaning in fields_of(BackendSettings, without=_OTHERS)
    ]


def emulator_table() -> str:
    """Every setting of the emulator, as `rejoin studio --settings FILE` and the control API take
    them."""
    rows = [[code(name), *rest] for name, *rest in fields_of(EmulatorSettings)]
    return table(["Setting", "May be", "Default", "Meaning"], rows)


def fields_of(settings: Any, without: Sequence[str] = ()) -> list[tuple[str, str, str, str]]:
    """Name, kind, default and meaning of each field of a dataclass."""
    docs, hints = attribute_docs(settings), get_type_hints(settings)
    return [
        (each.name, _kind(hints[each.name]), _default(each), text(docs[each.name]))
        for each in dataclasses.fields(settings)
        if each.name not in without
    ]


def _kind(hint: Any) -> str:
    """Such as "whole number"; None stands for left out, which every setting may be."""
    if get_origin(hint) is Literal:
        return words(get_args(hint))
    found = [each for each in (get_args(hint) or (hint,)) if each is not type(None)]
    if get_origin(hint) is tuple:
        numbers = all(each in (int, float) for each in found)
        return "two numbers" if numbers else _KINDS["tuple"]
    if get_origin(hint) not in (None, *_UNIONS):
        return _KINDS["Mapping"]
    return " or ".join(_KINDS[each.__name__] for each in found)


_UNIONS = (get_origin(int | None),)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return ""
    if field.default is dataclasses.MISSING:
        return "needed"
    match field.default:
        case None | ():
            return ""
        case bool(value):
            return code("yes" if value else "no")
        case tuple(values):
            return code(", ".join(map(str, values)))
        case value:
            return code(value)
