from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aioice import Candidate, ice, stun
from aioice.ice import StunProtocol
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, State
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
)
from aiortc.rtp import AnyRtcpPacket, RtcpByePacket, RtcpReceiverInfo, RtcpRrPacket
from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from rejoin.errors import PeerError
from rejoin.rtc import aiortc_seam as seam

KEY = bytes(range(30))
ADDRESS = ("127.0.0.1", 5000)


class Scene:
    """A connection of the library that was never started."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.transceiver = self.pc.addTransceiver("video", direction="recvonly")
        self.pc.createDataChannel("x")
        self.dtls: RTCDtlsTransport = self.transceiver.receiver.transport
        self.connection = seam.ice_connection(self.dtls)

    def socket(self) -> StunProtocol:
        protocol = StunProtocol(self.connection)
        protocol.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 4000, "host")
        return protocol


@asynccontextmanager
async def never_started() -> AsyncIterator[Scene]:
    scene = Scene()
    try:
        yield scene
    finally:
        await scene.pc.close()


def test_a_replaced_method_is_called_in_place_of_the_original_which_is_returned() -> None:
    class Library:
        def answer(self) -> str:
            return "theirs"

    instance = Library()
    original = seam.override(instance, "answer", lambda: "ours")
    assert (instance.answer(), original(), Library().answer()) == ("ours", "theirs", "theirs")


def test_a_library_without_the_method_is_refused_by_name() -> None:
    with pytest.raises(PeerError, match="no_such_method"):
        seam.override(object(), "no_such_method", print)


# --- DTLS and SRTP --------------------------------------------------------------------------------


async def test_the_ssl_context_and_the_fingerprints_are_created_in_advance() -> None:
    async with never_started() as scene:
        seam.prepare_dtls(scene.dtls)
        certificate = seam.certificate_of(scene.dtls)
        made = certificate._create_ssl_context(srtp_profiles=scene.dtls._srtp_profiles)
        assert certificate._create_ssl_context(srtp_profiles=scene.dtls._srtp_profiles) is made
        fresh = RTCCertificate(certificate._key, certificate._cert)
        assert certificate.getFingerprints() == fresh.getFingerprints()
        assert certificate.getFingerprints()[0] is certificate.getFingerprints()[0]


async def test_media_does_not_overtake_what_waits_in_the_queue() -> None:
    async with never_started() as scene:
        delivered: list[bytes] = []
        failures: list[None] = []
        protocol = scene.socket()
        seam.deliver_media_directly(
            scene.dtls,
            protocol,
            on_rtp=delivered.append,
            on_failure=lambda: failures.append(None),
        )
        host = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        plain = bytes.fromhex("8060000100000000000000074178")
        datagram = host.protect(plain)
        scene.dtls._rx_srtp = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))
        scene.dtls._state = State.CONNECTED
        scene.connection._queue.put_nowait((b"\x16earlier", 1))
        protocol.datagram_received(datagram, ADDRESS)
        assert (delivered, scene.connection._queue.qsize()) == ([], 2)
        while not scene.connection._queue.empty():
            scene.connection._queue.get_nowait()
        protocol.datagram_received(datagram, ADDRESS)
        assert (delivered, failures) == ([plain], [])
        protocol.datagram_received(datagram, ADDRESS)
        assert (len(delivered), len(failures)) == (1, 1), "a repeated packet"
        scene.dtls._state = State.CLOSED


async def test_authenticated_packets_are_reported_and_forged_ones_are_not() -> None:
    async with never_started() as scene:
        reported: list[bytes | None] = []

        def set_up_srtp() -> None:
            scene.dtls._rx_srtp = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))

        seam.override(scene.dtls, "_setup_srtp", set_up_srtp)
        seam.watch_authenticated(scene.dtls, reported.append)
        scene.dtls._setup_srtp()
        host = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        rtcp = bytes(RtcpByePacket(sources=[7]))
        rtp = bytes.fromhex("8060000100000000000000074178")
        assert scene.dtls._rx_srtp.unprotect(host.protect(rtp)) == rtp
        assert scene.dtls._rx_srtp.unprotect_rtcp(host.protect_rtcp(rtcp)) == rtcp
        assert reported == [None, rtcp]
        genuine = host.protect(rtp[:2] + b"\0\2" + rtp[4:])
        forged = genuine[:-1] + bytes((genuine[-1] ^ 1,))
        with pytest.raises(SrtpError, match="authentication"):
            scene.dtls._rx_srtp.unprotect(forged)
        assert len(reported) == 2


async def test_a_registered_receiver_and_sender_get_the_rtcp_of_their_streams() -> None:
    class Receiver(seam.RegisteredReceiver):
        def __init__(self) -> None:
            self.packets: list[AnyRtcpPacket] = []

        def on_rtcp(self, packet: AnyRtcpPacket) -> None:
            self.packets.append(packet)

    class Sender(seam.RegisteredSender):
        packets: list[AnyRtcpPacket] = []  # noqa: RUF012

        async def on_rtcp(self, packet: AnyRtcpPacket) -> None:
            self.packets.append(packet)

    async with never_started() as scene:
        receiver, sender = Receiver(), Sender(scene.transceiver.sender)
        assert sender.ssrc == seam.ssrc_of(scene.transceiver.sender)
        assert sender.rtx_ssrc == scene.transceiver.sender._rtx_ssrc
        codec = RTCRtpCodecParameters("video/H264", 90_000, payloadType=96)
        receiving = RTCRtpReceiveParameters(
            codecs=[codec], encodings=[RTCRtpDecodingParameters(ssrc=7, payloadType=96)]
        )
        seam.register_receiver(scene.dtls, receiver, receiving)
        seam.register_sender(scene.dtls, sender, RTCRtpSendParameters(codecs=[codec]))
        bye = RtcpByePacket(sources=[7])
        block = RtcpReceiverInfo(sender.ssrc, 0, 0, 0, 0, 0, 0)
        report = RtcpRrPacket(ssrc=7, reports=[block])
        await scene.dtls._handle_rtcp_data(bytes(bye) + bytes(report))
        assert receiver.packets == [bye]
        assert sender.packets == [report]

        class Packet:
            ssrc = 7
            payload_type = 96

        route = seam.rtp_route(scene.dtls)
        assert route(Packet()) is receiver
        seam.unregister_receiver(scene.dtls, receiver)
        seam.unregister_sender(scene.dtls, sender)
        await scene.dtls._handle_rtcp_data(bytes(bye) + bytes(report))
        assert (len(receiver.packets), len(sender.packets)) == (1, 1)
        assert route(Packet()) is None


async def test_nothing_is_sent_over_dtls_that_is_not_connected() -> None:
    async with never_started() as scene:
        with pytest.raises(ConnectionError):
            await seam.rtp_sender(scene.dtls)(bytes(RtcpByePacket(sources=[7])))
        await seam.close_notify(scene.dtls)


async def test_the_handlers_of_dtls_are_replaced() -> None:
    async with never_started() as scene:
        handled: list[tuple[str, bytes]] = []

        async def on_rtp(data: bytes, arrival_time_ms: int) -> None:
            handled.append(("rtp", data))

        async def on_rtcp(data: bytes) -> None:
            handled.append(("rtcp", data))

        seam.replace_rtp_handler(scene.dtls, on_rtp)
        original = seam.replace_rtcp_handler(scene.dtls, on_rtcp)
        await scene.dtls._handle_rtp_data(b"a", 0)
        await scene.dtls._handle_rtcp_data(b"b")
        await original(b"not RTCP: aiortc ignores it")
        assert handled == [("rtp", b"a"), ("rtcp", b"b")]


async def test_the_answerers_role_in_dtls_is_what_was_set() -> None:
    async with never_started() as scene:
        seam.set_dtls_role(scene.dtls, "client")
        assert scene.dtls._role == "client"


# --- ICE ------------------------------------------------------------------------------------------


async def test_only_the_given_socket_is_gathered() -> None:
    async with never_started() as scene:
        opened: list[int] = []

        async def open_socket(component: int) -> StunProtocol:
            opened.append(component)
            return scene.socket()

        seam.gather_from_one_socket(scene.connection, open_socket)
        assert list(seam.sockets_of(scene.connection)) == []
        await scene.connection.gather_candidates()
        assert opened == [1]
        (protocol,) = seam.sockets_of(scene.connection)
        assert scene.connection.local_candidates == [protocol.local_candidate]
        scene.connection._protocols.clear()  # it has no socket that could be closed


async def test_gathering_is_replaced_and_the_original_still_gathers() -> None:
    async with never_started() as scene:

        async def gather(component: int, addresses: list[str], timeout_s: int = 5) -> Any:
            return await original(component, ["127.0.0.1"], timeout_s)

        original = seam.replace_gathering(scene.connection, gather)
        await scene.connection.gather_candidates()
        assert [each.host for each in scene.connection.local_candidates] == ["127.0.0.1"]


async def test_the_checks_of_all_pairs_start_without_a_pause_between_them() -> None:
    async with never_started() as scene:

        class Pair:
            def __init__(self, state: ice.CandidatePair.State) -> None:
                self.state = state

        states = ice.CandidatePair.State
        pairs = [Pair(s) for s in (states.WAITING, states.SUCCEEDED, states.FROZEN)]
        started: list[object] = []
        scene.connection._check_list = cast(Any, pairs)
        seam.override(scene.connection, "check_start_task", started.append)
        seam.start_all_checks(scene.connection)
        assert not scene.connection._check_periodic(), "aioice goes on at once"
        assert started == [pairs[0], pairs[2]]
        scene.connection._check_list = []


async def test_a_passive_connection_handles_early_checks_and_waits_for_a_nomination() -> None:
    async with never_started() as scene:
        handled: list[str] = []
        protocol = scene.socket()
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        seam.replace_check_handler(
            scene.connection, lambda request, address, socket: handled.append(address[0])
        )
        scene.connection._early_checks.append((message, ADDRESS, protocol))
        seam.connect_passively(scene.connection)
        connecting = asyncio.ensure_future(scene.connection.connect())
        await asyncio.sleep(0.05)
        assert handled == ["127.0.0.1"]
        assert scene.connection._early_checks_done
        assert not connecting.done()
        scene.connection._check_list_state.put_nowait(ice.ICE_COMPLETED)
        await connecting
        assert scene.connection._query_consent_task is None

        again = asyncio.ensure_future(scene.connection.connect())
        scene.connection._check_list_state.put_nowait(ice.ICE_FAILED)
        with pytest.raises(ConnectionError):
            await again


async def test_the_nominated_pair_and_the_close_can_be_read() -> None:
    async with never_started() as scene:
        assert seam.nominated_pair(scene.connection) is None
        remote = Candidate("2", 1, "udp", 1, *ADDRESS, "host")
        pair = ice.CandidatePair(scene.socket(), remote)
        scene.connection._nominated[1] = pair
        assert seam.nominated_pair(scene.connection) is pair
        assert not seam.is_closing(scene.connection)
        await scene.connection.close()
        assert seam.is_closing(scene.connection)
        assert seam.nominated_pair(scene.connection) is None


async def test_the_consent_task_is_ours_and_can_be_cancelled() -> None:
    async with never_started() as scene:
        seam.cancel_consent(scene.connection)  # there is none yet
        ended = asyncio.Event()

        async def consent() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        seam.replace_consent(scene.connection, consent)
        task = asyncio.ensure_future(scene.connection.query_consent())
        scene.connection._query_consent_task = cast(Any, task)
        await asyncio.sleep(0)
        seam.cancel_consent(scene.connection)
        await asyncio.wait_for(ended.wait(), 30)
        scene.connection._query_consent_task = None


async def test_our_handlers_get_what_a_socket_sends_and_its_errors() -> None:
    async with never_started() as scene:
        seen: list[object] = []

        async def send_data(data: bytes, address: seam.Address) -> None:
            seen.append(data)

        protocol = scene.socket()
        seam.replace_send_data(protocol, send_data)
        seam.replace_send_stun(protocol, lambda message, address: seen.append(address))
        seam.replace_error_handler(protocol, seen.append)
        await protocol.send_data(b"x", ADDRESS)
        protocol.send_stun(stun.Message(stun.Method.BINDING, stun.Class.REQUEST), ADDRESS)
        error = OSError()
        protocol.error_received(error)
        assert seen == [b"x", ADDRESS, error]


# --- SCTP and the connection ----------------------------------------------------------------------


async def test_our_handler_gets_sctp_packets_and_unacknowledged_bytes_can_be_read() -> None:
    async with never_started() as scene:
        packets: list[bytes] = []
        sctp = scene.pc.sctp
        assert sctp is not None

        async def on_sctp(data: bytes) -> None:
            packets.append(data)

        seam.replace_sctp_handler(sctp, on_sctp)
        await sctp._handle_data(b"x")
        assert packets == [b"x"]
        assert seam.unacknowledged_bytes(sctp) == 0
        sctp._flight_size = 12
        assert seam.unacknowledged_bytes(sctp) == 12


async def test_an_association_can_end_without_an_abort() -> None:
    async with never_started() as scene:
        sctp = scene.pc.sctp
        assert sctp is not None
        sent: list[object] = []

        async def send_chunk(chunk: object) -> None:
            sent.append(chunk)

        sctp._send_chunk = send_chunk  # type: ignore[method-assign]
        await sctp._abort()
        assert len(sent) == 1
        seam.close_without_sctp_abort(sctp)
        await sctp._abort()
        assert len(sent) == 1


async def test_connecting_receiving_and_sending_are_replaced() -> None:
    async with never_started() as scene:
        called: list[str] = []

        def step(name: str) -> Callable[..., Awaitable[None]]:
            async def call(*_: object) -> None:
                called.append(name)

            return call

        seam.replace_connect(scene.pc, step("connect"))
        seam.replace_receiving(
            scene.transceiver.receiver, receive=step("receive"), stop=step("stop receiving")
        )
        seam.replace_sending(scene.transceiver.sender, send=step("send"), stop=step("stop sending"))
        await cast(Any, scene.pc)._RTCPeerConnection__connect()
        await scene.transceiver.receiver.receive(RTCRtpReceiveParameters())
        await scene.transceiver.sender.send(RTCRtpSendParameters())
        assert called == ["connect", "receive", "send"]
        await scene.pc.close()
        assert set(called[3:]) == {"stop receiving", "stop sending"}


async def test_the_codecs_of_an_answer_are_those_that_were_set() -> None:
    async with never_started() as scene:
        codec = RTCRtpCodecParameters("video/H264", 90_000, payloadType=96)
        seam.set_codecs(scene.transceiver, [codec])
        assert seam.codecs_of(scene.transceiver) == [codec]
