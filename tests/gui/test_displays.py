"""Where Qt would abort the process, there is a sentence instead that names the variable."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from rejoin.errors import NoDisplayError
from rejoin.gui import displays
from rejoin.gui.displays import check_display, platforms, starts, x_server_answers

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of Linux")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The values of DISPLAY whose server answers."""
    found: set[str] = set()
    monkeypatch.setattr(displays, "x_server_answers", lambda display: display in found)
    return found


def never(environment: Mapping[str, str]) -> bool:
    pytest.fail("nothing had to be tried")


def sentence(environment: dict[str, str], *, works: bool = False) -> str:
    with pytest.raises(NoDisplayError) as raised:
        check_display(environment, "linux", lambda _: works)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "There is no display"),
        ({"DISPLAY": "", "WAYLAND_DISPLAY": ""}, "There is no display"),
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-0"}, "There is no display"),
        ({"QT_QPA_PLATFORM": "wayland", "DISPLAY": ":0"}, "There is no display"),
        ({"DISPLAY": ":0"}, "that DISPLAY names does not answer"),
        ({"DISPLAY": "canary"}, "that DISPLAY names does not answer"),
        ({"WAYLAND_DISPLAY": "canary"}, "that WAYLAND_DISPLAY names does not answer"),
        ({"WAYLAND_DISPLAY": "/" + "x" * 200}, "that WAYLAND_DISPLAY names does not answer"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "DISPLAY or WAYLAND_DISPLAY names"),
        ({"QT_QPA_PLATFORM": "canary"}, "that QT_QPA_PLATFORM names"),
        ({"QT_QPA_PLATFORM": "eglfs", "DISPLAY": ":0"}, "that QT_QPA_PLATFORM names"),
        ({"QT_QPA_PLATFORM": "canary;xcb", "DISPLAY": ":0"}, "that DISPLAY names"),
    ],
)
def test_without_a_display_the_error_is_one_sentence(
    environment: dict[str, str], named: str, answering: set[str]
) -> None:
    told = sentence(environment)
    assert named in told
    assert "canary" not in told


@pytest.mark.parametrize(
    ("environment", "system"),
    [
        ({"DISPLAY": ":7"}, "linux"),
        ({"DISPLAY": ":7", "WAYLAND_DISPLAY": "gone"}, "linux"),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux"),
        ({"QT_QPA_PLATFORM": "minimal:opt"}, "linux"),
        ({"QT_QPA_PLATFORM": "xcb;offscreen"}, "linux"),
        # Qt tries one after another.
        ({"QT_QPA_PLATFORM": "wayland;xcb", "DISPLAY": ":7"}, "linux"),
        ({"QT_QPA_PLATFORM": "wayland-egl; xcb", "DISPLAY": ":7"}, "linux"),
        ({"QT_QPA_PLATFORM": ";", "DISPLAY": ":7"}, "linux"),
        ({}, "win32"),
        ({}, "darwin"),
    ],
)
def test_where_a_window_can_be_opened_nothing_is_raised(
    environment: dict[str, str], system: str, answering: set[str]
) -> None:
    answering.add(":7")
    check_display(environment, system, never)


def test_another_platform_of_qt_is_tried_first(answering: set[str]) -> None:
    check_display({"QT_QPA_PLATFORM": "vnc:size=9x9"}, "linux", lambda _: True)
    check_display({"QT_QPA_PLATFORM": "canary;vnc"}, "linux", lambda _: True)


@LINUX
def test_whether_qt_starts_is_found_out_without_ending_this_process() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    assert starts(environment)
    assert not starts({**environment, "QT_QPA_PLATFORM": "canary"})
    assert not starts({**environment, "QT_QPA_PLATFORM": "linuxfb:fb=/nowhere"})


@LINUX
def test_a_wayland_display_must_accept_connections(tmp_path: Path) -> None:
    environment = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-9"))
        server.listen()
        check_display(environment, "linux", never)
        check_display({"WAYLAND_DISPLAY": str(tmp_path / "wayland-9")}, "linux", never)
    assert "does not answer" in sentence(environment)


@LINUX
@pytest.mark.parametrize("display", [":987654", "canary", "localhost", "/nowhere:0", "a:b:c"])
def test_an_x_server_that_is_not_there_does_not_answer(display: str) -> None:
    assert not x_server_answers(display)


def test_without_the_library_of_x_another_check_says_what_is_missing() -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    assert x_server_answers(":0", missing)
    assert x_server_answers(":0", lambda name: SimpleNamespace())


@pytest.mark.x11
def test_a_running_x_server_answers_those_that_it_lets_in() -> None:
    display = os.environ["DISPLAY"]
    assert x_server_answers(display)
    code = (
        "import sys\n"
        "from rejoin.gui.displays import x_server_answers\n"
        "sys.exit(0 if x_server_answers(sys.argv[1]) else 9)\n"
    )
    refused = subprocess.run(
        [sys.executable, "-c", code, display],
        env={**os.environ, "XAUTHORITY": "/nowhere"},
        check=False,
    )
    assert refused.returncode == (9 if "XAUTHORITY" in os.environ else 0)


def test_the_platforms_that_are_named() -> None:
    assert platforms({"QT_QPA_PLATFORM": "wayland; xcb:opt=1;;"}) == ("wayland", "xcb")
    assert platforms({}) == ()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"},
        {"QT_QPA_PLATFORM": "minimal:enable_fonts"},
        {"QT_QPA_PLATFORM": "offscreen;xcb"},
    ],
)
def test_without_a_screen_nobody_can_be_asked(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert not displays.can_be_seen(environment)


def test_on_a_display_the_player_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.gui.displays._accepts", lambda name, environment: True)
    assert displays.can_be_seen({"DISPLAY": ":0"})
