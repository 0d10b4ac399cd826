"""The player's settings as one value: every key, what it may be, and what it means.

A setting is the default of an option of the command line, which wins. All are read once, when a
game starts, so that a change counts from the next start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, assert_never

from rejoin.errors import BadInputError

Value = str | int | float | None
"""What a setting can be; a bool is an int. None: no limit, and no line in the file."""

NO_LIMIT: Final = "none"
"""How a person writes None."""

_SHOWN: Final = 40
"""How many characters of a wrong value are repeated."""
_NAMED: Final = 8
"""How many unknown keys are named."""

_Default = TypeVar("_Default")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class YesNo:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Share:
    """A number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A whole number from `least` to `most`, or None: no limit."""

    least: int
    most: int


Kind = OneOf | YesNo | Share | Limit


@dataclass(frozen=True, slots=True)
class Setting:
    """One key. `name`: the field of `PlayerSettings`. `key`: `table.name` in the file."""

    name: str
    key: str
    kind: Kind
    default: Value
    meaning: str

    def checked(self, value: object) -> Value:
        """The value, if it may be one. Raises BadInputError, with what it may be."""
        number: int | float | None = None
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        match self.kind:
            case OneOf(words):
                if isinstance(value, str) and value in words:
                    return value
            case YesNo():
                if isinstance(value, bool):
                    return value
            case Share():
                if number is not None and 0 <= number <= 1:
                    return float(number)
            case Limit(least, most):
                if value is None or (isinstance(number, int) and least <= number <= most):
                    return number
            case _:
                assert_never(self.kind)
        shown = str(value)
        if len(shown) > _SHOWN:
            shown = shown[:_SHOWN] + "..."
        raise BadInputError(f"The setting {self.key} cannot be {shown!r}, but {self.allowed()}.")

    def from_text(self, text: str) -> Value:
        """The value that a person wrote. Raises BadInputError."""
        value: object = text
        match self.kind:
            case OneOf():
                pass
            case YesNo():
                value = {"true": True, "yes": True, "false": False, "no": False}.get(
                    text.lower(), text
                )
            case Share():
                value = _number(float, text)
            case Limit():
                value = None if text == NO_LIMIT else _number(int, text)
            case _:
                assert_never(self.kind)
        return self.checked(value)

    def to_text(self, value: Value) -> str:
        """As `from_text` reads it."""
        if value is None:
            return NO_LIMIT
        return str(value).lower() if isinstance(value, bool) else str(value)

    def allowed(self) -> str:
        """What it may be, in words."""
        match self.kind:
            case OneOf(words):
                return f"{', '.join(words[:-1])} or {words[-1]}"
            case YesNo():
                return "true or false"
            case Share():
                return "a number from 0 to 1"
            case Limit(least, most):
                return f"a whole number from {least} to {most}, or {NO_LIMIT}"
            case _:
                assert_never(self.kind)


def _number(kind: type[int] | type[float], text: str) -> object:
    try:
        return kind(text)
    except ValueError:
        return text


def _setting(key: str, kind: Kind, default: _Default, meaning: str) -> _Default:
    return field(default=default, metadata={"key": key, "kind": kind, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSettings:
    """All settings of one player."""

    renderer: str = _setting(
        "video.renderer",
        OneOf(("auto", "card", "software")),
        "auto",
        "What draws the picture: the graphics card (auto: once a test of it has passed), or the "
        "processor (software).",
    )
    scaling: str = _setting(
        "video.scaling",
        OneOf(("smooth", "sharp", "pixel")),
        "smooth",
        "How the picture is scaled to the window; pixel scales to whole multiples.",
    )
    sharpness: float = _setting(
        "video.sharpness",
        Share(),
        0.0,
        "How much the scaling sharp sharpens as well, where the graphics card draws.",
    )
    vsync: bool = _setting(
        "video.vsync",
        YesNo(),
        False,
        "Wait for the screen before a picture is shown, where the graphics card draws. Applies at "
        "the next start.",
    )
    decoder: str = _setting(
        "video.decoder",
        OneOf(("auto", "software")),
        "auto",
        "Video decoder of `rejoin play`; auto tries the graphics hardware first. `rejoin back` "
        "decodes in software whatever this says.",
    )
    frame_pacing: bool = _setting(
        "video.frame_pacing",
        YesNo(),
        False,
        "Show frames at even intervals; each may be up to one frame later.",
    )
    allow_444: bool = _setting(
        "video.allow_444",
        YesNo(),
        False,
        "Offer the studio video with colour in full resolution, which is decoded in software.",
    )
    input_module: str = _setting(
        "input.module",
        OneOf(("service", "off")),
        "service",
        "Run the input module that the service names, in a sandbox; or off: watch only.",
    )
    gamepads: bool = _setting(
        "pads.enabled",
        YesNo(),
        True,
        "Play with gamepads.",
    )
    pad_background: bool = _setting(
        "pads.background",
        YesNo(),
        False,
        "Gamepads reach the game while its window is not active, too.",
    )
    pad_dead_zone: float = _setting(
        "pads.dead_zone",
        Share(),
        0.1,
        "How much of a gamepad stick's way counts as its middle.",
    )
    pad_swap_ab: bool = _setting(
        "pads.swap_ab",
        YesNo(),
        False,
        "Swap the bottom and the right button of gamepads (A and B) in the game.",
    )
    pad_swap_xy: bool = _setting(
        "pads.swap_xy",
        YesNo(),
        False,
        "Swap the left and the top button of gamepads (X and Y) in the game.",
    )
    pad_rumble: bool = _setting(
        "pads.rumble",
        YesNo(),
        True,
        "The game may make gamepads vibrate; only where its input module asks for it.",
    )
    max_kbps: int | None = _setting(
        "network.max_kbps",
        Limit(100, 100_000),
        None,
        "The most that the game may send, in kbit/s.",
    )
    max_height: int | None = _setting(
        "network.max_height",
        Limit(180, 4320),
        None,
        "The largest picture that the game may send, by its height in pixels; only where the input "
        "module passes it on.",
    )
    send_reports: bool = _setting(
        "reports.send",
        YesNo(),
        False,
        "Whether reports about reconnects may be sent to the studio's backend.",
    )


def _settings() -> dict[str, Setting]:
    defaults = PlayerSettings()
    found = (
        Setting(each.name, default=getattr(defaults, each.name), **each.metadata)
        for each in dataclasses.fields(PlayerSettings)
    )
    return {setting.key: setting for setting in found}


SETTINGS: Final[Mapping[str, Setting]] = _settings()
"""Every setting by its key, in the order in which they are listed."""


def setting(key: str) -> Setting:
    """Raises BadInputError for a key that does not exist."""
    try:
        return SETTINGS[key]
    except KeyError:
        raise BadInputError(
            f"There is no setting {key[:_SHOWN]}. `rejoin settings list` shows them all."
        ) from None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and a sentence for each thing that was wrong with what they were read from.

    `given`: the keys that have a usable value there.
    """

    settings: PlayerSettings = PlayerSettings()
    problems: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


def from_tables(tables: Mapping[str, Any]) -> Loaded:
    """The settings in tables of tables, as TOML has them. What is wrong is left at its default."""
    found: dict[str, Any] = {}
    given: set[str] = set()
    unknown: list[str] = []
    problems: list[str] = []
    for key, value in _flat(tables):
        known = SETTINGS.get(key)
        if known is None:
            unknown.append(key)
            continue
        try:
            found[known.name] = known.checked(value)
            given.add(key)
        except BadInputError as error:
            problems.append(f"{error} Its default is used: {known.to_text(known.default)}.")
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        named = ", ".join(key[:_SHOWN] for key in unknown[:_NAMED])
        problems.append(f"This Rejoin has no such setting, and leaves it as it is: {named}{more}.")
    return Loaded(PlayerSettings(**found), tuple(problems), frozenset(given))


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each value with its key. What is not a table of values stands for itself."""
    groups = {key.partition(".")[0] for key in SETTINGS}
    found: list[tuple[str, Any]] = []
    for name, content in tables.items():
        if name in groups and isinstance(content, Mapping):
            found += [(f"{name}.{key}", value) for key, value in content.items()]
        else:
            found.append((name, content))
    return found
