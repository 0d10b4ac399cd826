from __future__ import annotations

import asyncio
import errno
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice import Candidate, stun
from aiortc.rtcdtlstransport import State
from pylibsrtp import Policy as KeyPolicy
from pylibsrtp import Session

from helpers.gathered_connection import HOST, LOOPBACK, PASSWORD, gathered_connection
from rejoin.media.receive.rtp import RtpPacket
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.transport import RECEIVE_BUFFER_BYTES


async def test_gathering_uses_loopback_only_and_requests_a_large_buffer() -> None:
    async with gathered_connection() as there:
        assert [c.host for c in there.connection.local_candidates] == ["127.0.0.1"]
        granted = there.transport.receive_buffer_bytes
        assert granted is not None
        assert 0 < granted <= RECEIVE_BUFFER_BYTES


async def test_local_addresses_are_all_gathered_ones_until_one_is_in_use() -> None:
    async with gathered_connection() as there:
        elsewhere = SimpleNamespace(
            local_candidate=Candidate("2", 1, "udp", 1, "192.0.2.7", 9, "host")
        )
        relayed = SimpleNamespace(
            local_candidate=Candidate("3", 1, "udp", 1, "198.51.100.9", 9, "relay")
        )
        in_use = there.connection._nominated.pop(1)
        protocols = there.connection._protocols
        protocols += [elsewhere, relayed]
        assert there.transport.local_addresses == {"127.0.0.1", "192.0.2.7"}
        there.connection._nominated[1] = in_use
        assert there.transport.local_addresses == {"127.0.0.1"}
        del protocols[1:]


@pytest.mark.parametrize(
    ("rules", "address", "answered"),
    [
        (NetworkRules(), ("203.0.114.9", 33440), True),
        (NetworkRules(), ("172.31.1.72", 33440), False),
        (NetworkRules(), ("169.254.3.4", 33440), False),
        (NetworkRules(), ("100.64.0.1", 33440), False),
        (NetworkRules(), ("127.0.0.1", 33440), False),
        (NetworkRules(), ("fd00::1", 33440), False),
        (NetworkRules(), ("fe80::1%eth0", 33440), False),
        (NetworkRules(), ("203.0.114.10", 443), False),
        (NetworkRules(allow_private=True), ("172.31.1.72", 33440), True),
        (NetworkRules(allow_private=True), ("127.0.0.1", 33440), False),
        (LOOPBACK, ("127.0.0.1", 33440), True),
        (LOOPBACK, ("203.0.114.9", 33440), False),
    ],
)
@pytest.mark.parametrize("early", [True, False])
async def test_a_check_from_a_forbidden_address_makes_no_candidate(
    rules: NetworkRules, address: tuple[str, int], answered: bool, early: bool
) -> None:
    async with gathered_connection(rules) as there:
        there.connection._early_checks_done = not early
        there.check(address)
        kinds = [message.message_class for message in there.sent]
        assert kinds[:1] == ([stun.Class.RESPONSE] if answered else [])
        candidates = [(each.host, each.port) for each in there.connection._remote_candidates]
        assert (address in candidates) == (answered and not early)
        assert bool(there.connection._early_checks) == (answered and early)
        assert bool(there.connection._check_list) == (answered and not early)
        assert (there.transport.last_stun_at is not None) == (answered and not early)


async def test_unreachable_twice_in_a_row_is_reported_once_until_something_arrives() -> None:
    async with gathered_connection() as there:

        def fail(number: int) -> None:
            there.protocol.error_received(OSError(number, "no"))

        fail(errno.ENETUNREACH)
        fail(errno.ENETUNREACH)
        assert there.unreachable == [], "errors of one burst count once"
        there.now += 0.1
        fail(errno.EMSGSIZE)
        assert there.unreachable == []
        fail(errno.ENETUNREACH)
        there.now += 0.1
        fail(errno.ENETUNREACH)
        assert there.unreachable == ["ENETUNREACH"]
        there.transport.checks.send()
        there.answer(there.sent[0])
        fail(errno.EHOSTUNREACH)
        assert len(there.unreachable) == 1
        there.now += 0.1
        fail(errno.EHOSTUNREACH)
        assert there.unreachable == ["ENETUNREACH", "EHOSTUNREACH"]


def strangers_request(kind: str) -> bytes:
    method = stun.Method.ALLOCATE if kind == "method" else stun.Method.BINDING
    request = stun.Message(method, stun.Class.REQUEST)
    if kind == "username":
        request.attributes["USERNAME"] = "somebody:else"
        request.add_message_integrity(b"guess")
    return bytes(request)


