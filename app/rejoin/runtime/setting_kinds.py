"""One setting: its key, its allowed values, its meaning, and when a change takes effect."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeGuard, assert_never

from rejoin.errors import BadInputError
from rejoin.input_events import chords
from rejoin.language import Message

Value = str | int | float | None
"""The value of a setting; a bool is an int. None: no limit or no choice, and no line in the
file."""

NONE: Final = "none"
"""How a person writes None."""

SHOWN: Final = 40
"""How many characters of a wrong value are quoted."""


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


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text of at most `most` characters, all of them printable, or None: not chosen."""

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


Kind = OneOf | YesNo | Share | Limit | Whole | Text | Number | Keys


class Applies(enum.Enum):
    """When a change of a setting takes effect. The values complete "It counts ..."."""

    AT_ONCE = "at once"
    NEXT_CONNECTION = "from the next connection"
    NEXT_GAME = "from the next game"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key. `name`: the field of `PlayerSettings`. `key`: `table.name` in the file."""

    name: str
    key: str
    kind: Kind
    default: Value
    meaning: str
    applies: Applies

    def checked(self, value: object) -> Value:
        """The value, if it is allowed. Raises BadInputError, with the allowed values."""
        if _usable(self.kind, value):
            assert value is None or isinstance(value, str | int | float)
            return _in_one_form(self.kind, value)
        try:
            shown = str(value)
        except (ValueError, RecursionError):  # a number of thousands of digits; nested deeply
            shown = "..."
        if len(shown) > SHOWN:
            shown = shown[:SHOWN] + "..."
        raise BadInputError(
            Message(
                "The setting {key} cannot be {shown}, but {allowed}.",
                key=self.key,
                shown=repr(shown),
                allowed=self.allowed(),
            )
        )

    def from_text(self, text: str) -> Value:
        """Reads a value that a person wrote. Raises BadInputError."""
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
                value = None if text == NONE else _number(int, text)
            case Whole():
                value = _number(int, text)
            case Text():
                value = None if text == NONE else text
            case _:
                assert_never(self.kind)
        return self.checked(value)

    def to_text(self, value: Value) -> str:
        """As `from_text` reads it."""
        if value is None:
            return NONE
        return str(value).lower() if isinstance(value, bool) else str(value)

    def allowed(self) -> Message:
        """The allowed values, in words."""
        match self.kind:
            case OneOf(words):
                return Message("{words} or {last}", words=", ".join(words[:-1]), last=words[-1])
            case YesNo():
                return Message("true or false")
            case Share():
                return Message("a number from 0 to 1")
            case Limit(least, most):
                return Message(
                    "a whole number from {least} to {most}, or none", least=least, most=most
                )
            case Whole(least, most):
                return Message("a whole number from {least} to {most}", least=least, most=most)
            case Text(most):
                return Message("text of at most {most} characters, or none", most=most)
            case Number(lowest, highest):
                return Message(
                    "a number from {lowest} to {highest}",
                    lowest=format(lowest, "g"),
                    highest=format(highest, "g"),
                )
            case Keys(needed):
                return Message("keys such as Ctrl+Alt+S") if needed else _ANY_KEYS
            case _:
                assert_never(self.kind)


def _usable(kind: Kind, value: object) -> bool:
    """Whether a setting of this kind may have this value."""
    number: int | float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    match kind:
        case OneOf(words):
            return isinstance(value, str) and value in words
        case YesNo():
            return isinstance(value, bool)
        case Share():
            return number is not None and 0 <= number <= 1
        case Limit(least, most):
            return value is None or (isinstance(number, int) and least <= number <= most)
        case Whole(least, most):
            return isinstance(number, int) and least <= number <= most
        case Text(most):
            return value is None or _is_text(value, most)
        case Number(lowest, highest):
            return number is not None and lowest <= number <= highest
        case Keys(needed):
            return isinstance(value, str) and _are_keys(value, needed)
        case _:
            assert_never(kind)


def _in_one_form(kind: Kind, value: Value) -> Value:
    """A usable value in its stored form: a number is a float, and keys are normalised."""
    match kind:
        case Share() | Number() if value is not None:
            return float(value)
        case Keys():
            return chords.to_text(chords.parse(str(value)))
        case _:
            return value


_ANY_KEYS: Final = Message("keys such as Ctrl+Alt+S or F9, or none")


def _are_keys(text: str, needed: bool) -> bool:
    try:
        return bool(chords.parse(text)) or not needed
    except chords.ChordError:
        return False


def _is_text(value: object, most: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()


def _number(kind: type[int] | type[float], text: str) -> object:
    try:
        return kind(text)
    except ValueError:
        return text
