"""Whether a window can be opened: Qt aborts the process where it finds no display or platform."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from rejoin.child_program import child_command
from rejoin.errors import NoDisplayError

_WITHOUT_DISPLAY: Final = ("offscreen", "minimal")
_INVISIBLE: Final = frozenset({"offscreen", "minimal", "minimalegl", "vnc", "linuxfb", "eglfs"})
"""Qt's platforms on which nobody is known to look."""
_PATIENCE_S: Final = 5.0
"""How long an X server may take to answer."""
_PROBE_S: Final = 20.0

Probe = Callable[[Mapping[str, str]], bool]


def platforms(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What QT_QPA_PLATFORM names, in the order in which Qt tries them; empty: Qt chooses itself."""
    chosen = environment.get("QT_QPA_PLATFORM", "").split(";")
    return tuple(name for each in chosen if (name := each.split(":")[0].strip()))


def starts(environment: Mapping[str, str]) -> bool:
    """Whether Qt starts in this environment and has a screen; tried in another process, which may
    abort."""
    import subprocess  # few start on a platform that has to be tried

    try:
        done = subprocess.run(
            child_command("display-probe"),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def check_display(
    environment: Mapping[str, str] = os.environ, system: str = sys.platform, probe: Probe = starts
) -> None:
    """Raise NoDisplayError where Qt would abort the process because it finds no display.

    `probe`: tries a platform that is neither X11 nor Wayland and that needs something of its own.
    """
    if not system.startswith("linux"):
        return
    chosen = platforms(environment)
    needed = [_variable(name) for name in chosen] or ["DISPLAY", "WAYLAND_DISPLAY"]
    for name, variable in zip(chosen, needed, strict=False):
        if name in _WITHOUT_DISPLAY or (not variable and probe(environment)):
            return
    needed = [name for name in needed if name]
    if not needed:
        raise NoDisplayError("Qt cannot use the platform that QT_QPA_PLATFORM names.")
    named = [name for name in needed if environment.get(name)]
    if not named:
        raise NoDisplayError("There is no display to open a window on. Start Rejoin on a desktop.")
    if not any(_accepts(name, environment) for name in named):
        raise NoDisplayError(
            f"The display that {' or '.join(named)} names does not answer, so no window can be "
            "opened."
        )


def can_be_seen(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window would appear on somebody's screen."""
    if not _INVISIBLE.isdisjoint(platforms(environment)[:1]):
        return False
    try:
        check_display(environment)
    except NoDisplayError:
        return False
    return True


def _variable(platform: str) -> str:
    """Which variable names the display of this platform of Qt; empty: none."""
    if platform == "xcb":
        return "DISPLAY"
    return "WAYLAND_DISPLAY" if platform.startswith("wayland") else ""


def _accepts(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the display server that this variable names accepts connections."""
    value = environment[name]
    if name == "DISPLAY":
        return x_server_answers(value)
    return _connects(os.path.join(environment.get("XDG_RUNTIME_DIR", ""), value))


def x_server_answers(display: str, load: Callable[[str], Any] | None = None) -> bool:
    """Whether an X server takes us, as the library says that Qt uses for it too: it knows every
    form of DISPLAY, and the key file that XAUTHORITY names.

    Without that library Qt's plugin cannot be loaded, which is told elsewhere: then True.
    """
    import ctypes

    load = load or ctypes.CDLL
    try:
        library = load("libxcb.so.1")
        connect, failed, disconnect = (
            library.xcb_connect,
            library.xcb_connection_has_error,
            library.xcb_disconnect,
        )
    except (AttributeError, OSError):
        return True
    connect.restype = ctypes.c_void_p
    connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    failed.argtypes = disconnect.argtypes = (ctypes.c_void_p,)
    answers: list[bool] = []

    def try_it() -> None:
        connection = connect(os.fsencode(display), None)
        answers.append(not failed(connection))
        disconnect(connection)

    trying = threading.Thread(target=try_it, name="display", daemon=True)
    trying.start()
    trying.join(_PATIENCE_S)  # a display on a machine that is gone takes minutes
    return answers == [True]


def _connects(place: str) -> bool:
    import socket  # 3 ms, for Wayland alone

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(place)
        except (OSError, ValueError):
            return False
    return True
