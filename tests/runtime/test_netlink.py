"""Netlink's bytes: messages of real kernels, and malformed ones."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rejoin.runtime import netlink
from rejoin.runtime.netlink import Address, Batch, Link, Route, parse

V4, V6 = 2, 10


def message(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + padded


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def link(index: int, flags: int, *, family: int = 0) -> bytes:
    return struct.pack("=BxHiII", family, 1, index, flags, 0) + attribute(3, b"eth0\0")


def address(index: int, *attributes: bytes, family: int = V4, flags: int = 0) -> bytes:
    return struct.pack("=BBBBI", family, 24, flags, 0, index) + b"".join(attributes)


def route(
    *attributes: bytes, family: int = V4, length: int = 0, table: int = 254, kind: int = 1
) -> bytes:
    head = struct.pack("=BBBBBBBBI", family, length, 0, 0, table, 3, 0, kind, 0)
    return head + b"".join(attributes)


def number(value: int) -> bytes:
    return struct.pack("=I", value)


def test_a_link_runs_when_it_is_up_and_has_a_carrier() -> None:
    on, running, loopback = 0x1, 0x40, 0x8
    for flags, expected in ((on | running, True), (on, False), (running, False)):
        assert parse(message(16, link(3, flags))).items == (Link(3, expected, False),)
    assert parse(message(16, link(1, on | running | loopback))).items == (Link(1, True, True),)
    assert parse(message(17, link(3, 0))).items == (Link(3, False, False, gone=True),)


def test_a_port_that_leaves_its_bridge_is_not_a_link_that_is_gone() -> None:
    assert parse(message(17, link(3, 0x41, family=7))) == Batch()


def test_our_end_of_a_point_to_point_address_is_read() -> None:
    theirs, ours = attribute(1, b"\x0a\0\0\2"), attribute(2, b"\x0a\0\0\1")
    expected = Address(5, b"\x0a\0\0\1", True)
    assert parse(message(20, address(5, theirs, ours))).items == (expected,)
    assert parse(message(20, address(5, ours))).items == (expected,)
    (gone,) = parse(message(21, address(5, ours))).items
    assert gone == Address(5, b"\x0a\0\0\1", True, gone=True)


@pytest.mark.parametrize(("flags", "ready"), [(0x80, True), (0xC0, False), (0x08, False)])
def test_an_ipv6_address_is_not_ready_during_duplicate_detection(flags: int, ready: bool) -> None:
    ours = attribute(1, bytes(16))
    (short,) = parse(message(20, address(5, ours, family=V6, flags=flags))).items
    (long,) = parse(message(20, address(5, ours, attribute(8, number(flags)), family=V6))).items
    assert short == long == Address(5, bytes(16), ready)


def test_a_route_with_several_next_hops_becomes_several_routes() -> None:
    def hop(index: int, gateway: bytes) -> bytes:
        inner = attribute(5, gateway)
        return struct.pack("=HBBi", 8 + len(inner), 0, 0, index) + inner

    hops = attribute(9, hop(2, b"\1\1\1\1") + hop(3, b"\2\2\2\2"))
    seen = parse(message(24, route(hops, attribute(6, number(100))))).items
    assert seen == (
        Route(2, V4, 0, b"", b"\1\1\1\1", 100, 254),
        Route(3, V4, 0, b"", b"\2\2\2\2", 100, 254),
    )


def test_a_table_above_255_and_a_gateway_of_the_other_family_are_read() -> None:
    body = route(
        attribute(4, number(7)), attribute(18, b"\x0a\0" + bytes(16)), attribute(15, number(51820))
    )
    (seen,) = parse(message(24, body)).items
    assert isinstance(seen, Route)
    assert (seen.table, seen.gateway) == (51820, b"\x0a\0" + bytes(16))


@pytest.mark.parametrize(
    "body",
    [
        route(attribute(4, number(7)), table=255),
        route(attribute(4, number(7)), kind=7),  # unreachable
        route(attribute(4, number(7)), family=28),  # MPLS
        route(),  # leads nowhere
    ],
)
def test_a_route_that_no_packet_of_ours_would_use_is_left_out(body: bytes) -> None:
    assert parse(message(24, body)) == Batch()


def test_the_end_the_refusal_and_the_interruption_of_a_dump_are_read() -> None:
    assert parse(message(16, link(3, 0x41), flags=0x10) + message(3, number(0))) == Batch(
        (Link(3, True, False),), done=True, interrupted=True
    )
    refused = message(2, struct.pack("=i", -errno.EPERM) + bytes(16))
    assert parse(refused).error == errno.EPERM
    assert parse(message(4)).broken
    assert parse(message(1)) == Batch(), "a no-op message is empty"


def test_a_truncated_message_breaks_the_batch_and_the_rest_is_kept() -> None:
    whole = message(16, link(3, 0x41))
    for cut in range(1, len(whole)):
        batch = parse(whole + whole[:cut])
        assert batch.items == (Link(3, True, False),), cut
        assert batch.broken


@pytest.mark.parametrize(
    "body",
    [
        b"",
        address(5),  # no address
        address(5, attribute(2, b"\1\2\3")),  # of no family
        address(5, struct.pack("=HH", 3, 2)),  # shorter than its own head
        address(5, struct.pack("=HH", 400, 2) + b"\1\2\3\4"),  # longer than its message
        address(5, attribute(2, b"\1\2\3\4"), attribute(8, b"\1")),
    ],
)
def test_an_address_that_cannot_be_read_breaks_the_batch_and_nothing_else(body: bytes) -> None:
    batch = parse(message(20, body) + message(16, link(3, 0x41)))
    assert batch.broken
    assert batch.items == (Link(3, True, False),)


def test_a_next_hop_of_length_zero_does_not_hang() -> None:
    batch = parse(message(24, route(attribute(9, struct.pack("=HBBi", 0, 0, 0, 2)))))
    assert batch == Batch(broken=True)


def test_a_request_is_a_dump_of_all_families() -> None:
    length, kind, flags, sequence, sender = struct.unpack_from(
        "=IHHII", netlink.dump_request(netlink.GET_ROUTES, 9)
    )
    assert (length, kind, sequence, sender) == (32, 26, 9, 0)
    assert flags == 0x301


@given(some.binary(max_size=600))
def test_any_bytes_are_parsed(data: bytes) -> None:
    assert isinstance(parse(data), Batch)


_ATTRIBUTES = some.lists(
    some.builds(attribute, some.integers(0, 65535), some.binary(max_size=24)), max_size=6
).map(b"".join)


@given(
    some.lists(
        some.builds(
            message,
            some.sampled_from([1, 2, 3, 4, 16, 17, 20, 21, 24, 25, 99]),
            some.builds(
                lambda head, attributes: head + attributes,
                some.binary(max_size=16),
                _ATTRIBUTES,
            ),
            some.integers(0, 65535),
        ),
        max_size=5,
    ),
    some.data(),
)
def test_a_truncation_loses_nothing_before_it(messages: list[bytes], data: some.DataObject) -> None:
    whole = parse(b"".join(messages))
    cut = data.draw(some.integers(0, sum(map(len, messages))))
    part = parse(b"".join(messages)[:cut])
    assert part.items == whole.items[: len(part.items)]


@pytest.mark.parametrize(
    ("state", "answers"),
    [(0x02, True), (0x20, False), (0x04, None), (0x10, None), (0x01, False), (0x80, None)],
)
def test_a_neighbour_has_answered_or_not_or_neither_is_known(
    state: int, answers: bool | None
) -> None:
    """REACHABLE; FAILED and INCOMPLETE; STALE, PROBE and PERMANENT prove nothing."""
    router = b"\x0a\0\0\1"
    body = struct.pack("=BxHiHBB", V4, 0, 3, state, 0, 1) + attribute(1, router)
    assert parse(message(28, body)).items == (netlink.Neighbour(3, router, answers),)
