"""What gamepads do, in SDL's numbers: values from the devices to `pads`."""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.gamepads.pad_kinds import PadKind


@dataclass(frozen=True, slots=True)
class Plugged:
    """A pad is there. `axes`: six, -32768 to 32767; `buttons`: those that are pressed already.
    `rumbles`: it has motors. `device`: the file that says when something happens to it, on Linux;
    "" where there is none, or a button might be missed. `serial`: its number; "" where it has none.
    `kind`, `has_misc`: what is printed on it, and whether it has the button that SDL calls
    misc1."""

    instance: int
    name: str
    rumbles: bool = False
    axes: tuple[int, ...] = (0,) * 6
    buttons: frozenset[int] = frozenset()
    device: str = ""
    serial: str = ""
    kind: PadKind = PadKind.XBOX
    has_misc: bool = False


@dataclass(frozen=True, slots=True)
class AxisMoved:
    instance: int
    axis: int
    value: int


@dataclass(frozen=True, slots=True)
class ButtonChanged:
    instance: int
    button: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class Unplugged:
    instance: int


Change = Plugged | AxisMoved | ButtonChanged | Unplugged


@dataclass(frozen=True, slots=True)
class Vibration:
    """Two motors, 0 to 1, for so many seconds; another one takes its place, 0 ends it."""

    strong: float
    weak: float
    duration_s: float
