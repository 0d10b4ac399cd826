"""The network watch: posts NetworkLost or NetworkFound once per burst of changes.

On Linux the kernel sends a netlink message for each change, to any process without privileges. On
other systems there is no watch: `gui/network_hint` posts the same events from Qt's information. A
message says only that something changed; the actual state is read again once a burst is over, so a
lost message does no harm. The network is what a stream requires: routes to where its host may be,
and the addresses on the interfaces with these routes. A container that starts, or a bridge without
a way out, is not a change of the network.

A game on this machine has no watch: the loopback interface is always there.
"""

from __future__ import annotations

import asyncio
import enum
import errno
import logging
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rejoin.core.events import Event, NetworkFound, NetworkLost
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import netlink
from rejoin.runtime.netlink import Address, Item, Link, Route

_log = logging.getLogger("rejoin.network")

HAS_NETLINK = sys.platform == "linux"

QUIET_S = 0.250
"""A burst is over when no message arrived for this long; switching the Wi-Fi network causes a
dozen messages within tens of milliseconds."""
LONGEST_S = 1.0
"""After this time the state is read even if the burst goes on."""
READ_AGAIN_S = 1.0
"""After a read that failed."""
_DATAGRAM_BYTES = 1 << 16
_MAX_DATAGRAMS_PER_CALLBACK = 64
_DUMP_TRIES = 3
_DUMP_TIMEOUT_S = 0.5
"""The kernel normally answers at once."""


class NetworkWatch(Protocol):
    """Posts NetworkLost and NetworkFound between `start` and `close`, on the event loop."""

    def start(self) -> None: ...
    def close(self) -> None: ...


class Reach(enum.Enum):
    """How far away the hosts of a profile may be."""

    INTERNET = "internet"
    LAN = "lan"
    MACHINE = "machine"


def reach_of(rules: NetworkRules) -> Reach:
    if rules.loopback_only:
        return Reach.MACHINE
    return Reach.LAN if rules.allow_private else Reach.INTERNET


def watch_for(rules: NetworkRules, post: Callable[[Event], None]) -> NetworkWatch | None:
    """The watch for a profile; None if its network cannot change, or cannot be watched here."""
    reach = reach_of(rules)
    if reach is Reach.MACHINE or not HAS_NETLINK:
        return None
    return NetlinkWatch(post, reach)


def has_address(address: str) -> bool:
    """Whether this machine (still) has an address: whether a socket can be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError as error:
        # any other error says nothing about the address
        return error.errno not in (errno.EADDRNOTAVAIL, _WSAEADDRNOTAVAIL)
    return True


_WSAEADDRNOTAVAIL = 10049


# --- the network's state, and what a change of it means -------------------------------------------


@dataclass(frozen=True, slots=True)
class NetworkState:
    """The part of the network that a stream uses: routes, and our addresses on their interfaces."""

    routes: frozenset[Route] = frozenset()
    addresses: frozenset[tuple[int, bytes]] = field(default=frozenset(), repr=False)

    @property
    def online(self) -> bool:
        return bool(self.routes)


def network_state(items: Iterable[Item], reach: Reach) -> NetworkState:
    """The part of the kernel's information that a stream with this reach would use."""
    links: set[int] = set()
    routes: set[Route] = set()
    addresses: set[tuple[int, bytes]] = set()
    for item in items:
        match item:
            case Link(index, running=True, loopback=False, gone=False):
                links.add(index)
            case Route(gone=False) if _is_relevant(item, reach):
                routes.add(item)
            case Address(index, address, ready=True, gone=False):
                addresses.add((index, address))
            case _:
                pass
    usable = frozenset(route for route in routes if route.index in links)
    with_routes = {route.index for route in usable}
    return NetworkState(usable, frozenset(each for each in addresses if each[0] in with_routes))


def _is_relevant(route: Route, reach: Reach) -> bool:
    if reach is Reach.INTERNET:
        # The default route, or the parts of it with which a VPN overrides it: 0/1 and 128/1, or
        # 2000::/3, which is all of IPv6 that is allocated.
        return route.length <= (1 if route.family == socket.AF_INET else 3)
    prefix = route.destination[:2]
    link_local = prefix[:1] == b"\xfe" and len(prefix) == 2 and prefix[1] & 0xC0 == 0x80
    multicast = prefix[:1] == b"\xff"
    return route.family == socket.AF_INET or not (link_local or multicast)


