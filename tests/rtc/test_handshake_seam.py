"""Timers are looked at with a loop whose time these tests set; DTLS by what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice import Candidate, stun
from aioice.ice import Connection, StunProtocol
from aiortc import RTCCertificate, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport, RtpRouter
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_ACK,
    WEBRTC_DCEP,
    CookieEchoChunk,
    DataChunk,
    InitAckChunk,
    InitChunk,
    RTCSctpTransport,
    SackChunk,
    parse_packet,
)
from aiortc.rtp import RtcpRrPacket, RtpPacket
from pylibsrtp import Error, Policy, Session

from helpers.waiting import eventually
from rejoin.rtc import handshake_seam as seam
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.dtls_flights import HANDSHAKE, parse_records
from rejoin.rtc.handshake_seam import (
    CHECKED_ADDRESSES_MAX,
    SOURCES_MAX,
    bound_sources,
    limit_checked_addresses,
)
from rejoin.rtc.retransmission import CheckPacer, RoundTrip

HOST = ("127.0.0.1", 5000)


@dataclass(eq=False)
class Timer:
    at: float
    call: Callable[[], None]

    def cancel(self) -> None:
        self.at = float("inf")


class ManualLoop:
    """The part of an event loop that timers need."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + delay_s, call))
        return self.timers[-1]

    async def run_until(self, end: float) -> None:
        while self.timers and min(t.at for t in self.timers) <= end + 1e-9:
            first = min(self.timers, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = first.at
            first.call()
            for _ in range(3):
                await asyncio.sleep(0)
        self.now = end


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> ManualLoop:
    manual = ManualLoop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: manual)
    return manual