@pytest.mark.parametrize("kind", ["plain", "method", "username"])
async def test_strangers_get_ten_answers_a_second_and_the_host_gets_all(kind: str) -> None:
    async with gathered_connection() as there:
        for number in range(1000):
            there.protocol.datagram_received(
                strangers_request(kind), ("127.0.0.1", 10_000 + number)
            )
        assert len(there.sent) == 10
        there.now += 0.999
        there.protocol.datagram_received(strangers_request(kind), ("127.0.0.1", 9000))
        assert len(there.sent) == 10
        there.now += 0.001
        for _ in range(1000):
            there.protocol.datagram_received(strangers_request(kind), ("127.0.0.1", 9000))
        assert len(there.sent) == 20
        assert {message.message_class for message in there.sent} == {stun.Class.ERROR}
        there.sent.clear()
        check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        check.attributes["USERNAME"] = f"{there.connection.local_username}:host"
        check.attributes["PRIORITY"] = 1
        check.attributes["ICE-CONTROLLED"] = 1
        check.add_message_integrity(there.connection.local_password.encode())
        for _ in range(30):
            there.protocol.datagram_received(bytes(check), HOST)
        answers = [m for m in there.sent if m.message_class is stun.Class.RESPONSE]
        assert len(answers) == 30


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        (errno.ENETUNREACH, True),
        (errno.ENETDOWN, True),
        (errno.ECONNREFUSED, False),
        (errno.EHOSTUNREACH, False),
        (errno.EHOSTDOWN, False),
        (errno.EMSGSIZE, False),
    ],
)
async def test_only_what_nobody_else_can_cause_counts_as_refused(
    number: int, refused: bool
) -> None:
    async with gathered_connection() as there:
        for _ in range(3):
            there.protocol.error_received(OSError(number, "no"))
            there.now += 1.0
        assert (there.transport.checks.sends_fail_since_at == 100.0) is refused


async def test_the_largest_pause_is_returned_once() -> None:
    async with gathered_connection() as there:
        for pause_s in (0.0, 0.02, 0.3, 0.02):
            there.now += pause_s
            there.transport.checks.send()
            there.answer(there.sent[-1])
        assert there.transport.pop_largest_gap_s() == pytest.approx(0.3)
        assert there.transport.pop_largest_gap_s() == 0.0


async def test_media_bypasses_the_queue_and_the_rest_goes_into_it() -> None:
    async with gathered_connection() as there:
        delivered: list[RtpPacket] = []

        class Receiver:
            def on_packet(self, packet: RtpPacket, now: float) -> None:
                delivered.append(packet)

        there.dtls._rtp_router.register_receiver(
            cast(Any, Receiver()), ssrcs=[7], payload_types=[96]
        )
        key = bytes(range(30))
        host = Session(KeyPolicy(key=key, ssrc_type=KeyPolicy.SSRC_ANY_OUTBOUND))
        first = host.protect(bytes.fromhex("8060000100000000000000074178"))
        queue = there.connection._queue
        there.protocol.datagram_received(first, HOST)
        assert queue.qsize() == 1, "there are no keys yet"
        there.dtls._rx_srtp = Session(KeyPolicy(key=key, ssrc_type=KeyPolicy.SSRC_ANY_INBOUND))
        there.dtls._state = State.CONNECTED
        there.protocol.datagram_received(first, HOST)
        assert (queue.qsize(), delivered) == (2, []), "media must not overtake the queue"
        while not queue.empty():
            queue.get_nowait()
        there.protocol.datagram_received(first, HOST)
        assert [packet.payload for packet in delivered] == [b"\x41x"]
        there.protocol.datagram_received(b"\x16" + bytes(20), HOST)
        assert queue.qsize() == 1
        assert there.transport.last_rtp_at == there.transport.last_packet_at == 100.0
        there.now = 101.0
        await there.dtls._handle_rtp_data(bytes.fromhex("806000020000000000000007aa"), 0)
        assert [packet.sequence_number for packet in delivered] == [1, 2], (
            "what waited in the queue"
        )
        assert there.transport.last_rtp_at == 101.0
        assert there.first_packets == 1, "the path is not blocked, which is worth one event"


async def test_the_first_answer_to_a_check_of_ice_is_the_first_packet_and_the_only_first_one() -> (
    None
):
    """An ICE-lite host answers checks and sends none of its own."""
    async with gathered_connection() as there:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        asking = asyncio.ensure_future(
            there.protocol.request(request, HOST, integrity_key=PASSWORD.encode())
        )
        await asyncio.sleep(0)
        there.answer(request, password="somebody else's guess")
        await asyncio.sleep(0)
        assert there.first_packets == 0
        there.answer(request)
        await asyncio.wait_for(asking, 60)
        assert (there.first_packets, there.transport.last_stun_at) == (1, 100.0)
        there.now = 101.0
        assert there.transport.checks.send()
        there.answer(there.sent[-1])
        assert (there.first_packets, there.transport.last_stun_at) == (1, 101.0)


async def test_an_empty_datagram_and_a_truncated_check_do_not_end_the_connection() -> None:
    async with gathered_connection() as there:
        there.protocol.datagram_received(b"", HOST)
        assert there.connection._queue.empty(), (
            "aiortc reads the first byte, which an empty datagram lacks"
        )
        cut = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        head = bytes(cut)[:20]
        priority = b"\x00\x24\x00\x00"
        there.protocol.datagram_received(head[:2] + b"\0\4" + head[4:] + priority, HOST)
        assert there.transport.packets_failed == 2
        assert there.transport.last_packet_at is None


async def test_a_broken_packet_is_counted_and_the_connection_continues() -> None:
    async with gathered_connection() as there:
        assert there.pc.sctp is not None

        async def broken(_: bytes) -> None:
            raise AssertionError("stream_id in self._data_channels")

        override(there.pc.sctp, "_handle_data", broken)
        there.transport.watch_sctp(there.pc.sctp, on_association_ended=lambda: None)
        await there.pc.sctp._handle_data(b"x")
        assert there.transport.packets_failed == 1
        assert there.transport.last_data_at == 100.0
