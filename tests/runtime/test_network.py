"""The network watch: what counts as a change, when it is posted, and that it leaves nothing."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from rejoin.core.events import Event, NetworkFound, NetworkLost
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import network
from rejoin.runtime.netlink import Address, Item, Link, Route
from rejoin.runtime.network import (
    NetlinkWatch,
    NetworkState,
    Reach,
    event_for,
    has_address,
    network_state,
    reach_of,
    watch_for,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")
linux = pytest.mark.skipif(not network.HAS_NETLINK, reason="netlink exists on Linux only")

V4, V6 = 2, 10
LO, WIFI, WIRE, BRIDGE = 1, 2, 3, 4
OURS = b"\x0a\0\0\2"


def route(
    index: int, length: int = 0, destination: bytes = b"", family: int = V4, metric: int = 100
) -> Route:
    return Route(index, family, length, destination, b"\x0a\0\0\1", metric, 254)


def link(index: int, *, running: bool = True) -> Link:
    return Link(index, running, loopback=index == LO)


def address(index: int, value: bytes = OURS, *, ready: bool = True, gone: bool = False) -> Address:
    return Address(index, value, ready, gone)


NOTHING: list[Item] = [link(LO), address(LO, b"\x7f\0\0\1")]
AT_HOME: list[Item] = [
    *NOTHING,
    link(WIFI),
    address(WIFI),
    route(WIFI),
    route(WIFI, 24, b"\x0a\0\0\0"),
]


def home(*more: Item) -> NetworkState:
    return network_state([*AT_HOME, *more], Reach.INTERNET)


# --- the state of the network ---------------------------------------------------------------------


def test_online_means_a_running_interface_with_a_route_to_the_hosts() -> None:
    assert home().online
    assert not network_state(NOTHING, Reach.INTERNET).online
    assert not network_state(NOTHING, Reach.LAN).online
    down: list[Item] = [link(WIFI, running=False), address(WIFI), route(WIFI)]
    assert not network_state(down, Reach.INTERNET).online


def test_a_bridge_without_a_way_out_counts_for_a_lan_and_not_for_the_internet() -> None:
    bridge: list[Item] = [*NOTHING, link(BRIDGE), address(BRIDGE), route(BRIDGE, 16, b"\xac\x11")]
    assert not network_state(bridge, Reach.INTERNET).online
    assert network_state(bridge, Reach.LAN).online
    assert home(*bridge) == home(), "a container that starts is not a change"


def test_link_local_and_multicast_routes_of_ipv6_do_not_count() -> None:
    everywhere: list[Item] = [
        link(WIFI),
        route(WIFI, 64, b"\xfe\x80" + bytes(14), V6),
        route(WIFI, 8, b"\xff" + bytes(15), V6),
    ]
    assert not network_state(everywhere, Reach.LAN).online
    assert network_state([*everywhere, route(WIFI, 64, b"\xfd" + bytes(15), V6)], Reach.LAN).online


def test_the_two_halves_with_which_a_vpn_overrides_the_default_route_count() -> None:
    halves: list[Item] = [link(WIRE), route(WIRE, 1), route(WIRE, 1, b"\x80\0\0\0")]
    assert network_state(halves, Reach.INTERNET).online
    assert network_state([link(WIRE), route(WIRE, 3, b"\x20", V6)], Reach.INTERNET).online
    assert not network_state([link(WIRE), route(WIRE, 3, b"\x20\0\0\0")], Reach.INTERNET).online


def test_only_usable_addresses_on_interfaces_with_routes_count() -> None:
    elsewhere = address(BRIDGE, b"\xac\x11\0\1")
    tentative = address(WIFI, bytes(16), ready=False)
    assert home(elsewhere, tentative) == home()
    assert home(address(WIFI, bytes(16))) != home()


# --- the event for a change -----------------------------------------------------------------------


def test_the_event_depends_on_the_state_after_the_change() -> None:
    offline = network_state(NOTHING, Reach.INTERNET)
    wired = home(link(WIRE), route(WIRE))
    for before, after, expected in (
        (home(), offline, NetworkLost()),
        (offline, home(), NetworkFound()),
        (home(), wired, NetworkFound()),
        (home(), home(), None),
        (offline, offline, None),
    ):
        assert event_for(before, after, (), missed=False) == expected


def test_an_address_that_was_removed_and_is_back_is_a_change() -> None:
    assert event_for(home(), home(), [(WIFI, OURS)], missed=False) == NetworkFound()
    assert event_for(home(), home(), [(BRIDGE, OURS)], missed=False) is None


def test_lost_messages_count_as_a_change() -> None:
    assert event_for(home(), home(), (), missed=True) == NetworkFound()
    offline = network_state(NOTHING, Reach.INTERNET)
    assert event_for(offline, offline, (), missed=True) is None


# --- the watch, with a fake kernel ----------------------------------------------------------------


class Kernel:
    """Sends the datagrams that the test chooses over a pair of local sockets."""

    def __init__(self, seen: Sequence[Item]) -> None:
        self.seen = seen
        self.reads = 0
        self.error: OSError | None = None
        self.posted: list[Event] = []
        self.near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.near.setblocking(False)

    def watch(self, *, quiet_s: float = 0.02, longest_s: float = 0.2) -> NetlinkWatch:
        return NetlinkWatch(
            self.posted.append,
            Reach.INTERNET,
            quiet_s=quiet_s,
            longest_s=longest_s,
            listen=lambda: self.near,
            read=self._read,
        )

    def _read(self) -> Sequence[Item]:
        self.reads += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return self.seen

    def send(self) -> None:
        self._far.send(b"a message that cannot be read")

    async def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, f"it did not happen; posted: {self.posted}"
            await asyncio.sleep(0.005)

    def gone(self) -> bool:
        self._far.close()
        return self.near.fileno() == -1


@pytest.fixture
def _from_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local sockets have no sender; on netlink the kernel is sender 0."""
    from rejoin.runtime import netlink

    monkeypatch.setattr(network, "_received", lambda source: netlink.parse(source.recv(65536)))


