"""Parses the Linux kernel's messages about links, addresses, routes, neighbours: bytes to values.

The formats are those of netlink(7), rtnetlink(7) and `linux/rtnetlink.h`, in the byte order of the
machine. No socket is opened here. `parse` accepts any bytes: if a part cannot be parsed, the batch
is `broken` and the caller reads the whole state again.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE: no privileges required."""

GET_LINKS, GET_ADDRESSES, GET_ROUTES, GET_NEIGHBOURS = 18, 22, 26, 30
"""RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH."""

_ERROR, _DONE, _OVERRUN = 2, 3, 4
_NEW_LINK, _DELETED_LINK = 16, 17
_NEW_ADDRESS, _DELETED_ADDRESS = 20, 21
_NEW_ROUTE, _DELETED_ROUTE = 24, 25
_NEW_NEIGHBOUR = 28
_REACHABLE, _SILENT = 0x02, 0x01 | 0x20
"""NUD_REACHABLE; NUD_INCOMPLETE (it has never answered, and is asked now) and NUD_FAILED."""
_REQUEST_DUMP = 0x1 | 0x100 | 0x200
_DUMP_INTERRUPTED = 0x10

_UP, _LOOPBACK, _RUNNING = 0x1, 0x8, 0x40
_NOT_READY = 0x40 | 0x08
"""IFA_F_TENTATIVE and IFA_F_DADFAILED: an IPv6 address that cannot be used (yet)."""
_TABLE_LOCAL = 255
_UNICAST = 1
_CLONED = 0x200

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxHiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_NEXT_HOP = struct.Struct("=HBBi")


@dataclass(frozen=True, slots=True)
class Link:
    """An interface. `running`: it is up and has a carrier."""

    index: int
    running: bool
    loopback: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """An address of this machine. `ready`: usable; a new IPv6 address takes about a second."""

    index: int
    address: bytes = field(repr=False)
    ready: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A unicast route over one interface; a route with several next hops becomes several.

    `length`: of its prefix, 0 for a default route. `metric`: the lowest one is used.
    """

    index: int
    family: int
    length: int
    destination: bytes = field(repr=False)
    gateway: bytes = field(repr=False)
    metric: int
    table: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the kernel knows about a machine on the same network, from ARP or neighbour discovery.

    `answers`: True: it has just answered; False: it does not answer; None: neither is known.
    """

    index: int
    address: bytes = field(repr=False)
    answers: bool | None


Item = Link | Address | Route | Neighbour


@dataclass(frozen=True, slots=True)
class Batch:
    """The content of one datagram from the kernel.

    `done`: a dump ends here. `error`: the errno with which a request was refused, or 0.
    `interrupted`: the state changed during the dump. `broken`: a part could not be parsed.
    """

    items: tuple[Item, ...] = ()
    done: bool = False
    error: int = 0
    interrupted: bool = False
    broken: bool = False


def dump_request(kind: int, sequence: int) -> bytes:
    """A request for everything of a kind: `GET_LINKS` and so on."""
    body = bytes(_LINK.size)  # the longest of the bodies; all families
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, sequence, 0) + body


def parse(data: bytes) -> Batch:
    """Parse one datagram, whatever it contains."""
    items: list[Item] = []
    done = interrupted = broken = False
    error = at = 0
    while at < len(data):
        if len(data) - at < _HEADER.size:
            broken = True
            break
        length, kind, flags, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or length > len(data) - at:
            broken = True
            break
        body = data[at + _HEADER.size : at + length]
        interrupted = interrupted or bool(flags & _DUMP_INTERRUPTED)
        if kind == _DONE:
            done = True
        elif kind == _OVERRUN:
            broken = True
        elif kind == _ERROR:
            if len(body) >= 4:
                error = error or -int(struct.unpack_from("=i", body)[0])
            else:
                broken = True
        else:
            try:
                items += _message(kind, body)
            except _UnreadableError:
                broken = True
        at += _padded(length)
    return Batch(tuple(items), done, error, interrupted, broken)


