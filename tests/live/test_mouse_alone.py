"""With a mouse alone: from the home into a game, through a drop, back in it, the menu, and home.

The whole program, which knows nothing of this: buttons are pressed where they are on the screen,
by devices of the X server, or of sway. No key is pressed.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from helpers import sway
from helpers.buttons_of_program import ButtonsOfProgram
from helpers.programs import Program, started
from helpers.wayland_input import LEFT, wayland_input
from helpers.x_input import LEFT as LEFT_ON_X
from helpers.x_input import x_input
from rejoin.runtime.settings_file import change

pytestmark = pytest.mark.live

SIZE = (1280, 800)


class Mouse(Protocol):
    """A hand's."""

    def move_to(self, x: int, y: int) -> None: ...
    def press(self, pressed: bool) -> None: ...
    def focus(self, window: int) -> None:
        """As a window manager does for a window that is clicked."""


@dataclass
class Hand:
    """Has the mouse, and sees the window."""

    mouse: Mouse
    program: Program
    sees: ButtonsOfProgram

    def click(self, at: tuple[int, int]) -> None:
        x, y = at
        self.mouse.move_to(x + 2, y + 2)
        time.sleep(0.1)
        self.mouse.move_to(x, y)
        time.sleep(0.4)
        self.mouse.press(True)
        time.sleep(0.05)
        self.mouse.press(False)
        time.sleep(0.1)

    def press(self, name: str) -> None:
        self.click(self.sees.find(self.program, name))

    def until(self, **wanted: object) -> dict[str, Any]:
        """Until the game's window says so."""
        return self.sees.until(
            self.program,
            lambda state: bool(state["game"]) and wanted.items() <= state["game"].items(),
        )

    def middle(self) -> tuple[int, int]:
        state = self.sees.until(self.program, lambda state: bool(state["window"]))
        x, y, width, height = state["window"]
        return x + width // 2, y + height // 2

    def look_for_menu(self) -> None:
        """At the upper edge of the picture, aside of the tab."""
        (x, _), (_, top, width, _) = self.middle(), self.window()
        self.mouse.move_to(x - width // 4, top + 60)
        self.mouse.move_to(x - width // 4, top + 5)

    def window(self) -> tuple[int, int, int, int]:
        state = self.sees.until(self.program, lambda state: bool(state["window"]))
        x, y, width, height = state["window"]
        return x, y, width, height


def play(mouse: Mouse, folder: Path, environment: Mapping[str, str]) -> None:
    """*Try it here* is a game without an account, whose studio is a child of the program."""
    sees = ButtonsOfProgram(folder)
    folders = {f"XDG_{name}_HOME": str(folder) for name in ("CONFIG", "STATE")}
    with started("home", environment={**environment, **sees.environment, **folders}) as program:
        hand = Hand(mouse, program, sees)
        hand.mouse.focus(sees.until(program, lambda state: bool(state["window"]))["id"])
        hand.press("Try it here")
        hand.until(stage="live", takes_input=True)
        hand.click(hand.middle())
        captured = hand.until(captured=True)
        assert captured["game"]["hint"] == "Ctrl+Alt: free the mouse"
        assert "Menu" not in captured["buttons"], "nothing is drawn over a game with the mouse"

        [studio] = children(program.process.pid, "studio")
        os.kill(studio, signal.SIGSTOP)
        hand.until(stage="lost", captured=False)
        os.kill(studio, signal.SIGCONT)
        hand.until(stage="live", takes_input=True)

        menu = sees.find(program, "Menu", hand.look_for_menu)
        hand.click(menu)
        hand.until(menu=True)
        hand.press("Back to the game")
        hand.until(menu=False, captured=False)
        hand.click(sees.find(program, "Menu", hand.look_for_menu))
        hand.until(menu=True)
        hand.press("End game")
        hand.press("End game")
        hand.until(stage="ended")
        hand.press("Close")
        sees.find(program, "Try it here")
        program.send(signal.SIGINT)
        done = program.done()
    assert done.code == 130, done.err
    assert "Traceback" not in done.err


def children(of: int, word: str) -> list[int]:
    """Processes that this one has started, directly or not, with this word among their
    arguments."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            parents[int(entry.name)] = int(stat[1])
    found, wanted = [], {of}
    for _ in parents:
        wanted |= {child for child, parent in parents.items() if parent in wanted}
    for process in wanted - {of}:
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if word.encode() in arguments:
            found.append(process)
    return found


class XMouse:
    """Of the X server."""

    def __init__(self, devices: Any) -> None:
        self._devices = devices

    def move_to(self, x: int, y: int) -> None:
        self._devices.move_to(x, y)

    def press(self, pressed: bool) -> None:
        self._devices.button(LEFT_ON_X, pressed)

    def focus(self, window: int) -> None:
        self._devices.focus(window)


class WaylandMouse:
    """Of the compositor, which gives the focus itself."""

    def __init__(self, devices: Any) -> None:
        self._devices = devices

    def move_to(self, x: int, y: int) -> None:
        self._devices.move_to(x, y, SIZE)

    def press(self, pressed: bool) -> None:
        self._devices.button(LEFT, pressed)

    def focus(self, window: int) -> None: ...


@contextmanager
def on_sway() -> Iterator[Mapping[str, str]]:
    """Each window fills the screen, so that places in it are places on the screen."""
    more = 'xwayland disable\nfor_window [title=".*"] fullscreen enable'
    # Not pytest's folder: the path of a socket has to be short.
    with (
        tempfile.TemporaryDirectory(prefix="sw") as folder,
        sway.sway(Path(folder), more=more) as environment,
    ):
        yield environment


def in_software(folder: Path) -> None:
    change(folder / "rejoin" / "settings.toml", "video.renderer", "software")


@pytest.mark.x11
def test_on_x_with_a_mouse_alone(tmp_path: Path) -> None:
    in_software(tmp_path)
    with x_input() as devices:
        play(XMouse(devices), tmp_path, {"QT_QPA_PLATFORM": "xcb"})


@pytest.mark.skipif(not sway.AVAILABLE, reason="sway is not installed")
def test_on_wayland_with_a_mouse_alone(tmp_path: Path) -> None:
    in_software(tmp_path)
    names = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE")
    with on_sway() as environment, wayland_input(environment) as devices:
        play(WaylandMouse(devices), tmp_path, {name: environment[name] for name in names})
