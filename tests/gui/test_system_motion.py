"""The system's wish for reduced motion arrives in the theme, on the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from helpers.desktop_services import AVAILABLE, PORTAL, desktop_services
from helpers.window_faces import wait_until
from rejoin.gui import theme
from rejoin.gui.ring import Ring
from rejoin.gui.roles import Appearance, Motion
from rejoin.gui.system_motion import SystemMotion
from rejoin.runtime.motion_wish import OnWish, PortalWish


@pytest.fixture(autouse=True)
def usual_motion(application: QApplication) -> Iterator[None]:
    theme.apply(application)
    yield
    theme.follow_system_motion(application, reduced=False)
    theme.apply(application)


class Wish:
    def __init__(self) -> None:
        self.tell: OnWish | None = None

    def follow(self, on_wish: OnWish) -> None:
        self.tell = on_wish

    def close(self) -> None: ...


def test_a_ring_that_turns_stops_when_the_system_wishes_it_and_turns_again(
    application: QApplication,
) -> None:
    wish = Wish()
    follower = SystemMotion(application, wish)
    ring = Ring(40)
    ring.show_time("Waiting", "", None)
    ring.show()
    assert wait_until(lambda: wish.tell is not None)
    assert wish.tell is not None
    assert ring._turning.isActive()
    for reduced in (True, False):
        teller = threading.Thread(target=wish.tell, args=(reduced,))
        teller.start()
        teller.join()
        assert theme.moves() is reduced, "not on the thread that told it"
        assert wait_until(lambda reduced=reduced: theme.moves() is not reduced)  # type: ignore[misc]
        assert ring._turning.isActive() is not reduced
    ring.deleteLater()
    follower.deleteLater()


def test_what_was_chosen_goes_before_the_system(application: QApplication) -> None:
    wish = Wish()
    follower = SystemMotion(application, wish)
    theme.apply(application, Appearance(motion=Motion.FULL))
    assert wait_until(lambda: wish.tell is not None)
    assert wish.tell is not None
    wish.tell(True)
    assert wait_until(theme.system_reduces_motion)
    assert theme.moves()
    follower.deleteLater()


@pytest.mark.skipif(not AVAILABLE, reason="dbus-daemon is not installed")
def test_from_the_portal_to_the_theme(application: QApplication) -> None:
    with desktop_services(PORTAL) as portal:
        portal.settings["org.freedesktop.appearance"] = {"reduced-motion": ("u", 1)}
        wish = PortalWish(portal.address)
        follower = SystemMotion(application, wish)
        assert wait_until(lambda: not theme.moves())
        portal.set("org.freedesktop.appearance", "reduced-motion", ("u", 0))
        assert wait_until(theme.moves)
        wish.close()
    follower.deleteLater()
