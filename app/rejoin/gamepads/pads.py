"""The devices and their places in the game: changes of SDL's in, whole states out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, assert_never

from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Change, Plugged, Unplugged
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.standard import TRIGGERS, axes_of, buttons_of
from rejoin.input_events.events import PadState

MAX_PADS: Final = 4
JOIN_S: Final = 0.016
"""Sticks and triggers make one state in this time at most, as a module reads pads sixty times a
second; a button counts at once."""


@dataclass(slots=True)
class _Device:
    name: str
    rumbles: bool
    axes: list[int]
    pressed: set[int] = field(default_factory=set)
    serial: str = ""
    index: int | None = None
    """None: four others were there first."""
    moved: bool = False
    """An axis has moved since the last state."""
    said_at: float = float("-inf")
    buttons: tuple[float, ...] | None = None
    """Those of the last state while they hold, so that whoever gets the next one can see at once
    that sticks alone have moved."""

    @property
    def identity(self) -> tuple[str, str]:
        """By which it is known when it is plugged in again: of two of one make that tell no serial
        number, each may be the other."""
        return self.name, self.serial


class Pads:
    """Every pad that is plugged in. Times are seconds of the boot clock."""

    def __init__(self, choices: PadChoices) -> None:
        self._choices = choices
        self._devices: dict[int, _Device] = {}
        self._left: dict[int, tuple[str, str]] = {}
        """The identity of the pad that was last at each place, since it was pulled out."""

    @property
    def choices(self) -> PadChoices:
        return self._choices

    def choose(self, choices: PadChoices, now: float) -> list[PadState]:
        """The player has chosen otherwise: the states, as they are by that."""
        self._choices = choices
        for device in self._devices.values():
            device.buttons = None
        return [state for device in self._devices.values() for state in self._say(device, now)]

    def __len__(self) -> int:
        return len(self._devices)

    def instances(self) -> tuple[int, ...]:
        """Every device."""
        return tuple(self._devices)

    def instance_of(self, index: int) -> int | None:
        """The device at this place."""
        for instance, device in self._devices.items():
            if device.index == index:
                return instance
        return None

    def apply(self, change: Change, now: float) -> list[PadState]:
        """The states that this change makes news of at once."""
        match change:
            case Plugged(instance, name, rumbles, axes, buttons):
                device = _Device(name, rumbles, list(axes), set(buttons), change.serial)
                self._give_place(device)
                self._devices[instance] = device
                return self._say(device, now)
            case Unplugged(instance):
                return self._unplug(instance, now)
            case AxisMoved(instance, axis, value):
                found = self._devices.get(instance)
                if found is not None and axis < len(found.axes):
                    found.axes[axis] = value
                    found.moved = True
                    if axis in TRIGGERS.values():
                        found.buttons = None
                return []
            case ButtonChanged(instance, button, pressed):
                found = self._devices.get(instance)
                if found is None:
                    return []
                (found.pressed.add if pressed else found.pressed.discard)(button)
                found.buttons = None
                return self._say(found, now)
            case _:
                assert_never(change)

    def moved(self, now: float) -> list[PadState]:
        """The states of pads whose sticks or triggers have moved, at most one in `JOIN_S` each."""
        states: list[PadState] = []
        for device in self._devices.values():
            if device.moved and now - device.said_at >= JOIN_S:
                states += self._say(device, now)
        return states

    def _give_place(self, device: _Device) -> None:
        """The one that it had before, or else the first that is free."""
        taken = {each.index for each in self._devices.values()}
        free = [index for index in range(MAX_PADS) if index not in taken]
        free.sort(key=lambda index: self._left.get(index) != device.identity)
        device.index = next(iter(free), None)
        if device.index is not None:
            self._left.pop(device.index, None)

    def _unplug(self, instance: int, now: float) -> list[PadState]:
        gone = self._devices.pop(instance, None)
        if gone is None or gone.index is None:
            return []
        states = [PadState(gone.index, False, gone.name, at=now)]
        for device in self._devices.values():
            if device.index is None:  # the one that waits longest takes the place
                device.index = gone.index
                return states + self._say(device, now)
        self._left[gone.index] = gone.identity
        return states

    def _say(self, device: _Device, now: float) -> list[PadState]:
        device.moved = False
        device.said_at = now
        if device.index is None:
            return []
        if device.buttons is None:
            device.buttons = buttons_of(device.pressed, device.axes, self._choices)
        return [
            PadState(
                device.index,
                True,
                device.name,
                device.buttons,
                axes_of(device.axes, self._choices),
                rumbles=device.rumbles and self._choices.rumble,
                at=now,
            )
        ]
