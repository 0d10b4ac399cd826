"""Settings of the emulator in a TOML file: one key for each, as `EmulatorSettings` names them.

`rejoin qa learn` writes such a file, with only the settings that it has measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError

_MAX_TEXT: Final = 64 * 1024


def read(file: Path) -> dict[str, object]:
    """The checked values in a file, by the names of their settings. Raises BadInputError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_TEXT + 1)
        if len(content) > _MAX_TEXT:
            raise ValueError("too large")  # not what is left when it is cut off
        values: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise BadInputError(f"{file.name} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{file.name} is not TOML: {error}.") from None
    except (ValueError, RecursionError):
        raise BadInputError(f"{file.name} is not a TOML file of at most 64 KiB.") from None
    try:
        EmulatorSettings().changed(values)
    except BadInputError as error:
        raise BadInputError(f"{file.name} cannot be used. {error}") from None
    return dict(values)


def to_text(values: Mapping[str, object], comments: Mapping[str, str], heading: str) -> str:
    """The text of such a file. `comments`: by the names of settings; `heading`: its first lines."""
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    for name, value in values.items():
        lines.append("")
        lines += [f"# {line}" for line in comments.get(name, "").splitlines()]
        lines.append(f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case tuple() | list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
