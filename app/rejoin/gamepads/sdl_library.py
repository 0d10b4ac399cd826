"""SDL 2, as far as gamepads need it: the library that `pysdl2-dll` brings, bound by ctypes.

The package's own Python code is not run: it changes the environment of the process. PySDL2, the
usual binding, is not used: it runs the C compiler to search for more libraries (ADR 0058).
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import struct
import sys
from pathlib import Path
from typing import Final

from rejoin.errors import RejoinError

PACKAGE: Final = "sdl2dll"
INIT_GAMECONTROLLER: Final = 0x2000
GETEVENT: Final = 2
ALL_EVENTS: Final = (0, 0xFFFF)

AXIS_MOTION: Final = 0x650
BUTTON_DOWN: Final = 0x651
BUTTON_UP: Final = 0x652
DEVICE_ADDED: Final = 0x653
DEVICE_REMOVED: Final = 0x654
"""SDL_CONTROLLER* of SDL_events.h."""

EVENT_BYTES: Final = 56
EVENT: Final = struct.Struct(f"=IIiBBxxh{EVENT_BYTES - 18}x")
"""Type, time, which, axis or button, whether it is pressed, value: SDL_Event, as controllers use
it."""

AXES: Final = 6
BUTTONS: Final = 21

_FILES: Final = {"win32": "SDL2.dll", "darwin": "SDL2.framework/Versions/A/SDL2"}
_LINUX: Final = "libSDL2-2.0.so"

BOUND_TO_AXIS: Final = 2
"""SDL_CONTROLLER_BINDTYPE_AXIS of SDL_gamecontroller.h."""


class ButtonBind(ctypes.Structure):
    """SDL_GameControllerButtonBind: what of the device a button is."""

    _fields_ = (("type", ctypes.c_int), ("value", ctypes.c_int), ("mask", ctypes.c_int))


_int, _text, _pointer = ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
_u32, _u16 = ctypes.c_uint32, ctypes.c_uint16

_FUNCTIONS: Final = {
    "SDL_SetMainReady": (None, ()),
    "SDL_SetHint": (_int, (_text, _text)),
    "SDL_InitSubSystem": (_int, (_u32,)),
    "SDL_QuitSubSystem": (None, (_u32,)),
    "SDL_GetError": (_text, ()),
    "SDL_PeepEvents": (_int, (_pointer, _int, _int, _u32, _u32)),
    "SDL_NumJoysticks": (_int, ()),
    "SDL_JoystickGetDeviceInstanceID": (ctypes.c_int32, (_int,)),
    "SDL_IsGameController": (_int, (_int,)),
    "SDL_GameControllerUpdate": (None, ()),
    "SDL_GameControllerOpen": (_pointer, (_int,)),
    "SDL_GameControllerClose": (None, (_pointer,)),
    "SDL_GameControllerName": (_text, (_pointer,)),
    "SDL_GameControllerPath": (_text, (_pointer,)),
    "SDL_GameControllerGetSerial": (_text, (_pointer,)),
    "SDL_GameControllerGetType": (_int, (_pointer,)),
    "SDL_GameControllerHasButton": (_int, (_pointer, _int)),
    "SDL_GameControllerGetBindForButton": (ButtonBind, (_pointer, _int)),
    "SDL_GameControllerGetAxis": (ctypes.c_int16, (_pointer, _int)),
    "SDL_GameControllerGetButton": (ctypes.c_uint8, (_pointer, _int)),
    "SDL_GameControllerHasRumble": (_int, (_pointer,)),
    "SDL_GameControllerRumble": (_int, (_pointer, _u16, _u16, _u32)),
    "SDL_RWFromConstMem": (_pointer, (_text, _int)),
    "SDL_GameControllerAddMappingsFromRW": (_int, (_pointer, _int)),
}


class GamepadsUnavailableError(RejoinError):
    """SDL cannot be used here: there are no gamepads, and the game is played without."""


def file() -> Path:
    """Where the library is. Raises GamepadsUnavailableError where the package is missing."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise GamepadsUnavailableError(
            "Gamepads cannot be read: the Python package pysdl2-dll is missing."
        )
    return Path(found.origin).parent / "dll" / _FILES.get(sys.platform, _LINUX)


@functools.cache
def load() -> ctypes.CDLL:
    """The library, with the types of its functions set. Each call lets other threads run meanwhile.

    Raises GamepadsUnavailableError where it cannot be loaded.
    """
    try:
        library = ctypes.CDLL(str(file()))
        for name, (result, parameters) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, parameters
    except (OSError, AttributeError) as error:
        raise GamepadsUnavailableError(f"Gamepads cannot be read: {error}.") from error
    return library
