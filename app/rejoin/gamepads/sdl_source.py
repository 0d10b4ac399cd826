"""The gamepads of this computer, by SDL. Everything happens on the thread that made the source."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rejoin.gamepads import sdl_library as sdl
from rejoin.gamepads.changes import (
    AxisMoved,
    ButtonChanged,
    Change,
    Plugged,
    Unplugged,
    Vibration,
)
from rejoin.gamepads.pad_kinds import kind_of
from rejoin.gamepads.sdl_library import GamepadsUnavailableError
from rejoin.gamepads.talk_button import MISC
from rejoin.printable import printable

_log = logging.getLogger("rejoin.gamepads")

MAX_MAPPINGS_BYTES: Final = 4 * 1024 * 1024
"""The list of everybody's pads has less than one."""
MAX_NAME: Final = 80

HINTS: Final = {
    "SDL_NO_SIGNAL_HANDLERS": "1",  # else SIGTERM and SIGINT become an event that nobody reads
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",  # SDL knows nothing of our window
    "SDL_GAMECONTROLLER_USE_BUTTON_LABELS": "0",  # A is the bottom button on every pad
    "SDL_JOYSTICK_THREAD": "1",  # of Windows: no loop of ours receives its messages
}

EVDEV: Final = "/dev/input/event"
_AT_ONCE: Final = 64
_FULL: Final = 0xFFFF


_CHANGES: Final = (sdl.BUTTON_DOWN, sdl.BUTTON_UP, sdl.DEVICE_ADDED, sdl.DEVICE_REMOVED)


def _moves(moved: dict[tuple[int, int], int]) -> list[Change]:
    """Where axes are, which `moved` forgets."""
    if not moved:
        return []
    moves: list[Change] = [AxisMoved(*place, value) for place, value in moved.items()]
    moved.clear()
    return moves


