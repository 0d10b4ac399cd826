"""The desktop is asked over a real bus, against services that refuse what the real ones refuse."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.desktop_services import (
    AVAILABLE,
    NOTIFICATIONS,
    PORTAL,
    SCREEN_SAVER,
    Services,
    desktop_services,
    session_bus,
)
from helpers.waiting import wait_until
from rejoin.runtime import desktop_bus
from rejoin.runtime.desktop_bus import BusDesktop, Notification

pytestmark = [
    pytest.mark.skipif(not AVAILABLE, reason="dbus-daemon is not installed"),
    pytest.mark.usefixtures("nothing_left_behind"),
]

LOST = Notification("Connection lost", "At least 1:12 <to> get back & play")
BACK = Notification("You're back", "")


@pytest.fixture
def desktop() -> Iterator[Services]:
    with desktop_services(SCREEN_SAVER, PORTAL, NOTIFICATIONS) as services:
        yield services


def test_the_screen_saver_is_held_off_and_let_go(desktop: Services) -> None:
    client = BusDesktop(desktop.address)
    client.keep_awake(True)
    client.keep_awake(True)
    wait_until(lambda: len(desktop.held) == 1)
    client.keep_awake(False)
    wait_until(lambda: not desktop.held)
    client.close()
    assert [name for name, _ in desktop.calls] == ["Inhibit", "UnInhibit"]
    assert desktop.named("Inhibit") == [("Rejoin", "A game is being played")]


def test_without_that_service_the_portal_is_used() -> None:
    with desktop_services(PORTAL) as desktop:
        client = BusDesktop(desktop.address)
        client.keep_awake(True)
        wait_until(lambda: len(desktop.held) == 1)
        assert desktop.named("Inhibit") == [
            ("", 8, {"reason": ("s", "A game is being played")}),
        ]
        client.keep_awake(False)
        wait_until(lambda: not desktop.held)
        client.close()
        assert [name for name, _ in desktop.calls] == ["Inhibit", "Close"]


def test_a_notification_replaces_the_one_before_and_is_taken_away(desktop: Services) -> None:
    client = BusDesktop(desktop.address)
    client.notify(LOST)
    wait_until(lambda: len(desktop.shown) == 1)
    (shown,) = desktop.shown.values()
    assert shown == ("Connection lost", "At least 1:12 &lt;to&gt; get back &amp; play")
    client.notify(BACK)
    wait_until(lambda: list(desktop.shown.values()) == [("You're back", "")])
    client.notify(None)
    wait_until(lambda: not desktop.shown)
    client.close()


def test_closing_undoes_everything(desktop: Services) -> None:
    client = BusDesktop(desktop.address)
    client.keep_awake(True)
    client.notify(LOST)
    wait_until(lambda: bool(desktop.held and desktop.shown))
    client.close()
    client.close()
    client.keep_awake(True)
    assert (desktop.held, desktop.shown) == ({}, {})
    assert len(desktop.named("Inhibit")) == 1


def test_a_killed_client_leaves_nothing_behind(desktop: Services) -> None:
    code = (
        "import sys, time\n"
        "from rejoin.runtime.desktop_bus import BusDesktop\n"
        "BusDesktop(sys.argv[1]).keep_awake(True)\n"
        "time.sleep(600)\n"
    )
    client = subprocess.Popen([sys.executable, "-c", code, desktop.address])
    wait_until(lambda: len(desktop.held) == 1)
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_until(lambda: not desktop.held)
    assert desktop.named("UnInhibit") == []


def test_a_service_that_hangs_gets_no_second_chance_to_hold_anything(
    desktop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it may still do for the first call ends with the connection that made it."""
    monkeypatch.setattr(desktop_bus, "CALL_WITHIN_S", 0.05)
    desktop.silent = True
    client = BusDesktop(desktop.address)
    client.keep_awake(True)
    wait_until(lambda: len(desktop.named("Inhibit")) == 2)  # of both services
    desktop.silent = False
    client.notify(LOST)
    wait_until(lambda: len(desktop.shown) == 1)
    wait_until(lambda: not desktop.held)
    client.close()


def test_without_a_bus_nothing_is_done(tmp_path: Path) -> None:
    for address in (f"unix:path={tmp_path}/none", "nonsense", "unix:path=\x00", "tcp:host=::"):
        client = BusDesktop(address)
        client.keep_awake(True)
        client.notify(LOST)
        client.close()


def test_without_services_nothing_is_done() -> None:
    with desktop_services() as desktop:
        client = BusDesktop(desktop.address)
        client.keep_awake(True)
        client.notify(LOST)
        client.keep_awake(False)
        client.notify(None)
        client.close()
        assert desktop.calls == []


def test_a_client_that_wished_nothing_has_no_thread_and_no_connection() -> None:
    client = BusDesktop("unix:path=/nowhere")
    client.keep_awake(False)
    client.notify(None)
    client.close()


@pytest.mark.parametrize("token", [None, "a-token"])
def test_a_click_on_the_notification_is_heard_with_its_token(
    desktop: Services, token: str | None
) -> None:
    clicks: list[str | None] = []
    client = BusDesktop(desktop.address, clicks.append)
    client.notify(LOST)
    wait_until(lambda: len(desktop.shown) == 1)
    desktop.click(token)
    wait_until(lambda: clicks == [token])
    client.notify(BACK)
    wait_until(lambda: [title for title, _ in desktop.shown.values()] == [BACK.title])
    desktop.click(token)
    wait_until(lambda: clicks == [token, token])
    assert desktop.named("Notify")[0][5] == ["default", "Show the game"]
    client.close()


def test_a_bus_that_ends_while_a_notification_is_shown_costs_nothing() -> None:
    with session_bus() as address, desktop_services(NOTIFICATIONS, address=address) as desktop:
        client = BusDesktop(desktop.address)
        client.notify(LOST)
        wait_until(lambda: len(desktop.shown) == 1)
    client.keep_awake(True)
    client.close()


def test_a_notification_service_that_hangs_costs_no_screen_saver_that_is_held_off(
    desktop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop_bus, "CALL_WITHIN_S", 0.5)
    desktop.silent_for = frozenset({"Notify"})
    client = BusDesktop(desktop.address)
    client.keep_awake(True)
    wait_until(lambda: len(desktop.held) == 1)
    client.notify(LOST)
    wait_until(lambda: len(desktop.named("Inhibit")) == 2)
    wait_until(lambda: len(desktop.held) == 1)
    client.notify(None)
    client.keep_awake(False)
    wait_until(lambda: not desktop.held)
    client.close()
