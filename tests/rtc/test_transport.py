from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice import Candidate, ice, stun
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import State
from pylibsrtp import Policy as KeyPolicy
from pylibsrtp import Session

from rejoin import tasks
from rejoin.core.model import Policy
from rejoin.errors import PeerError
from rejoin.media.receive.rtp import RtpPacket
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.rtc.transport import RECEIVE_BUFFER_BYTES, Transport, override

PASSWORD = "abcdefghijklmnopqrstuv"
HOST = ("127.0.0.1", 40_000)


class Bench:
    """A gathered connection of ours with a nominated pair; the host is played by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.unreachable: list[str] = []
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.pc.createDataChannel("x")
        assert self.pc.sctp is not None
        self.dtls = self.pc.sctp.transport
        self.connection: Any = self.dtls.transport._connection
        self.transport = Transport(
            self.dtls,
            rules=NetworkRules(loopback_only=True),
            clock=lambda: self.now,
            policy=Policy(),
            name="bench",
            on_unreachable=self.unreachable.append,
        )
        self.sent: list[stun.Message] = []

    async def ready(self) -> None:
        await self.pc.setLocalDescription()
        self.protocol = self.connection._protocols[0]
        self.connection.remote_username = "host"
        self.connection.remote_password = PASSWORD
        candidate = Candidate("1", 1, "udp", 1, *HOST, "host")
        candidate._network_host = HOST[0]
        self.connection._nominated[1] = ice.CandidatePair(self.protocol, candidate)
        socket = self.protocol.transport
        self.protocol.transport = SimpleNamespace(
            sendto=lambda data, _: self.sent.append(stun.parse_message(data)),
            is_closing=lambda: False,
            close=socket.close,
        )

    def answer(
        self,
        request: stun.Message,
        *,
        password: str = PASSWORD,
        address: tuple[str, int] = HOST,
        kind: stun.Class = stun.Class.RESPONSE,
    ) -> None:
        response = stun.Message(stun.Method.BINDING, kind, request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 5000)
        response.add_message_integrity(password.encode())
        self.protocol.datagram_received(bytes(response), address)


def with_bench(scene: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.ready()
        await scene(bench)
        await bench.pc.close()
        await bench.transport.close()
        assert tasks.alive() == frozenset()

    asyncio.run(run())


def test_gathering_uses_loopback_alone_and_asks_for_a_big_buffer() -> None:
    async def scene(bench: Bench) -> None:
        assert [c.host for c in bench.connection.local_candidates] == ["127.0.0.1"]
        granted = bench.transport.receive_buffer_bytes
        assert granted is not None
        assert 0 < granted <= RECEIVE_BUFFER_BYTES

    with_bench(scene)


def test_a_check_is_an_ordinary_ice_request_and_its_answer_gives_the_round_trip() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.transport.send_check()
        request = bench.sent[0]
        username = f"host:{bench.connection.local_username}"
        assert request.attributes["USERNAME"] == username
        assert {"PRIORITY", "ICE-CONTROLLING", "MESSAGE-INTEGRITY", "FINGERPRINT"} <= set(
            request.attributes
        )
        assert "USE-CANDIDATE" not in request.attributes
        assert request.check_message_integrity(PASSWORD.encode())
        bench.now += 0.040
        bench.answer(request)
        assert bench.transport.rtt_s == pytest.approx(0.040)
        assert bench.transport.proved_sent_at == 100.0
        assert bench.transport.last_stun_at == pytest.approx(100.040)
        assert bench.transport.last_packet_at == pytest.approx(100.040)

    with_bench(scene)


def test_checks_for_a_stalled_connection_nominate_the_pair_again() -> None:
    async def scene(bench: Bench) -> None:
        bench.transport.start_checks()
        for _ in range(2000):
            if bench.sent:
                break
            await asyncio.sleep(0.01)
        bench.transport.stop_checks()
        assert "USE-CANDIDATE" in bench.sent[0].attributes

    with_bench(scene)


def test_each_check_has_its_own_round_trip_and_a_late_answer_counts() -> None:
    async def scene(bench: Bench) -> None:
        bench.transport.send_check()
        bench.now += 0.1
        bench.transport.send_check()
        bench.now = 102.0
        bench.answer(bench.sent[1])
        assert bench.transport.proved_sent_at == pytest.approx(100.1)
        bench.answer(bench.sent[0])
        assert bench.transport.proved_sent_at == pytest.approx(100.1)
        assert bench.transport.rtt_s == pytest.approx(1.9 + 0.1 / 8)
        assert bench.transport.checks_answered == 2

    with_bench(scene)


def test_forged_misdirected_repeated_and_ancient_answers_prove_nothing() -> None:
    async def scene(bench: Bench) -> None:
        bench.transport.send_check()
        bench.answer(bench.sent[0], password="x" * 22)
        bench.answer(bench.sent[0], address=("127.0.0.1", 1))
        assert bench.transport.last_packet_at is None
        bench.now += 6
        bench.transport.send_check()
        bench.answer(bench.sent[0])
        assert bench.transport.checks_answered == 0
        bench.answer(bench.sent[1])
        bench.answer(bench.sent[1])
        assert bench.transport.checks_answered == 1

    with_bench(scene)


def test_an_authenticated_error_is_a_sign_of_life_but_proves_no_check() -> None:
    async def scene(bench: Bench) -> None:
        bench.transport.send_check()
        bench.answer(bench.sent[0], kind=stun.Class.ERROR)
        assert bench.transport.last_packet_at == 100.0
        assert bench.transport.proved_sent_at is None

    with_bench(scene)


def test_consent_never_ends_a_connection_however_long_nobody_answers() -> None:
    async def scene(bench: Bench) -> None:
        consent = asyncio.ensure_future(bench.connection.query_consent())
        await asyncio.sleep(1.5)
        assert bench.transport.checks_sent >= 2
        assert not consent.done()
        assert not bench.connection._closing
        bench.transport.mute()
        sent = bench.transport.checks_sent
        await asyncio.sleep(1.5)
        assert bench.transport.checks_sent == sent
        consent.cancel()

    with_bench(scene)


def test_checks_are_often_until_stopped_also_while_mute() -> None:
    async def scene(bench: Bench) -> None:
        bench.transport.mute()
        bench.transport.start_checks()
        bench.transport.start_checks()
        for _ in range(2000):
            if len(bench.sent) >= 7:
                break
            await asyncio.sleep(0.01)
        assert len(bench.sent) >= 7
        bench.transport.stop_checks()
        sent = len(bench.sent)
        await asyncio.sleep(0.4)
        assert len(bench.sent) == sent

    with_bench(scene)


def test_five_checks_are_a_tenth_of_a_second_apart_and_then_a_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    rested = asyncio.sleep

    async def sleep(delay_s: float) -> None:
        pauses.append(delay_s)
        await rested(0)

    async def scene(bench: Bench) -> None:
        monkeypatch.setattr("rejoin.rtc.transport.asyncio.sleep", sleep)
        bench.transport.start_checks()
        while len(pauses) < 8:
            await rested(0)
        bench.transport.stop_checks()
        monkeypatch.undo()
        assert len(bench.sent) == len(pauses), "one check before each pause"

    with_bench(scene)
    assert pauses[:8] == [0.100] * 4 + [0.250] * 4


def test_the_addresses_are_all_gathered_ones_until_one_is_in_use() -> None:
    async def scene(bench: Bench) -> None:
        elsewhere = SimpleNamespace(
            local_candidate=Candidate("2", 1, "udp", 1, "192.0.2.7", 9, "host")
        )
        relayed = SimpleNamespace(
            local_candidate=Candidate("3", 1, "udp", 1, "198.51.100.9", 9, "relay")
        )
        in_use = bench.connection._nominated.pop(1)
        protocols = bench.connection._protocols
        protocols += [elsewhere, relayed]
        assert bench.transport.local_addresses == {"127.0.0.1", "192.0.2.7"}
        bench.connection._nominated[1] = in_use
        assert bench.transport.local_addresses == {"127.0.0.1"}
        del protocols[1:]

    with_bench(scene)


def test_unreachable_twice_in_a_row_is_told_once_until_something_arrives() -> None:
    async def scene(bench: Bench) -> None:
        def fail(number: int) -> None:
            bench.protocol.error_received(OSError(number, "no"))

        fail(errno.ENETUNREACH)
        fail(errno.ENETUNREACH)
        assert bench.unreachable == [], "one burst"
        bench.now += 0.1
        fail(errno.EMSGSIZE)
        assert bench.unreachable == []
        fail(errno.ENETUNREACH)
        bench.now += 0.1
        fail(errno.ENETUNREACH)
        assert bench.unreachable == ["ENETUNREACH"]
        bench.transport.send_check()
        bench.answer(bench.sent[0])
        fail(errno.EHOSTUNREACH)
        assert len(bench.unreachable) == 1
        bench.now += 0.1
        fail(errno.EHOSTUNREACH)
        assert bench.unreachable == ["ENETUNREACH", "EHOSTUNREACH"]

    with_bench(scene)


def test_the_largest_pause_is_told_once() -> None:
    async def scene(bench: Bench) -> None:
        for pause_s in (0.0, 0.02, 0.3, 0.02):
            bench.now += pause_s
            bench.transport.send_check()
            bench.answer(bench.sent[-1])
        assert bench.transport.take_largest_gap_s() == pytest.approx(0.3)
        assert bench.transport.take_largest_gap_s() == 0.0

    with_bench(scene)


def test_media_is_taken_before_the_queue_and_the_rest_goes_into_it() -> None:
    async def scene(bench: Bench) -> None:
        taken: list[RtpPacket] = []

        class Receiver:
            def take(self, packet: RtpPacket, now: float) -> None:
                taken.append(packet)

        bench.dtls._rtp_router.register_receiver(
            cast(Any, Receiver()), ssrcs=[7], payload_types=[96]
        )
        key = bytes(range(30))
        host = Session(KeyPolicy(key=key, ssrc_type=KeyPolicy.SSRC_ANY_OUTBOUND))
        first = host.protect(bytes.fromhex("8060000100000000000000074178"))
        queue = bench.connection._queue
        bench.protocol.datagram_received(first, HOST)
        assert queue.qsize() == 1, "there are no keys yet"
        bench.dtls._rx_srtp = Session(KeyPolicy(key=key, ssrc_type=KeyPolicy.SSRC_ANY_INBOUND))
        bench.dtls._state = State.CONNECTED
        bench.protocol.datagram_received(first, HOST)
        assert (queue.qsize(), taken) == (2, []), "nothing overtakes what waits"
        while not queue.empty():
            queue.get_nowait()
        bench.protocol.datagram_received(first, HOST)
        assert [packet.payload for packet in taken] == [b"\x41x"]
        bench.protocol.datagram_received(b"\x16" + bytes(20), HOST)
        assert queue.qsize() == 1
        assert bench.transport.last_rtp_at == bench.transport.last_packet_at == 100.0
        bench.now = 101.0
        await bench.dtls._handle_rtp_data(bytes.fromhex("806000020000000000000007aa"), 0)
        assert [packet.sequence_number for packet in taken] == [1, 2], "what waited in the queue"
        assert bench.transport.last_rtp_at == 101.0

    with_bench(scene)


def test_a_strangers_empty_datagram_and_a_cut_check_end_nothing() -> None:
    async def scene(bench: Bench) -> None:
        bench.protocol.datagram_received(b"", HOST)
        assert bench.connection._queue.empty(), "aiortc would look at its first byte"
        cut = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        head = bytes(cut)[:20]
        priority = b"\x00\x24\x00\x00"
        bench.protocol.datagram_received(head[:2] + b"\0\4" + head[4:] + priority, HOST)
        assert bench.transport.packets_failed == 2
        assert bench.transport.last_packet_at is None

    with_bench(scene)


def test_a_broken_packet_is_counted_and_ends_nothing() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.pc.sctp is not None

        async def broken(_: bytes) -> None:
            raise AssertionError("stream_id in self._data_channels")

        override(bench.pc.sctp, "_handle_data", broken)
        bench.transport.tap_data(bench.pc.sctp)
        await bench.pc.sctp._handle_data(b"x")
        assert bench.transport.packets_failed == 1
        assert bench.transport.last_data_at == 100.0

    with_bench(scene)


def test_a_library_without_the_method_is_refused_by_name() -> None:
    with pytest.raises(PeerError, match="no_such_method"):
        override(object(), "no_such_method", print)