class SdlSource:
    """Implements `reader.PadSource`."""

    def __init__(self, mappings: Path | None = None) -> None:
        """`mappings`: a file of more pads, in the form of SDL's gamecontrollerdb.txt; it need not
        exist. Raises GamepadsUnavailableError where SDL cannot be used."""
        self._sdl = sdl.load()
        for name, value in HINTS.items():
            self._sdl.SDL_SetHint(name.encode(), value.encode())
        if sys.platform == "win32":
            self._sdl.SDL_SetMainReady()
        if self._sdl.SDL_InitSubSystem(sdl.INIT_GAMECONTROLLER) != 0:
            raise GamepadsUnavailableError(f"Gamepads cannot be read: {self._error()}.")
        self._events = ctypes.create_string_buffer(_AT_ONCE * sdl.EVENT_BYTES)
        self._view = memoryview(self._events)
        self._update, self._peep = self._sdl.SDL_GameControllerUpdate, self._sdl.SDL_PeepEvents
        self._open: dict[int, int] = {}
        """The SDL_GameController of each pad, by its instance."""
        if mappings is not None:
            self._add_mappings(mappings)

    def poll(self) -> list[Change]:
        """What has happened since the last call; of an axis that moved more than once between two
        other changes only where it is at last."""
        self._update()
        changes: list[Change] = []
        moved: dict[tuple[int, int], int] = {}
        while True:
            count = self._peep(self._events, _AT_ONCE, sdl.GETEVENT, *sdl.ALL_EVENTS)
            for event in sdl.EVENT.iter_unpack(self._view[: count * sdl.EVENT_BYTES]):
                kind, _, which, number, pressed, value = event
                if kind == sdl.AXIS_MOTION:
                    moved[which, number] = value
                elif kind in _CHANGES:
                    changes += _moves(moved)
                    changes += self._change(kind, which, number, bool(pressed))
            if count < _AT_ONCE:
                return changes + _moves(moved)

    def vibrate(self, instance: int, vibration: Vibration) -> None:
        """Whether the pad can is not known here: one that cannot does nothing."""
        controller = self._open.get(instance)
        if controller is not None:
            self._sdl.SDL_GameControllerRumble(
                controller,
                round(vibration.strong * _FULL),
                round(vibration.weak * _FULL),
                round(vibration.duration_s * 1000),
            )

    def close(self) -> None:
        """Let go of every pad. May be called twice."""
        if self._open:
            for controller in self._open.values():
                self._sdl.SDL_GameControllerClose(controller)
            self._open = {}
        self._sdl.SDL_QuitSubSystem(sdl.INIT_GAMECONTROLLER)

    def _change(self, kind: int, which: int, number: int, pressed: bool) -> Iterator[Change]:
        if kind in (sdl.BUTTON_DOWN, sdl.BUTTON_UP):
            yield ButtonChanged(which, number, pressed)
        elif kind == sdl.DEVICE_ADDED:
            yield from self._open_new()
        elif kind == sdl.DEVICE_REMOVED and which in self._open:
            self._sdl.SDL_GameControllerClose(self._open.pop(which))
            yield Unplugged(which)

    def _open_new(self) -> Iterator[Plugged]:
        for device in range(self._sdl.SDL_NumJoysticks()):
            instance = self._sdl.SDL_JoystickGetDeviceInstanceID(device)
            if instance < 0 or instance in self._open:
                continue
            if not self._sdl.SDL_IsGameController(device):
                continue
            controller = self._sdl.SDL_GameControllerOpen(device)
            if controller is None:
                _log.warning("a gamepad cannot be opened: %s", self._error())
                continue
            self._open[instance] = controller
            yield self._plugged(instance, controller)

    def _plugged(self, instance: int, controller: int) -> Plugged:
        name = (self._sdl.SDL_GameControllerName(controller) or b"").decode("utf-8", "replace")
        get_axis, get_button = (
            self._sdl.SDL_GameControllerGetAxis,
            self._sdl.SDL_GameControllerGetButton,
        )
        return Plugged(
            instance,
            printable(name)[:MAX_NAME] or "Gamepad",
            bool(self._sdl.SDL_GameControllerHasRumble(controller)),
            tuple(get_axis(controller, axis) for axis in range(sdl.AXES)),
            frozenset(each for each in range(sdl.BUTTONS) if get_button(controller, each)),
            self._device(controller),
            (self._sdl.SDL_GameControllerGetSerial(controller) or b"").decode("utf-8", "replace"),
            kind_of(self._sdl.SDL_GameControllerGetType(controller)),
            bool(self._sdl.SDL_GameControllerHasButton(controller, MISC)),
        )

    def _device(self, controller: int) -> str:
        """The file of a device that the kernel's evdev reads, if no button is half of an axis: such
        a button would be taken for a stick. Pads that SDL reads by hidraw or USB have none."""
        path = (self._sdl.SDL_GameControllerPath(controller) or b"").decode("utf-8", "replace")
        bind_of = self._sdl.SDL_GameControllerGetBindForButton
        binds = (bind_of(controller, button) for button in range(sdl.BUTTONS))
        if not path.startswith(EVDEV) or any(bind.type == sdl.BOUND_TO_AXIS for bind in binds):
            return ""
        return path

    def _add_mappings(self, file: Path) -> None:
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_MAPPINGS_BYTES + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("%s cannot be read: %s", file.name, error.strerror)
            return
        if len(content) > MAX_MAPPINGS_BYTES:
            _log.warning("%s is too long: it is not used", file.name)
            return
        if not content:
            return
        stream = self._sdl.SDL_RWFromConstMem(content, len(content))
        added = self._sdl.SDL_GameControllerAddMappingsFromRW(stream, 1)
        _log.info("%s: %d gamepads of this system", file.name, added)

    def _error(self) -> str:
        return printable((self._sdl.SDL_GetError() or b"").decode("utf-8", "replace"))
