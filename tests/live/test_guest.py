"""The window on real displays: screen saver, notifications, title, place; X11 and Wayland."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers import desktop_services, sway
from helpers.desktop_services import NOTIFICATIONS, SCREEN_SAVER
from helpers.waiting import wait_until

needs_bus = pytest.mark.skipif(not desktop_services.AVAILABLE, reason="dbus-daemon is missing")
pytestmark = pytest.mark.live


class Window:
    """The program of `helpers.guest_window`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def do(self, command: str) -> dict[str, Any]:
        """Carry a command out; returns how the window stands then."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        state: dict[str, Any] = json.loads(self.process.stdout.readline())
        return state


@contextmanager
def guest(environment: Mapping[str, str], *arguments: str) -> Iterator[Window]:
    """A window that is closed at the end, with exit code 0, unless it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers.guest_window", *arguments],
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Window(process)
            process.communicate("close\n", timeout=240)
            assert process.returncode in (0, -signal.SIGKILL)
        finally:
            process.kill()


@pytest.mark.x11
@needs_bus
def test_on_x_a_game_holds_the_screen_saver_off_and_a_drop_behind_is_notified_of() -> None:
    with (
        desktop_services.desktop_services(SCREEN_SAVER, NOTIFICATIONS) as desktop,
        guest({"QT_QPA_PLATFORM": "xcb", "DBUS_SESSION_BUS_ADDRESS": desktop.address}) as window,
    ):
        window.do("live")
        wait_until(lambda: len(desktop.held) == 1)
        assert window.do("lost 25")["title"].endswith(" to get back - Rejoin as a guest")
        if not window.do("state")["active"]:  # without a window manager nobody activates it
            wait_until(lambda: len(desktop.shown) == 1)
        window.do("live")
        window.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not desktop.held)


@pytest.mark.x11
def test_on_x_the_window_opens_where_it_was(tmp_path: Path) -> None:
    place = tmp_path / "window.json"
    with guest({"QT_QPA_PLATFORM": "xcb"}, "--place", str(place)) as window:
        window.do("live")
        window.do("move 211 123")
        before = window.do("resize 801 501")
    with guest({"QT_QPA_PLATFORM": "xcb"}, "--place", str(place)) as window:
        after = window.do("live")
    assert (after["x"], after["y"], after["width"], after["height"]) == (211, 123, 801, 501)
    assert after["screen"] == before["screen"]
    with guest(
        {"QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1.5"}, "--place", str(place)
    ) as window:
        scaled = window.do("live")
    assert (scaled["ratio"], scaled["width"], scaled["height"]) == (1.5, 801, 501)
    assert scaled["picture"] == pytest.approx([801 * 1.5, 501 * 1.5], abs=1.0)


def sway_tree(environment: Mapping[str, str]) -> str:
    return subprocess.run(
        ["swaymsg", "-t", "get_tree", "-r"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.skipif(not sway.AVAILABLE, reason="sway is not installed")
@pytest.mark.skipif(shutil.which("swaymsg") is None, reason="swaymsg is not installed")
def test_on_wayland_a_visible_game_inhibits_idleness_and_a_killed_one_does_not() -> None:
    """The compositor's own word: `inhibit_idle` of its tree."""
    with (
        tempfile.TemporaryDirectory(prefix="sw") as folder,
        sway.sway(Path(folder), second_scale=2) as environment,
    ):
        (ipc,) = Path(folder).glob("sway-ipc*")
        environment["SWAYSOCK"] = str(ipc)

        def inhibits() -> bool:
            return '"inhibit_idle": true' in sway_tree(environment)

        def swaymsg(command: str) -> None:
            subprocess.run(
                ["swaymsg", command], env=dict(environment), check=True, capture_output=True
            )

        swaymsg("output HEADLESS-2 resolution 3200x2000")
        with guest(environment) as window:
            assert not inhibits()
            before = window.do("live")
            assert before["platform"].startswith("wayland")
            wait_until(inhibits)
            swaymsg('[title="Rejoin"] move container to output HEADLESS-2')
            wait_until(lambda: window.do("live")["ratio"] == 2.0)
            after = window.do("live")
            assert after["picture"] == [2 * after["width"], 2 * after["height"]]
            wait_until(inhibits)
            window.process.send_signal(signal.SIGKILL)
            window.process.wait()
            wait_until(lambda: not inhibits())