class _UnreadableError(Exception):
    """A message is shorter than its header says, or too short for its kind."""


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _message(kind: int, body: bytes) -> Iterator[Item]:
    if kind in (_NEW_LINK, _DELETED_LINK):
        yield from _link(body, gone=kind == _DELETED_LINK)
    elif kind in (_NEW_ADDRESS, _DELETED_ADDRESS):
        yield from _address(body, gone=kind == _DELETED_ADDRESS)
    elif kind in (_NEW_ROUTE, _DELETED_ROUTE):
        yield from _routes(body, gone=kind == _DELETED_ROUTE)
    elif kind == _NEW_NEIGHBOUR:
        yield from _neighbour(body)


def _unpack(form: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) < form.size:
        raise _UnreadableError
    return form.unpack_from(data)


def _attributes(data: bytes) -> dict[int, bytes]:
    """Type to value; the last one if a type occurs several times."""
    found: dict[int, bytes] = {}
    at = 0
    while len(data) - at >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or length > len(data) - at:
            raise _UnreadableError
        found[kind & 0x3FFF] = data[at + _ATTRIBUTE.size : at + length]
        at += _padded(length)
    return found


def _number(value: bytes | None, otherwise: int) -> int:
    if value is None:
        return otherwise
    if len(value) != 4:
        raise _UnreadableError
    number: int = struct.unpack("=I", value)[0]
    return number


def _link(body: bytes, *, gone: bool) -> Iterator[Link]:
    family, _, index, flags, _ = _unpack(_LINK, body)
    if family != socket.AF_UNSPEC:
        return  # about a bridge's port: a port that leaves its bridge is not an interface that goes
    running = flags & _UP != 0 and flags & _RUNNING != 0
    yield Link(index, running, flags & _LOOPBACK != 0, gone)


def _address(body: bytes, *, gone: bool) -> Iterator[Address]:
    _, _, short_flags, _, index = _unpack(_ADDRESS, body)
    attributes = _attributes(body[_ADDRESS.size :])
    # IFA_LOCAL; on a point-to-point interface IFA_ADDRESS is the address of the other end
    # (rtnetlink(7))
    ours = attributes.get(2, attributes.get(1))
    if ours is None or len(ours) not in (4, 16):
        raise _UnreadableError
    flags = _number(attributes.get(8), short_flags)
    yield Address(index, ours, not flags & _NOT_READY, gone)


def _routes(body: bytes, *, gone: bool) -> Iterator[Route]:
    family, length, _, _, table, _, _, kind, flags = _unpack(_ROUTE, body)
    attributes = _attributes(body[_ROUTE.size :])
    table = _number(attributes.get(15), table)
    if kind != _UNICAST or table == _TABLE_LOCAL or flags & _CLONED:
        return
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    metric = _number(attributes.get(6), 0)
    destination = attributes.get(1, b"")

    def by(index: int, gateway: bytes) -> Route:
        return Route(index, family, length, destination, gateway, metric, table, gone)

    if 4 in attributes:
        # RTA_GATEWAY, or RTA_VIA if the gateway is of the other address family
        gateway = attributes.get(5, attributes.get(18, b""))
        yield by(_number(attributes[4], 0), gateway)
    hops, at = attributes.get(9, b""), 0
    while len(hops) - at >= _NEXT_HOP.size:
        size, _, _, index = _NEXT_HOP.unpack_from(hops, at)
        if size < _NEXT_HOP.size or size > len(hops) - at:
            raise _UnreadableError
        inner = _attributes(hops[at + _NEXT_HOP.size : at + size])
        yield by(index, inner.get(5, inner.get(18, b"")))
        at += _padded(size)


def _neighbour(body: bytes) -> Iterator[Neighbour]:
    _, _, index, state, _, _ = _unpack(_NEIGHBOUR, body)
    address = _attributes(body[_NEIGHBOUR.size :]).get(1, b"")  # NDA_DST
    answers = True if state & _REACHABLE else False if state & _SILENT else None
    yield Neighbour(index, address, answers)