def play(
    scene: Callable[[Kernel, NetlinkWatch], Awaitable[None]],
    seen: Sequence[Item] = tuple(AT_HOME),
    **times: float,
) -> Kernel:
    async def run() -> Kernel:
        kernel = Kernel(seen)
        watch = kernel.watch(**times)
        watch.start()
        try:
            await scene(kernel, watch)
        finally:
            watch.close()
            watch.close()
            assert kernel.gone()
        return kernel

    return asyncio.run(run())


@linux
@pytest.mark.usefixtures("_from_the_kernel")
def test_a_burst_is_one_event() -> None:
    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        kernel.seen = NOTHING
        for _number in range(20):
            kernel.send()
        await kernel.until(lambda: bool(kernel.posted))

    kernel = play(scene)
    assert kernel.posted == [NetworkLost()]
    assert kernel.reads == 2, "once at the start and once after the burst"


@linux
@pytest.mark.usefixtures("_from_the_kernel")
def test_the_state_is_read_even_if_a_burst_does_not_end() -> None:
    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        kernel.seen = NOTHING
        while not kernel.posted:
            kernel.send()
            await asyncio.sleep(0.005)

    assert play(scene, quiet_s=600.0, longest_s=0.05).posted == [NetworkLost()]


@linux
@pytest.mark.usefixtures("_from_the_kernel")
def test_a_machine_that_is_offline_at_the_start_is_reported() -> None:
    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        assert kernel.posted == [NetworkLost()]
        kernel.seen = AT_HOME
        kernel.send()
        await kernel.until(lambda: len(kernel.posted) == 2)

    assert play(scene, NOTHING).posted == [NetworkLost(), NetworkFound()]


@linux
@pytest.mark.usefixtures("_from_the_kernel")
def test_a_read_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "READ_AGAIN_S", 0.01)

    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        kernel.seen, kernel.error = NOTHING, OSError(errno.EBUSY, "busy")
        kernel.send()
        await kernel.until(lambda: bool(kernel.posted))

    assert play(scene).reads == 3


@linux
def test_an_overrun_reads_everything_again_and_counts_as_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [OSError(errno.ENOBUFS, "overrun")]

    def received(source: socket.socket) -> object:
        source.recv(65536)
        if answers:
            raise answers.pop()
        raise BlockingIOError

    monkeypatch.setattr(network, "_received", received)

    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        kernel.send()
        await kernel.until(lambda: bool(kernel.posted))

    kernel = play(scene)
    assert kernel.posted == [NetworkFound()]
    assert kernel.reads == 2


@linux
def test_a_listener_that_breaks_is_closed_without_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def received(_: socket.socket) -> object:
        raise OSError(errno.EBADF, "gone")

    monkeypatch.setattr(network, "_received", received)

    async def scene(kernel: Kernel, _: NetlinkWatch) -> None:
        kernel.send()
        await kernel.until(lambda: kernel.near.fileno() == -1)

    assert play(scene).posted == []


@linux
async def test_without_permission_for_netlink_there_is_no_watch_and_no_harm() -> None:
    posted: list[Event] = []

    def forbidden() -> socket.socket:
        raise PermissionError(errno.EPERM, "not here")

    watch = NetlinkWatch(posted.append, Reach.INTERNET, listen=forbidden)
    watch.start()
    watch.close()
    assert posted == []


# --- which profile has which watch ----------------------------------------------------------------


def test_a_game_on_this_machine_has_no_watch_and_is_never_offline() -> None:
    assert watch_for(NetworkRules(loopback_only=True), lambda event: None) is None
    assert reach_of(NetworkRules()) is Reach.INTERNET
    assert reach_of(NetworkRules(allow_private=True)) is Reach.LAN


def test_on_other_systems_than_linux_there_is_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "HAS_NETLINK", False)
    assert watch_for(NetworkRules(), lambda event: None) is None


def test_an_address_is_ours_while_a_socket_can_be_bound_to_it() -> None:
    assert has_address("127.0.0.1")
    assert not has_address("192.0.2.1")  # for documentation alone (RFC 5737)
    assert not has_address("2001:db8::1") or not socket.has_ipv6


# --- the real kernel ------------------------------------------------------------------------------


@linux
def test_the_real_kernel_lists_its_interfaces() -> None:
    seen = network.read_all()
    assert any(isinstance(one, Link) and one.loopback for one in seen)
    assert not any(getattr(one, "gone", False) for one in seen)


def own_network() -> str | None:
    """Why no network of our own can be made here; None if one can."""
    if not network.HAS_NETLINK:
        return "network namespaces are Linux's"
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    trial = subprocess.run(
        ["unshare", "-rn", "ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0"],
        capture_output=True,
        check=False,
    )
    return None if trial.returncode == 0 else "no network namespace, or no veth, without root here"


def test_a_real_network_appears_changes_and_disappears() -> None:
    why = own_network()
    if why is not None:
        pytest.skip(why)
    scene = Path(__file__).parent.parent / "helpers" / "network_scene.py"
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, str(scene)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["event_names"] == [
        "NetworkLost",  # nothing but lo
        "NetworkFound",  # an address and a default route
        "NetworkFound",  # the address was away for a moment
        "NetworkFound",  # another address
        "NetworkLost",  # the interface is switched off
    ]
    assert result["kept_addresses"] == ["10.78.0.2"], (
        "the interface that stayed, and not the one that was removed"
    )
    assert result["had_address"] == [False, True, True, False, False]
