"""The plugin for X11 is tried where Qt will use it, and nowhere else."""

from __future__ import annotations

import sys

import pytest

from rejoin.gui import platform_plugin

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a plugin of Linux")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DISPLAY": ":0"}, True),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"QT_QPA_PLATFORM": "xcb;wayland"}, True),
        ({"QT_QPA_PLATFORM": "wayland;xcb", "DISPLAY": ":0"}, True),
        ({"QT_QPA_PLATFORM": "wayland;xcb", "WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, False),
        ({}, False),
    ],
)
def test_when_qt_uses_x11(environment: dict[str, str], expected: bool) -> None:
    assert platform_plugin.will_use_x11(environment) is expected


@LINUX
def test_a_missing_library_is_an_import_error_that_names_it() -> None:
    tried: list[str] = []

    def load(file: str) -> None:
        tried.append(file)
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file")

    with pytest.raises(ImportError, match=r"^libxcb-cursor\.so\.0: cannot open"):
        platform_plugin.check({"DISPLAY": ":0"}, load=load)
    assert tried[0].endswith("/platforms/libqxcb.so")


@LINUX
def test_this_machine_has_all_libraries_of_the_plugin() -> None:
    platform_plugin.check({"QT_QPA_PLATFORM": "xcb"})


def test_elsewhere_nothing_is_loaded() -> None:
    platform_plugin.check({"QT_QPA_PLATFORM": "xcb"}, "darwin", load=pytest.fail)
    platform_plugin.check({"QT_QPA_PLATFORM": "offscreen"}, "linux", load=pytest.fail)


@pytest.mark.parametrize(("missing", "chosen"), [(False, "xcb;wayland"), (True, None)])
def test_x11_is_chosen_for_the_pointer_only_where_it_can_be_used(
    monkeypatch: pytest.MonkeyPatch, missing: bool, chosen: str | None
) -> None:
    def prefer(environment: dict[str, str], system: str) -> bool:
        environment["QT_QPA_PLATFORM"] = "xcb;wayland"
        return True

    def load(file: str) -> None:
        if missing:
            raise OSError("libxcb-cursor.so.0: cannot open shared object file")

    monkeypatch.setattr(platform_plugin, "prefer_x11", prefer)
    environment = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}
    platform_plugin.choose(environment, "linux", load)
    assert environment.get("QT_QPA_PLATFORM") == chosen