class OpeningChannels:
    """Two channels of an association that is up as far as aiortc knows; nothing is sent."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.input = self.pc.createDataChannel("input", ordered=False, maxRetransmits=0)
        self.messages = self.pc.createDataChannel("messages")
        assert self.pc.sctp is not None
        self.sctp: Any = self.pc.sctp
        self.sent: list[Any] = []
        self.acks = 0
        seam.open_channels_when_acknowledged(self.sctp, self.count_ack)

        async def send_chunk(chunk: Any) -> None:
            self.sent.append(chunk)

        override(self.sctp, "_send_chunk", send_chunk)

    def count_ack(self) -> None:
        self.acks += 1

    async def establish(self) -> None:
        self.sctp._data_channel_id = 1
        self.sctp._last_received_tsn = 0
        self.sctp._ssthresh = 100_000
        self.sctp._association_state = RTCSctpTransport.State.ESTABLISHED
        await self.sctp._data_channel_flush()

    async def acknowledge(self, cumulative: int, gaps: list[tuple[int, int]]) -> None:
        sack = SackChunk()
        sack.cumulative_tsn, sack.gaps = cumulative % (1 << 32), gaps
        await self.sctp._receive_sack_chunk(sack)

    async def close(self) -> None:
        self.sctp._t3_cancel()
        await self.pc.close()


async def test_a_channel_opens_when_sctp_acknowledged_its_open_also_beyond_a_gap() -> None:
    scene = OpeningChannels()
    first = scene.sctp._local_tsn
    await scene.establish()
    assert [chunk.tsn for chunk in scene.sent] == [first, (first + 1) % (1 << 32)]
    await scene.acknowledge(first - 1, [])
    assert scene.input.readyState == scene.messages.readyState == "connecting"
    await scene.acknowledge(first - 1, [(2, 2)])
    assert (scene.input.readyState, scene.messages.readyState) == ("connecting", "open")
    await scene.acknowledge(first + 1, [])
    assert scene.input.readyState == "open"
    await scene.close()


async def test_acknowledgements_of_channels_are_counted() -> None:
    scene = OpeningChannels()
    await scene.establish()
    for stream_id in (1, 3):
        await scene.sctp._receive(stream_id, WEBRTC_DCEP, bytes((DATA_CHANNEL_ACK,)))
    assert scene.acks == 2
    assert scene.input.readyState == scene.messages.readyState == "open"
    await scene.close()


async def test_a_host_can_leave_channels_unacknowledged() -> None:
    scene = OpeningChannels()
    await scene.establish()
    sent = len(scene.sent)
    seam.acknowledge_no_channels(scene.sctp)
    await scene.sctp._send(1, WEBRTC_DCEP, bytes((DATA_CHANNEL_ACK,)))
    assert len(scene.sent) == sent
    await scene.sctp._send(1, WEBRTC_DCEP, bytes((DATA_CHANNEL_ACK + 1,)))
    assert scene.sctp._outbound_queue or len(scene.sent) > sent
    await scene.close()


async def test_an_acknowledgement_does_not_reopen_a_channel_that_closes() -> None:
    scene = OpeningChannels()
    first = scene.sctp._local_tsn
    await scene.establish()
    scene.input._setReadyState("closing")
    await scene.acknowledge(first + 1, [])
    assert (scene.input.readyState, scene.messages.readyState) == ("closing", "open")
    await scene.close()


# --- ICE ------------------------------------------------------------------------------------------


class Checks:
    """A socket whose checks are recorded with the time they are sent at."""

    def __init__(self, loop: ManualLoop) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.createDataChannel("x")
        assert self.pc.sctp is not None
        self.protocol = StunProtocol(self.pc.sctp.transport.transport._connection)
        self.protocol.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 4000, "host")
        self.sent: list[tuple[int, bytes]] = []
        self.rtt, self.pacer, self.loop = RoundTrip(), CheckPacer(), loop
        self.checking: list[asyncio.Task[Any]] = []
        override(
            self.protocol,
            "send_stun",
            lambda message, _: self.sent.append((self.ms(), message.transaction_id)),
        )
        seam.hasten_checks(self.protocol, self.pacer, self.rtt)

    def ms(self) -> int:
        return round(1000 * (self.loop.now - 100.0))

    async def check(self, key: bytes | None = b"key") -> bytes:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        sending = self.protocol.request(request, HOST, integrity_key=key)
        self.checking.append(asyncio.ensure_future(sending))
        await asyncio.sleep(0)
        return request.transaction_id

    async def answer(self, transaction_id: bytes) -> None:
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id)
        response.add_message_integrity(b"key")
        self.protocol.datagram_received(bytes(response), HOST)
        for _ in range(3):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self.checking:
            task.cancel()
        await asyncio.gather(*self.checking, return_exceptions=True)
        assert self.pacer.in_flight == 0
        assert self.protocol.transactions == {}
        await self.pc.close()


async def test_a_check_is_sent_again_after_50_100_and_200_ms_until_it_is_answered(
    loop: ManualLoop,
) -> None:
    scene = Checks(loop)
    number = await scene.check()
    await loop.run_until(100.7)
    assert [at for at, _ in scene.sent] == [0, 50, 150, 350, 550]
    assert {each for _, each in scene.sent} == {number}, "copies of one transaction"
    await scene.answer(number)
    await loop.run_until(110.0)
    assert len(scene.sent) == 5
    assert scene.checking[0].done()
    assert scene.rtt.s == 0.0, "nobody knows which copy was answered"
    await scene.close()


async def test_an_answer_to_a_check_that_was_sent_once_measures_the_round_trip(
    loop: ManualLoop,
) -> None:
    scene = Checks(loop)
    scene.rtt.expect(0.2)
    number = await scene.check()
    await loop.run_until(100.12)
    await scene.answer(number)
    assert scene.rtt.s == pytest.approx(0.12)
    await scene.check()
    await loop.run_until(100.12 + 0.7)
    assert [at for at, _ in scene.sent] == [0, 120, 120 + 180, 120 + 180 + 240, 780]
    await scene.close()


async def test_checks_of_several_pairs_are_five_milliseconds_apart(loop: ManualLoop) -> None:
    scene = Checks(loop)
    for _ in range(4):
        await scene.check()
    await loop.run_until(100.06)
    assert [at for at, _ in scene.sent] == [0, 5, 10, 15, 50, 55, 60]
    await scene.close()


async def test_other_transactions_are_left_to_the_library(loop: ManualLoop) -> None:
    scene = Checks(loop)
    await scene.check(key=None)  # as to a STUN server
    await loop.run_until(100.4)
    assert [at for at, _ in scene.sent] == [0]
    await scene.close()


# --- DTLS -----------------------------------------------------------------------------------------


class Wire:
    """An ICE transport in memory; `lose(number)` says whether it loses that datagram of its own."""

    def __init__(self) -> None:
        self.role = "controlling"
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.other: Wire
        self.sent: list[bytes] = []
        self.lose: Callable[[int], bool] = lambda number: False

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)
        if not self.lose(len(self.sent) - 1):
            self.other.arrived.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self.arrived.get()


class Handshake:
    def __init__(self) -> None:
        self.now = 100.0
        self.client_wire, self.server_wire = Wire(), Wire()
        self.client_wire.other, self.server_wire.other = self.server_wire, self.client_wire
        self.client, self.server = self._side(self.client_wire), self._side(self.server_wire)
        self.client._set_role("client")
        self.server._set_role("server")
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.server._data_receiver = cast(Any, self)

    async def _handle_data(self, data: bytes) -> None:
        self.received.put_nowait(data)

    def _side(self, wire: Wire) -> RTCDtlsTransport:
        certificate = RTCCertificate.generateCertificate()
        side = RTCDtlsTransport(cast(Any, wire), [certificate])
        seam.hasten_handshake(side, RoundTrip(), lambda: self.now)
        return side

    async def run(self) -> None:
        parameters: list[RTCDtlsParameters] = [
            self.server.getLocalParameters(),
            self.client.getLocalParameters(),
        ]
        both = asyncio.gather(self.client.start(parameters[0]), self.server.start(parameters[1]))
        await asyncio.wait_for(both, 60)


@asynccontextmanager
async def handshake() -> AsyncIterator[Handshake]:
    scene = Handshake()
    yield scene
    for side in (scene.client, scene.server):
        task = side._task
        await side.stop()
        if task is not None:
            await asyncio.wait({task})


async def test_a_client_repeats_its_hello_to_a_host_that_is_not_ready() -> None:
    async with handshake() as scene:
        waited: list[float] = []

        def lose(number: int) -> bool:
            waited.append(cast(Any, scene.client._ssl).DTLSv1_get_timeout())
            return number < 3

        scene.client_wire.lose = lose
        await scene.run()
        hellos = [parse_records(data)[0] for data in scene.client_wire.sent[:4]]
        assert [hello.number for hello in hellos] == [0, 1, 2, 3]
        assert len({hello.body for hello in hellos}) == 1
        assert waited[1:4] == pytest.approx([0.12, 0.2, 0.2])


async def test_the_timer_starts_anew_with_each_flight() -> None:
    async with handshake() as scene:
        waits: list[float] = []

        def answer(number: int) -> bool:
            scene.now += 0.05
            return False

        def send(number: int) -> bool:
            waits.append(cast(Any, scene.client._ssl).DTLSv1_get_timeout())
            return False

        scene.server_wire.lose, scene.client_wire.lose = answer, send
        await scene.run()
        assert all(any(abs(w - full) < 1e-6 for full in (0.06, 0.12, 0.2)) for w in waits), waits


async def test_a_servers_lost_last_flight_is_asked_for_and_data_follow() -> None:
    async with handshake() as scene:
        scene.server_wire.lose = lambda number: number == 1  # its last flight
        await scene.run()
        assert scene.client.state == scene.server.state == "connected"
        finished = [
            record.number
            for data in scene.client_wire.sent
            for record in parse_records(data)
            if record.kind == HANDSHAKE and record.epoch == 1
        ]
        assert finished[:2] == [0, 1], "the same number again would be dropped as a replay"
        for text in (b"one", b"two", b"three"):
            await scene.client._send_data(text)
            assert await asyncio.wait_for(scene.received.get(), 60) == text


async def test_a_lost_flight_of_either_side_is_repeated() -> None:
    async with handshake() as scene:
        scene.client_wire.lose = lambda number: number == 1
        scene.server_wire.lose = lambda number: number == 0
        await scene.run()
        assert scene.client.state == scene.server.state == "connected"


async def test_a_server_survives_a_client_that_repeats_its_last_flight_thirty_times() -> None:
    async with handshake() as scene:
        await scene.run()
        answered = len(scene.server_wire.sent)
        for _ in range(30):
            cast(Any, scene.client._ssl).DTLSv1_handle_timeout()
            await scene.client._write_ssl()
        received: asyncio.Queue[bytes] = asyncio.Queue()

        async def handle(data: bytes) -> None:
            received.put_nowait(data)

        scene.client._data_receiver = cast(Any, SimpleNamespace(_handle_data=handle))
        await eventually(scene.server_wire.arrived.empty)
        await scene.server._send_data(b"x")
        assert await asyncio.wait_for(received.get(), 60) == b"x"
        assert answered < len(scene.server_wire.sent) <= answered + 9


# --- SCTP -----------------------------------------------------------------------------------------


class Association:
    """One side of an association; `sent` has the time, tag and chunk of each packet."""

    def __init__(self, loop: ManualLoop) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.createDataChannel("input", ordered=False, maxRetransmits=0)
        assert self.pc.sctp is not None
        self.sctp: Any = self.pc.sctp
        self.loop = loop
        self.sent: list[tuple[int, int, Any]] = []
        self.sctp._loop = cast(Any, loop)
        override(self.sctp.transport, "_send_data", self._record)
        seam.hasten_association(self.sctp, RoundTrip())

    async def _record(self, data: bytes) -> None:
        _, _, tag, chunks = parse_packet(data)
        self.sent += [(round(1000 * (self.loop.now - 100.0)), tag, chunk) for chunk in chunks]

    def times_ms(self, kind: type[Any]) -> list[int]:
        return [at for at, _, chunk in self.sent if isinstance(chunk, kind)]

    async def receive(self, chunk: Any) -> None:
        await self.sctp._receive_chunk(chunk)

    async def init_ack(self) -> None:
        chunk = InitAckChunk()
        chunk.initiate_tag, chunk.initial_tsn, chunk.advertised_rwnd = 7, 1000, 100_000
        chunk.outbound_streams = chunk.inbound_streams = 100
        await self.receive(chunk)

    async def close(self) -> None:
        await self.pc.close()


async def test_init_and_cookie_echo_and_the_open_are_sent_again(loop: ManualLoop) -> None:
    scene = Association(loop)
    await scene.sctp.start(None, 5000)
    await loop.run_until(100.6)
    assert scene.times_ms(InitChunk) == [0, 100, 300, 500]
    await scene.init_ack()
    await loop.run_until(101.0)
    assert scene.times_ms(CookieEchoChunk) == [600, 700, 900]
    assert len(scene.times_ms(InitChunk)) == 4
    scene.sctp._set_state(RTCSctpTransport.State.ESTABLISHED)
    scene.sctp._t1_cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    await loop.run_until(101.6)
    assert scene.times_ms(DataChunk) == [1000, 1100, 1300, 1500]
    await scene.close()


async def test_an_association_is_not_given_up_sooner_because_it_is_tried_more_often(
    loop: ManualLoop,
) -> None:
    scene = Association(loop)
    await scene.sctp.start(None, 5000)
    await loop.run_until(125.0)
    assert scene.sctp.state == "connecting"
    await loop.run_until(130.0)
    assert scene.sctp.state == "closed"
    await scene.close()


async def test_once_a_round_trip_is_measured_sctps_own_timer_applies(loop: ManualLoop) -> None:
    scene = Association(loop)
    await scene.sctp.start(None, 5000)
    await scene.init_ack()
    scene.sctp._set_state(RTCSctpTransport.State.ESTABLISHED)
    scene.sctp._t1_cancel()
    scene.sctp._update_rto(0.050)
    for _ in range(3):
        await asyncio.sleep(0)
    await loop.run_until(102.5)
    assert scene.times_ms(DataChunk) == [0, 1000, 2000]
    await scene.close()


async def test_a_repeated_init_has_no_tag_even_when_the_other_sides_is_known(
    loop: ManualLoop,
) -> None:
    scene = Association(loop)
    await scene.sctp.start(None, 5000)
    theirs = InitChunk()
    theirs.initiate_tag, theirs.initial_tsn, theirs.advertised_rwnd = 7, 1000, 100_000
    theirs.outbound_streams = theirs.inbound_streams = 100
    await scene.receive(theirs)
    await loop.run_until(100.35)
    tags = [tag for _, tag, chunk in scene.sent if isinstance(chunk, InitChunk)]
    assert tags == [0, 0, 0]
    assert [tag for _, tag, chunk in scene.sent if isinstance(chunk, InitAckChunk)] == [7]
    await scene.close()


async def test_an_init_that_comes_late_does_not_reset_what_was_received(loop: ManualLoop) -> None:
    scene = Association(loop)
    await scene.sctp.start(None, 5000)
    await scene.init_ack()
    scene.sctp._set_state(RTCSctpTransport.State.ESTABLISHED)
    scene.sctp._last_received_tsn = 1005
    late = InitChunk()
    late.initiate_tag, late.initial_tsn, late.advertised_rwnd = 7, 1000, 100_000
    late.outbound_streams = late.inbound_streams = 100
    await scene.receive(late)
    assert scene.sctp._last_received_tsn == 1005
    await scene.close()


# --- addresses ------------------------------------------------------------------------------------


async def test_a_host_that_checks_from_any_number_of_addresses_is_not_followed_to_all() -> None:
    """aioice makes a candidate of each, and sends checks there."""
    connection = Connection(ice_controlling=True)
    followed: list[tuple[str, int]] = []
    connection.check_incoming = (  # type: ignore[method-assign]
        lambda message, addr, protocol: followed.append(addr)
    )
    limit_checked_addresses(connection)
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    protocol = StunProtocol(connection)
    addresses = [("192.0.2.1", port) for port in range(2000, 2000 + 5 * CHECKED_ADDRESSES_MAX)]
    for address in [*addresses, addresses[0]]:
        connection.check_incoming(message, address, protocol)
    assert followed == [*addresses[:CHECKED_ADDRESSES_MAX], addresses[0]]


# --- SRTP -----------------------------------------------------------------------------------------

SRTP_KEY = bytes(range(30))
RTP_TYPE = 96


async def test_a_source_for_each_packet_takes_a_bounded_memory() -> None:
    """Both libsrtp and aiortc's router remember every source that was ever authenticated."""

    def set_up_srtp() -> None:
        dtls._rx_srtp = Session(Policy(key=SRTP_KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))

    router = RtpRouter()
    receiver: Any = object()
    router.register_receiver(receiver, ssrcs=[7], payload_types=[RTP_TYPE])
    dtls: Any = SimpleNamespace(_rtp_router=router, _rx_srtp=None, _setup_srtp=set_up_srtp)
    bound_sources(dtls)
    dtls._setup_srtp()
    removed: list[int] = []
    remove = dtls._rx_srtp._session.remove_stream

    def recorded(ssrc: int) -> None:
        removed.append(ssrc)
        remove(ssrc)

    dtls._rx_srtp._session.remove_stream = recorded

    host = Session(Policy(key=SRTP_KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))

    def arrives(ssrc: int) -> None:
        packet = RtpPacket(payload_type=RTP_TYPE, sequence_number=1, ssrc=ssrc, payload=b"x")
        sent = host.protect(packet.serialize())
        assert dtls._rx_srtp.unprotect(sent) == packet.serialize()
        assert router.route_rtp(packet) is receiver

    for ssrc in (7, *range(1000, 1000 + 2 * SOURCES_MAX)):
        arrives(ssrc)
    # those of RTCP count too
    for ssrc in range(5000, 5010):
        report = bytes(RtcpRrPacket(ssrc=ssrc, reports=[]))
        assert dtls._rx_srtp.unprotect_rtcp(host.protect_rtcp(report)) == report
    assert len(removed) == 1 + SOURCES_MAX + 10
    assert len(router.ssrc_table) <= SOURCES_MAX
    assert 7 not in router.ssrc_table
    # one that was forgotten plays again, and a forged packet teaches nothing
    known = dict(dtls._rx_srtp._known)
    with pytest.raises(Error):
        dtls._rx_srtp.unprotect(RtpPacket(payload_type=RTP_TYPE, ssrc=1).serialize() + bytes(20))
    assert dtls._rx_srtp._known == known
    packet = RtpPacket(payload_type=RTP_TYPE, sequence_number=2, ssrc=7, payload=b"x")
    assert dtls._rx_srtp.unprotect(host.protect(packet.serialize()))
    assert router.route_rtp(packet) is receiver