def event_for(
    before: NetworkState,
    after: NetworkState,
    removed: Iterable[tuple[int, bytes]],
    *,
    missed: bool,
) -> NetworkLost | NetworkFound | None:
    """The event for one burst of changes, or None.

    `removed`: addresses that were removed during the burst. One that is back was missing for a
    moment, and packets sent meanwhile are lost. `missed`: messages were lost (overrun).
    """
    if not after.online:
        return NetworkLost() if before.online else None
    if missed or before != after or any(each in before.addresses for each in removed):
        return NetworkFound()
    return None


# --- listening ------------------------------------------------------------------------------------


def open_listener() -> socket.socket:
    """A socket that receives a message for every change. Raises OSError."""
    listener = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    )
    try:
        listener.setblocking(False)
        listener.bind((0, netlink.GROUPS))
    except OSError:
        listener.close()
        raise
    return listener


def read_all() -> list[Item]:
    """Every link, address and route that exists now. Raises OSError."""
    for _ in range(_DUMP_TRIES):
        items, interrupted = _dump()
        if not interrupted:
            break
    return items


def read_neighbours() -> list[Item]:
    """Every neighbour that the kernel knows now. Raises OSError."""
    return _dump((netlink.GET_NEIGHBOURS,))[0]


def _dump(
    kinds: Sequence[int] = (netlink.GET_LINKS, netlink.GET_ADDRESSES, netlink.GET_ROUTES),
) -> tuple[list[Item], bool]:
    items: list[Item] = []
    interrupted = False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as requests:
        requests.settimeout(_DUMP_TIMEOUT_S)
        requests.bind((0, 0))
        for sequence, kind in enumerate(kinds, 1):
            requests.sendto(netlink.dump_request(kind, sequence), (0, 0))
            done = False
            while not done:
                batch = _received(requests)
                if batch.error:
                    raise OSError(batch.error, "the kernel refused the request")
                items += batch.items
                done = batch.done
                interrupted = interrupted or batch.interrupted or batch.broken
    return items, interrupted


def _received(source: socket.socket) -> netlink.Batch:
    """One datagram; empty if the sender is not the kernel."""
    data, _, flags, sender = source.recvmsg(_DATAGRAM_BYTES)
    if sender[0] != 0:
        return netlink.Batch()
    if flags & socket.MSG_TRUNC:
        return netlink.Batch(broken=True)
    return netlink.parse(data)


class NetlinkWatch:
    """The watch on Linux. It runs on the event loop on which `start` was called."""

    def __init__(
        self,
        post: Callable[[Event], None],
        reach: Reach,
        *,
        quiet_s: float = QUIET_S,
        longest_s: float = LONGEST_S,
        listen: Callable[[], socket.socket] = open_listener,
        read: Callable[[], Sequence[Item]] = read_all,
    ) -> None:
        self._post = post
        self._reach = reach
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._listen = listen
        self._read = read
        self._listener: socket.socket | None = None
        self._known = NetworkState()
        self._removed: set[tuple[int, bytes]] = set()
        self._missed = False
        self._burst_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to listen. Posts NetworkLost at once if there is no network.

        Without netlink it does nothing.
        """
        try:
            self._listener = self._listen()
            # Read after listening started, so that no change is missed in between.
            self._known = network_state(self._read(), self._reach)
        except OSError as error:
            _log.info("the network cannot be watched: %s", errno.errorcode.get(error.errno or 0))
            self.close()
            return
        asyncio.get_running_loop().add_reader(self._listener, self._readable)
        if not self._known.online:
            self._post(NetworkLost())

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _readable(self) -> None:
        assert self._listener is not None
        for _ in range(_MAX_DATAGRAMS_PER_CALLBACK):
            try:
                batch = _received(self._listener)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    _log.info("the network is no longer watched: %s", error.errno)
                    self.close()
                    return
                self._missed = True
            else:
                if batch == netlink.Batch():
                    continue
                self._missed = self._missed or batch.broken
                self._removed |= {
                    (item.index, item.address)
                    for item in batch.items
                    if isinstance(item, Address) and item.gone
                }
            self._set_timer()

    def _set_timer(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._burst_since is None:
            self._burst_since = now
        due_at = min(now + self._quiet_s, self._burst_since + self._longest_s)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(due_at, self._burst_over)

    def _burst_over(self) -> None:
        """Read the state, and post the event for the change."""
        self._timer = None
        try:
            after = network_state(self._read(), self._reach)
        except OSError:
            self._timer = asyncio.get_running_loop().call_later(READ_AGAIN_S, self._burst_over)
            return
        event = event_for(self._known, after, self._removed, missed=self._missed)
        self._known, self._burst_since, self._missed = after, None, False
        self._removed.clear()
        if event is not None:
            _log.debug("network: %s", type(event).__name__)
            self._post(event)
