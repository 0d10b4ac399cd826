"""The system's wish for reduced motion, from a portal on a bus of its own."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers.desktop_services import AVAILABLE, PORTAL, SCREEN_SAVER, desktop_services
from helpers.waiting import wait_until
from rejoin.runtime import motion_wish as module
from rejoin.runtime.motion_wish import AskedOnce, NoMotionWish, PortalWish, motion_wish

pytestmark = pytest.mark.usefixtures("nothing_left_behind")
needs_bus = pytest.mark.skipif(not AVAILABLE, reason="dbus-daemon is not installed")

APPEARANCE, GNOME = "org.freedesktop.appearance", "org.gnome.desktop.interface"


def ended() -> bool:
    return all(each.name != "rejoin-motion" for each in threading.enumerate())


@needs_bus
@pytest.mark.parametrize(
    ("settings", "wished"),
    [
        ({}, False),
        ({APPEARANCE: {"reduced-motion": ("u", 1)}}, True),
        ({APPEARANCE: {"reduced-motion": ("u", 0)}}, False),
        ({APPEARANCE: {"reduced-motion": ("u", 7)}}, False),
        ({GNOME: {"enable-animations": ("b", False)}}, True),
        ({GNOME: {"enable-animations": ("b", True)}}, False),
        ({APPEARANCE: {"reduced-motion": ("v", ("u", 1))}}, True),
        (
            {
                APPEARANCE: {"reduced-motion": ("u", 0), "color-scheme": ("u", 1)},
                GNOME: {"enable-animations": ("b", False)},
            },
            True,
        ),
        (
            {APPEARANCE: {"reduced-motion": ("s", "1")}, GNOME: {"enable-animations": ("i", 0)}},
            False,
        ),
        ({APPEARANCE: {"reduced-motion": ("b", True)}}, False),
    ],
)
def test_what_the_portal_has_is_told(settings: Any, wished: bool) -> None:
    told: list[bool] = []
    with desktop_services(PORTAL) as portal:
        portal.settings = settings
        wish = PortalWish(portal.address)
        wish.follow(told.append)
        wait_until(lambda: bool(told))
        wish.close()
        assert ended()
    assert told == [wished]
    assert portal.named("ReadAll") == [([APPEARANCE, GNOME],)]


@needs_bus
def test_changes_are_told_once_each_and_others_are_none() -> None:
    told: list[bool] = []
    with desktop_services(PORTAL) as portal:
        wish = PortalWish(portal.address)
        wish.follow(told.append)
        wait_until(lambda: told == [False])
        portal.set(APPEARANCE, "color-scheme", ("u", 1))
        portal.set(APPEARANCE, "reduced-motion", ("u", 1))
        wait_until(lambda: told == [False, True])
        portal.set(GNOME, "enable-animations", ("b", False))
        portal.set(APPEARANCE, "reduced-motion", ("u", 0))
        portal.set(GNOME, "enable-animations", ("b", True))
        wait_until(lambda: told == [False, True, False])
        wish.close()
        portal.set(APPEARANCE, "reduced-motion", ("u", 1))
    assert told == [False, True, False]


@needs_bus
def test_a_bus_without_a_portal_says_nothing() -> None:
    told: list[bool] = []
    with desktop_services(SCREEN_SAVER) as services:
        wish = PortalWish(services.address)
        wish.follow(told.append)
        wait_until(ended)
        wish.close()
    assert told == []


@needs_bus
def test_a_portal_that_never_answers_is_left_at_once() -> None:
    told: list[bool] = []
    with desktop_services(PORTAL) as portal:
        portal.silent = True
        wish = PortalWish(portal.address)
        wish.follow(told.append)
        wait_until(lambda: bool(portal.named("ReadAll")))
        wish.close()
        wait_until(ended)
    assert told == []


@needs_bus
def test_the_end_of_the_bus_is_the_end_of_it() -> None:
    told: list[bool] = []
    with desktop_services(PORTAL) as portal:
        wish = PortalWish(portal.address)
        wish.follow(told.append)
        wait_until(lambda: bool(told))
    wait_until(ended)
    wish.close()
    wish.close()


def test_a_bus_that_does_not_exist_or_hangs_costs_nothing(tmp_path: Path) -> None:
    gone = PortalWish("unix:path=/nowhere")
    gone.follow(lambda _: pytest.fail("nobody was asked"))
    wait_until(ended)
    gone.close()
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(tmp_path / "bus"))
        there.listen()
        hangs = PortalWish(f"unix:path={tmp_path}/bus")
        hangs.follow(lambda _: pytest.fail("nobody was asked"))
        wait_until(ended)
        hangs.close()


def test_what_is_asked_once_is_told_once() -> None:
    told: list[bool] = []
    AskedOnce(lambda: True).follow(told.append)
    AskedOnce(lambda: False).follow(told.append)

    def fails() -> bool:
        raise OSError

    AskedOnce(fails).follow(told.append)
    NoMotionWish().follow(told.append)
    assert told == [True, False]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there they are libraries")
@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_another_system_whose_library_is_missing_says_nothing(system: str) -> None:
    wish = motion_wish(with_desktop=True, system=system)
    assert isinstance(wish, AskedOnce)
    wish.follow(lambda _: pytest.fail("it has no such library"))
    wish.close()


def test_a_portal_is_asked_where_a_person_sees_the_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "bus_address", lambda: "unix:path=/x")
    assert isinstance(motion_wish(with_desktop=True, system="linux"), PortalWish)
    assert isinstance(motion_wish(with_desktop=False, system="linux"), NoMotionWish)
    monkeypatch.setattr(module, "bus_address", lambda: None)
    assert isinstance(motion_wish(with_desktop=True, system="linux"), NoMotionWish)
