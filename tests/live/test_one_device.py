"""With a mouse alone, with keys alone and with a pad alone: from the home into a game, through a
drop, back in the game, the menu, the game's end, and home. On X and on Wayland.

The whole program. Devices are those of the X server or of sway, and SDL's virtual pad; where a
button is and what has the focus is read from the program, as eyes would see it.
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
from helpers.buttons_of_program import ButtonsOfProgram, Eyes
from helpers.played_program import PadHand, PadOfProgram
from helpers.programs import started
from helpers.virtual_pads import DPAD_DOWN, DPAD_RIGHT, DPAD_UP
from helpers.wayland_input import LEFT, WaylandInput, wayland_input
from helpers.x_input import LEFT as LEFT_ON_X
from helpers.x_input import XInput, x_input
from rejoin.runtime.settings_file import change

pytestmark = pytest.mark.live

SIZE = (1280, 800)


# --- the desktop's devices ------------------------------------------------------------------------


class Devices(Protocol):
    """Of one desktop."""

    def move_to(self, x: int, y: int) -> None: ...
    def click(self, pressed: bool) -> None: ...
    def key(self, code: str, pressed: bool) -> None: ...
    def focus(self, window: int) -> None:
        """As a window manager does with a new window."""


@dataclass
class OnX:
    """The X server's."""

    devices: XInput

    def move_to(self, x: int, y: int) -> None:
        self.devices.move_to(x, y)

    def click(self, pressed: bool) -> None:
        self.devices.button(LEFT_ON_X, pressed)

    def key(self, code: str, pressed: bool) -> None:
        self.devices.key(code, pressed)

    def focus(self, window: int) -> None:
        self.devices.focus(window)


@dataclass
class OnWayland:
    """The compositor's, which gives the focus itself."""

    devices: WaylandInput

    def move_to(self, x: int, y: int) -> None:
        self.devices.move_to(x, y, SIZE)

    def click(self, pressed: bool) -> None:
        self.devices.button(LEFT, pressed)

    def key(self, code: str, pressed: bool) -> None:
        self.devices.key(code, pressed)

    def focus(self, window: int) -> None: ...


@contextmanager
def on_x() -> Iterator[tuple[Devices, Mapping[str, str]]]:
    with x_input() as devices:
        yield OnX(devices), {"QT_QPA_PLATFORM": "xcb"}


@contextmanager
def on_wayland() -> Iterator[tuple[Devices, Mapping[str, str]]]:
    """Each window fills the screen, so that places in it are places on the screen."""
    more = 'xwayland disable\nfor_window [title=".*"] fullscreen enable'
    names = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE")
    # Not pytest's folder: the path of a socket has to be short.
    with (
        tempfile.TemporaryDirectory(prefix="sw") as folder,
        sway.sway(Path(folder), more=more) as environment,
        wayland_input(environment) as devices,
    ):
        yield OnWayland(devices), {name: environment[name] for name in names}


# --- hands ----------------------------------------------------------------------------------------


class Hand(Protocol):
    """Has one device."""

    def press(self, name: str) -> None:
        """A button of the home, of a page or of a card."""

    def take_control(self) -> None:
        """Of the game that has just begun."""

    def open_menu(self) -> None: ...
    def press_in_menu(self, name: str) -> None: ...


