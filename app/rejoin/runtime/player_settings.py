"""The player's settings as one value: every key, what it may be, and what it means.

A setting is the default of an option of the command line, which wins. All are read once, when a
game starts, so that a change counts from the next start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeGuard, TypeVar, assert_never

from rejoin.errors import BadInputError
from rejoin.input_events import chords

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

    least: ClassVar[float] = 0
    most: ClassVar[float] = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """A whole number from `least` to `most`, or None: no limit."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `least` to `most`."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Keys:
    """A keyboard shortcut, as `input_events.chords` reads it. `needed`: there has to be one."""

    needed: bool = False


Kind = OneOf | YesNo | Share | Limit | Number | Keys


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
        match self.kind:
            case OneOf(words):
                if isinstance(value, str) and value in words:
                    return value
            case YesNo():
                if isinstance(value, bool):
                    return value
            case Limit(least, most):
                if value is None or (isinstance(value, int) and _is_within(value, least, most)):
                    return value
            case Share() | Number():
                if _is_within(value, self.kind.least, self.kind.most):
                    return float(value)
            case Keys(needed):
                if (written := _keys(value, needed)) is not None:
                    return written
            case _:
                assert_never(self.kind)
        shown = _shown(value)
        raise BadInputError(f"The setting {self.key} cannot be {shown!r}, but {self.allowed()}.")

    def from_text(self, text: str) -> Value:
        """The value that a person wrote. Raises BadInputError."""
        value: object = text
        match self.kind:
            case OneOf() | Keys():
                pass
            case YesNo():
                value = {"true": True, "yes": True, "false": False, "no": False}.get(
                    text.lower(), text
                )
            case Share() | Number():
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
            case Number(least, most):
                return f"a number from {least:g} to {most:g}"
            case Keys(needed):
                return "keys such as Ctrl+Alt+S" if needed else _ANY_KEYS
            case _:
                assert_never(self.kind)


def _number(kind: type[int] | type[float], text: str) -> object:
    try:
        return kind(text)
    except ValueError:
        return text


def _is_within(value: object, least: float, most: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _shown(value: object) -> str:
    text = str(value)
    return text[:_SHOWN] + "..." if len(text) > _SHOWN else text


_ANY_KEYS: Final = f"keys such as Ctrl+Alt+S or F9, or {chords.NONE}"


def _keys(value: object, needed: bool) -> str | None:
    """A shortcut as it is written here; None if it is none."""
    try:
        found = chords.parse(value) if isinstance(value, str) else ()
    except chords.ChordError:
        return None
    is_text = isinstance(value, str)
    return chords.to_text(found) if is_text and (found or not needed) else None


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
    # Mouse, touch, keyboard and shortcuts stand together.
    mouse_capture: str = _setting(
        "mouse.capture",
        OneOf(("game", "never")),
        "game",
        "The game gets the mouse for itself when it asks for it after a click (game), or never: "
        "then it sees where the pointer is.",
    )
    mouse_sensitivity: float = _setting(
        "mouse.sensitivity",
        Number(0.1, 10.0),
        1.0,
        "By how much the way of a mouse that the game has for itself is multiplied.",
    )
    mouse_swap_buttons: bool = _setting(
        "mouse.swap_buttons",
        YesNo(),
        False,
        "Swap the left and the right mouse button in the game.",
    )
    mouse_scroll: str = _setting(
        "mouse.scroll",
        OneOf(("system", "reversed")),
        "system",
        "Which way the wheel scrolls in the game: as on the desktop, or reversed.",
    )
    touch_mode: str = _setting(
        "touch.mode",
        OneOf(("pointer", "trackpad")),
        "pointer",
        "A finger on a touch screen is the pointer with its left button held, or moves the pointer "
        "as on a trackpad.",
    )
    system_keys: str = _setting(
        "keyboard.system_keys",
        OneOf(("off", "full_screen", "always")),
        "off",
        "Keys of the desktop (Alt+Tab, Super) reach the game: never, in full screen, or always; on "
        "Linux alone.",
    )
    keys_full_screen: str = _setting(
        "shortcuts.full_screen", Keys(), "F11, Alt+Enter", "Keys for full screen."
    )
    keys_statistics: str = _setting(
        "shortcuts.statistics", Keys(), "Ctrl+Alt+S", "Keys for the stream's statistics."
    )
    keys_sound: str = _setting(
        "shortcuts.sound", Keys(), "Ctrl+Alt+M", "Keys for sound on and off."
    )
    keys_louder: str = _setting("shortcuts.louder", Keys(), "Ctrl+Alt+Up", "Keys for louder.")
    keys_quieter: str = _setting("shortcuts.quieter", Keys(), "Ctrl+Alt+Down", "Keys for quieter.")
    keys_reconnect: str = _setting(
        "shortcuts.reconnect",
        Keys(),
        "Ctrl+Alt+R",
        "Keys for a new connection, where the window offers it.",
    )
    keys_free_mouse: str = _setting(
        "shortcuts.free_mouse",
        Keys(needed=True),
        "Ctrl+Alt",
        "Keys that take mouse and keyboard back from the game.",
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
    problems += _clashes(PlayerSettings(**found))
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        named = ", ".join(key[:_SHOWN] for key in unknown[:_NAMED])
        problems.append(f"This Rejoin has no such setting, and leaves it as it is: {named}{more}.")
    return Loaded(PlayerSettings(**found), tuple(problems), frozenset(given))


def _clashes(settings: PlayerSettings) -> list[str]:
    """A sentence for each shortcut whose keys another one has."""
    shortcuts = {
        key: chords.parse(getattr(settings, each.name))
        for key, each in SETTINGS.items()
        if isinstance(each.kind, Keys)
    }
    return [
        f"The settings {owner} and {other} both have the keys {chord}, which are for the first."
        for owner, other, chord in chords.clashes(shortcuts)
    ]


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
