"""Whose fault it was, behind a real proxy, a system bus and sign-in pages, in the real window, once
on a real X display.

`test_broken_networks` has the other verdicts. Needs root: each test has network namespaces of its
own. What may be said at no time is checked as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import network_manager as nm
from helpers import tinyproxy
from helpers.broken_network import BrokenNetwork, Line, broken_network
from helpers.namespaces import STUDIO, Namespaces, namespaces, why_not
from helpers.other_origin import WELCOME_PORT
from rejoin.clock import boot_s

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(600),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]
UDP = "meta l4proto udp"
needs_proxy = pytest.mark.skipif(not tinyproxy.AVAILABLE, reason="there is no tinyproxy")
needs_bus = pytest.mark.skipif(not nm.AVAILABLE, reason="there is no dbus-daemon or gdbus")


def until_verdict(it: BrokenNetwork, name: str, since_at: float) -> Line:
    return it.window.until(lambda shown: bool(shown["verdict"] == name), since_at=since_at)


def until_rounds(it: BrokenNetwork, many: int) -> None:
    """Until so many more rounds of probes have found something."""
    for _ in range(many):
        it.window.until(
            lambda record: record["name"] == "ProbesFinished", kind="record", since_at=boot_s()
        )


def said(it: BrokenNetwork, since_at: float) -> set[str]:
    shown = it.window.all("shown", since_at=since_at)
    return {each["verdict"] for each in shown if each["verdict"] is not None}


@needs_proxy
def test_a_proxy_that_refuses_is_named_and_one_that_cannot_reach_the_studio_is_not() -> None:
    with broken_network(proxied=True, other_origin=True, notice_silent_client_s=0.0) as it:
        refused_at = boot_s()
        it.proxy.behave("403")
        it.net.drop(up=UDP, down=UDP)
        until_verdict(it, "proxy_refuses", refused_at)
        it.window.until_text("Your proxy refuses the connection to the studio.")
        it.window.until_text("Check the proxy settings of this computer, or try another network.")
        asks_at = boot_s()
        it.proxy.behave("407")
        until_rounds(it, 2)
        assert said(it, asks_at) == {"proxy_refuses"}
        away_at = boot_s()
        it.proxy.behave("open")
        it.net.take_studio_away()
        until_verdict(it, "service_silent", away_at)  # another origin is reached through it
        gone_at = boot_s()
        it.proxy.stop()
        until_verdict(it, "not_known", gone_at)
        asks_at = boot_s()
        until_rounds(it, 2)
        assert said(it, asks_at) <= {"not_known"}, "nobody has refused anything"
        it.proxy.behave("open")
        it.net.heal()
        it.window.until_live(episode=1, since_at=refused_at)
        assert it.window.now_shown["verdict"] is None


def test_a_page_that_answers_everything_is_not_taken_for_the_studio_nor_for_the_internet() -> None:
    """As a page without a redirect may be the studio's own mistake, no verdict is said; the card
    says what answers, and what that may mean."""
    with broken_network(other_origin=True, notice_silent_client_s=0.0) as it:
        page_at = boot_s()
        it.net.drop(up=UDP, down=UDP)
        it.net.answer_instead(WELCOME_PORT)
        it.window.until_text("A web page answers in place of the studio.", since_at=page_at)
        until_rounds(it, 3)
        assert said(it, page_at) <= {"not_known"}
        it.net.heal()
        it.window.until_live(episode=1, since_at=page_at)


def test_another_origin_that_is_down_as_well_blames_nobody() -> None:
    with broken_network(other_origin=True, notice_silent_client_s=0.0) as it:
        away_at = boot_s()
        it.net.drop(up="meta l4proto { tcp, udp }")
        until_verdict(it, "not_known", away_at)
        until_rounds(it, 2)
        assert said(it, away_at) == {"not_known"}, "the studio and its origin, or the provider"
        it.net.heal()
        it.window.until_live(episode=1, since_at=away_at)


@needs_bus
@pytest.mark.x11
def test_the_systems_word_names_a_sign_in_page_and_proves_nothing_else(tmp_path: Path) -> None:
    """gdbus asks a stand-in for NetworkManager on a bus of its own."""
    with nm.network_manager(tmp_path) as service:
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": service.address, "QT_QPA_PLATFORM": "xcb"}
        with broken_network(environment=environment) as it:
            away_at = boot_s()
            it.net.drop(up=f"ip daddr {STUDIO}")
            until_verdict(it, "not_known", away_at)
            until_rounds(it, 1)
            assert said(it, away_at) == {"not_known"}, "FULL may be five minutes old"
            service.connectivity = nm.PORTAL
            portal_at = boot_s()
            until_verdict(it, "sign_in_page", portal_at)
            it.window.until_text("This network wants a sign-in.", since_at=portal_at)
            it.window.until_text("Please sign in with your web browser.", since_at=portal_at)
            it.net.heal()
            it.window.until_live(episode=1, since_at=away_at)
            assert it.window.now_shown["verdict"] is None
        assert set(service.asked) <= {"Get", "Introspect"}, "it is not asked to look again"


_WAY_OUT = """
import json, socket, time
from rejoin.runtime.gateway import way_out
from rejoin.runtime.network import Reach
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as way:
    found = []
    for _ in range(200):
        try:
            way.sendto(b"x", ("fd78::1", 9))
        except OSError:
            pass
        time.sleep(0.05)
        link, gateway = way_out(Reach.INTERNET)
        found.append((link.value, gateway.value))
        if found[-1][1] != "unknown" or link.value == "gone":
            break
print(json.dumps(found[-1]))
"""


def test_a_network_without_ipv4_is_a_network() -> None:
    """No verdict says that it is gone, as long as its gateway answers neighbour discovery."""
    with namespaces() as net:
        _without_ipv4(net)
        assert _way_out(net) == ("up", "answers")
        net.silence_gateway()
        assert _way_out(net) == ("up", "silent")
        net.unplug()
        assert _way_out(net) == ("gone", "unknown")


def _without_ipv4(net: Namespaces) -> None:
    for command in (
        net.in_player("ip", "-4", "address", "flush", "dev", "cable"),
        net.in_player("ip", "-6", "address", "add", "fd77::2/64", "dev", "cable", "nodad"),
        net.in_player("ip", "-6", "route", "add", "default", "via", "fd77::1"),
        net.in_studio("ip", "-6", "address", "add", "fd77::1/64", "dev", "cable", "nodad"),
        net.in_studio("ip", "-6", "address", "add", "fd78::1/128", "dev", "lo", "nodad"),
    ):
        subprocess.run(command, check=True)


def _way_out(net: Namespaces) -> tuple[str, str]:
    command = net.in_player(sys.executable, "-c", _WAY_OUT)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    link, gateway = json.loads(done.stdout)
    return link, gateway
