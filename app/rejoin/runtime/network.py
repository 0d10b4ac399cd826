"""The network watch: it came, changed or went, told once per burst and without asking for rights.

On Linux the kernel tells by netlink, which anybody may listen to. Elsewhere there is no watch of
ours: `gui/network_hint` posts the same events from what Qt knows. A message only says that
something happened; what is true is read afresh once a burst is over, so a lost message costs
nothing. What counts as the network is what a stream needs: routes to where its host may be, and the
addresses on the interfaces that carry them. A container that starts, or a bridge without a way out,
is no change of it.

A game on this machine alone has no watch: loopback is always there.
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
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime import netlink
from rejoin.runtime.netlink import Address, Link, Route, Seen

_log = logging.getLogger("rejoin.network")

HAS_NETLINK = sys.platform == "linux"

QUIET_S = 0.250
"""A burst is over when nothing came for this long; switching a Wi-Fi network takes a dozen
messages within some tens of milliseconds."""
LONGEST_S = 1.0
"""A burst that does not end is looked at all the same."""
AGAIN_S = 1.0
_DATAGRAM_BYTES = 1 << 16
_DATAGRAMS_A_TURN = 64
_DUMP_TRIES = 3
_DUMP_PATIENCE_S = 0.5
"""The kernel answers at once; this only bounds a kernel that does not."""


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
    """The watch for a profile; None where nothing can change, or nobody of ours can tell."""
    reach = reach_of(rules)
    if reach is Reach.MACHINE or not HAS_NETLINK:
        return None
    return NetlinkWatch(post, reach)


def has_address(address: str) -> bool:
    """Whether this machine (still) has an address, told by whether a socket can be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError as error:
        # any other refusal says nothing of the address
        return error.errno not in (errno.EADDRNOTAVAIL, _WSAEADDRNOTAVAIL)
    return True


_WSAEADDRNOTAVAIL = 10049


# --- what is true, and what a change of it means ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """The network as far as a stream is concerned: the ways out, and our addresses on them."""

    routes: frozenset[Route] = frozenset()
    addresses: frozenset[tuple[int, bytes]] = field(default=frozenset(), repr=False)

    @property
    def online(self) -> bool:
        return bool(self.routes)


def standing(seen: Iterable[Seen], reach: Reach) -> Standing:
    """What of everything that the kernel knows a stream with this reach would use."""
    links: set[int] = set()
    routes: set[Route] = set()
    addresses: set[tuple[int, bytes]] = set()
    for one in seen:
        match one:
            case Link(index, running=True, loopback=False, gone=False):
                links.add(index)
            case Route(gone=False) if _leads_there(one, reach):
                routes.add(one)
            case Address(index, address, ready=True, gone=False):
                addresses.add((index, address))
            case _:
                pass
    usable = frozenset(route for route in routes if route.index in links)
    carrying = {route.index for route in usable}
    return Standing(usable, frozenset(one for one in addresses if one[0] in carrying))


def _leads_there(route: Route, reach: Reach) -> bool:
    if reach is Reach.INTERNET:
        # The default route, or the parts of it by which a VPN overrules another's: 0/1 and 128/1,
        # or 2000::/3, which is all of IPv6 that is given out.
        return route.length <= (1 if route.family == socket.AF_INET else 3)
    prefix = route.destination[:2]
    link_local = prefix[:1] == b"\xfe" and len(prefix) == 2 and prefix[1] & 0xC0 == 0x80
    multicast = prefix[:1] == b"\xff"
    return route.family == socket.AF_INET or not (link_local or multicast)


def meaning(
    before: Standing, after: Standing, left: Iterable[tuple[int, bytes]], *, missed: bool
) -> NetworkLost | NetworkFound | None:
    """What a burst comes to.

    `left`: addresses that went during it; one that is back again was away all the same, and what
    was sent meanwhile went nowhere. `missed`: the kernel had more to say than we could take.
    """
    if not after.online:
        return NetworkLost() if before.online else None
    if missed or before != after or any(one in before.addresses for one in left):
        return NetworkFound()
    return None


# --- listening ----------------------------------------------------------------------------------


def open_listener() -> socket.socket:
    """A socket that hears of every change. Raises OSError."""
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


def read_all() -> list[Seen]:
    """Every link, address and route there is now. Raises OSError."""
    for _ in range(_DUMP_TRIES):
        seen, interrupted = _dump()
        if not interrupted:
            break
    return seen


def _dump() -> tuple[list[Seen], bool]:
    seen: list[Seen] = []
    interrupted = False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        asking.settimeout(_DUMP_PATIENCE_S)
        asking.bind((0, 0))
        kinds = (netlink.GET_LINKS, netlink.GET_ADDRESSES, netlink.GET_ROUTES)
        for sequence, kind in enumerate(kinds, 1):
            asking.sendto(netlink.dump_request(kind, sequence), (0, 0))
            done = False
            while not done:
                batch = _received(asking)
                if batch.error:
                    raise OSError(batch.error, "the kernel refused to tell")
                seen += batch.seen
                done = batch.done
                interrupted = interrupted or batch.interrupted or batch.broken
    return seen, interrupted


def _received(source: socket.socket) -> netlink.Batch:
    """One datagram; what is not of the kernel says nothing."""
    data, _, flags, sender = source.recvmsg(_DATAGRAM_BYTES)
    if sender[0] != 0:
        return netlink.Batch()
    if flags & socket.MSG_TRUNC:
        return netlink.Batch(broken=True)
    return netlink.parse(data)


class NetlinkWatch:
    """The watch on Linux. Everything happens on the event loop that `start` was called on."""

    def __init__(
        self,
        post: Callable[[Event], None],
        reach: Reach,
        *,
        quiet_s: float = QUIET_S,
        longest_s: float = LONGEST_S,
        listen: Callable[[], socket.socket] = open_listener,
        read: Callable[[], Sequence[Seen]] = read_all,
    ) -> None:
        self._post = post
        self._reach = reach
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._listen = listen
        self._read = read
        self._listener: socket.socket | None = None
        self._known = Standing()
        self._left: set[tuple[int, bytes]] = set()
        self._missed = False
        self._burst_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to listen; NetworkLost at once if there is no network. Without netlink: nothing."""
        try:
            self._listener = self._listen()
            # Read after we began to listen, so that no change falls between the two.
            self._known = standing(self._read(), self._reach)
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
        for _ in range(_DATAGRAMS_A_TURN):
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
                self._left |= {
                    (one.index, one.address)
                    for one in batch.seen
                    if isinstance(one, Address) and one.gone
                }
            self._settle_soon()

    def _settle_soon(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._burst_since is None:
            self._burst_since = now
        due_at = min(now + self._quiet_s, self._burst_since + self._longest_s)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(due_at, self._settle)

    def _settle(self) -> None:
        """The burst is over: read what is true now, and tell what that means."""
        self._timer = None
        try:
            after = standing(self._read(), self._reach)
        except OSError:
            self._timer = asyncio.get_running_loop().call_later(AGAIN_S, self._settle)
            return
        event = meaning(self._known, after, self._left, missed=self._missed)
        self._known, self._burst_since, self._missed = after, None, False
        self._left.clear()
        if event is not None:
            _log.debug("network: %s", type(event).__name__)
            self._post(event)