@dataclass
class Mouse:
    """Knows no keys."""

    devices: Devices
    eyes: Eyes

    def click(self, at: tuple[int, int]) -> None:
        x, y = at
        self.devices.move_to(x + 2, y + 2)
        time.sleep(0.1)
        self.devices.move_to(x, y)
        time.sleep(0.4)
        self.devices.click(True)
        time.sleep(0.05)
        self.devices.click(False)
        time.sleep(0.1)

    def press(self, name: str) -> None:
        self.click(self.eyes.sees.find(self.eyes.program, name))

    press_in_menu = press

    def take_control(self) -> None:
        x, y, width, height = self.eyes.window()
        self.click((x + width // 2, y + height // 2))
        captured = self.eyes.until(captured=True)
        assert captured["game"]["hint"] == "Ctrl+Alt: free the mouse"
        assert "Menu" not in captured["buttons"], "nothing is drawn over a game with the mouse"

    def open_menu(self) -> None:
        def look_for_it() -> None:
            """At the upper edge of the picture, aside of the tab."""
            x, y, width, _ = self.eyes.window()
            self.devices.move_to(x + width // 4, y + 60)
            self.devices.move_to(x + width // 4, y + 5)

        self.click(self.eyes.sees.find(self.eyes.program, "Menu", look_for_it))


@dataclass
class Keys:
    """Know no mouse."""

    devices: Devices
    eyes: Eyes

    def stroke(self, *codes: str) -> None:
        for code in codes:
            self.devices.key(code, True)
        time.sleep(0.05)
        for code in reversed(codes):
            self.devices.key(code, False)
        time.sleep(0.3)

    def press(self, name: str) -> None:
        self._go(name, "Tab")

    def press_in_menu(self, name: str) -> None:
        self._go(name, "ArrowUp")

    def _go(self, name: str, code: str) -> None:
        self.eyes.sees.find(self.eyes.program, name)
        self.eyes.until_focus(name, lambda: self.stroke(code))
        time.sleep(0.7)  # a button has had the focus for a while before a key presses it
        self.stroke("Enter")

    def take_control(self) -> None:
        self.stroke("KeyW")

    def open_menu(self) -> None:
        self.stroke("ControlLeft", "AltLeft", "KeyG")


@dataclass
class Pad:
    """Knows neither."""

    hand: PadHand

    def press(self, name: str) -> None:
        turns = iter(range(1000))
        self.hand.press(name, lambda: (DPAD_RIGHT, DPAD_DOWN)[next(turns) % 2])

    def press_in_menu(self, name: str) -> None:
        self.hand.press(name, lambda: DPAD_UP)

    def take_control(self) -> None:
        self.hand.hold(DPAD_DOWN)

    def open_menu(self) -> None:
        self.hand.open_menu()


# --- from home to home ----------------------------------------------------------------------------


def play(hand: Hand, eyes: Eyes) -> None:
    """*Try it here* is a game without an account, whose studio is a child of the program."""
    hand.press("Try it here")
    eyes.until(stage="live", takes_input=True)
    hand.take_control()

    [studio] = children(eyes.program.process.pid, "studio")
    os.kill(studio, signal.SIGSTOP)
    eyes.until(stage="lost", captured=False)
    os.kill(studio, signal.SIGCONT)
    eyes.until(stage="live", takes_input=True)

    hand.open_menu()
    eyes.until(menu=True, takes_input=False)
    hand.press_in_menu("Back to the game")
    eyes.until(menu=False, takes_input=True)
    hand.open_menu()
    eyes.until(menu=True)
    hand.press_in_menu("End game")
    eyes.sees.find(eyes.program, "Keep playing")
    hand.press_in_menu("End game")
    eyes.until(stage="ended")
    hand.press("Close")
    eyes.sees.find(eyes.program, "Try it here")


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


def by(device: str, desktop: Any, folder: Path) -> None:
    change(folder / "rejoin" / "settings.toml", "video.renderer", "software")
    pad = PadOfProgram(folder) if device == "pad" else None
    sees = ButtonsOfProgram(folder)
    folders = {f"XDG_{name}_HOME": str(folder) for name in ("CONFIG", "STATE")}
    with desktop as (devices, shown):
        variables = {**shown, **sees.environment, **folders}
        if pad is not None:
            variables |= pad.environment
        with started("home", environment=variables) as program:
            eyes = Eyes(sees, program)
            devices.focus(eyes.state(lambda state: bool(state["window"]))["id"])
            hand: Hand
            if pad is not None:
                pad.plug()
                hand = Pad(PadHand(pad, eyes))
            else:
                hand = Mouse(devices, eyes) if device == "mouse" else Keys(devices, eyes)
            play(hand, eyes)
            if pad is not None:
                pad.close()
            program.send(signal.SIGINT)
            done = program.done()
    assert done.code == 130, done.err
    assert "Traceback" not in done.err


DEVICES = ("mouse", "keys", "pad")


@pytest.mark.x11
@pytest.mark.parametrize("device", DEVICES)
def test_on_x_with_one_device_alone(device: str, tmp_path: Path) -> None:
    by(device, on_x(), tmp_path)


@pytest.mark.skipif(not sway.AVAILABLE, reason="sway is not installed")
@pytest.mark.parametrize("device", DEVICES)
def test_on_wayland_with_one_device_alone(device: str, tmp_path: Path) -> None:
    by(device, on_wayland(), tmp_path)
