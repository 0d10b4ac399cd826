from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter, State
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rejoin.media.receive.rtp import RtpPacket
from rejoin.rtc.aiortc_seam import deliver_media_directly
from rejoin.rtc.arrival_time import Lateness
from rejoin.rtc.congestion_feedback import CongestionFeedback
from rejoin.rtc.rtp_input import MAX_WAITING, RtpInput

KEY = bytes(range(30))
VIDEO, AUDIO = 96, 111


class Receiver:
    def __init__(self) -> None:
        self.packets: list[tuple[RtpPacket, float]] = []

    def on_packet(self, packet: RtpPacket, now: float) -> None:
        if packet.payload == b"bad":
            raise RuntimeError
        self.packets.append((packet, now))


class Feedback:
    """Transport-wide feedback that remembers what it got."""

    running = True

    def __init__(self) -> None:
        self.arrivals: list[tuple[int, int, float]] = []

    def on_packet(self, packet: RtpPacket, size_bytes: int, now: float) -> None:
        self.arrivals.append((packet.sequence_number, size_bytes, now))


class Scene:
    """A DTLS transport with real keys and aiortc's router, and the host's end of the keys."""

    def __init__(self) -> None:
        self.video, self.audio = Receiver(), Receiver()
        router = RtpRouter()
        router.register_receiver(cast(Any, self.video), ssrcs=[7], payload_types=[VIDEO])
        router.register_receiver(cast(Any, self.audio), ssrcs=[], payload_types=[AUDIO])
        keys = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))
        connection = SimpleNamespace(_queue=asyncio.Queue())
        self.dtls = SimpleNamespace(
            _rx_srtp=keys,
            _rtp_router=router,
            _state=State.CONNECTED,
            transport=SimpleNamespace(_connection=connection),
        )
        self.host = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        self.arrivals = 0
        self.left_to_library: list[bytes] = []
        self.undecrypted = 0
        dtls = cast(RTCDtlsTransport, self.dtls)
        self.feedback = Feedback()
        self.input = RtpInput(
            dtls, on_arrival=self.arrived, feedback=cast(CongestionFeedback, self.feedback)
        )
        self.socket = cast(Any, SimpleNamespace())
        self.socket.datagram_received = lambda data, _address: self.left_to_library.append(data)
        deliver_media_directly(
            dtls,
            self.socket,
            on_rtp=self.input.on_rtp,
            on_failure=self.on_failure,
            on_waiting=lambda datagram: self.input.on_waiting(datagram, 40.0),
        )

    def arrived(self) -> float:
        self.arrivals += 1
        return 50.0 + self.arrivals

    def on_failure(self) -> None:
        self.undecrypted += 1

    @property
    def packets_failed(self) -> int:
        return self.undecrypted + self.input.packets_failed

    def receive(self, datagram: bytes) -> bool:
        """Whether it was handled as media, and not left to the libraries."""
        before = len(self.left_to_library)
        self.socket.datagram_received(datagram, ("127.0.0.1", 5000))
        return len(self.left_to_library) == before

    def sent(self, kind: int = VIDEO, number: int = 1, payload: bytes = b"\x41x") -> bytes:
        ssrc = 7 if kind == VIDEO else 8
        head = bytes((0x80, kind)) + number.to_bytes(2) + bytes(4) + ssrc.to_bytes(4)
        return self.host.protect(head + payload)


def test_a_packet_goes_to_the_receiver_of_its_stream_with_its_arrival_time() -> None:
    scene = Scene()
    assert scene.receive(scene.sent())
    assert scene.receive(scene.sent(AUDIO, payload=b"sound"))
    assert scene.video.packets == [(RtpPacket(VIDEO, 0, 1, 0, 7, b"\x41x"), 51.0)]
    assert scene.audio.packets == [(RtpPacket(AUDIO, 0, 1, 0, 8, b"sound"), 52.0)]


def test_what_is_not_media_and_what_arrives_before_the_keys_is_left_to_the_libraries() -> None:
    scene = Scene()
    rtcp = scene.host.protect_rtcp(bytes.fromhex("80c90001 00000007".replace(" ", "")))
    others = (b"\x80", bytes((22,)) + bytes(40), bytes((0, 1)) + bytes(40), rtcp)
    assert [scene.receive(each) for each in others] == [False] * len(others)
    keys, scene.dtls._rx_srtp = scene.dtls._rx_srtp, None
    early = scene.sent()
    assert not scene.receive(early)
    scene.dtls._rx_srtp = keys
    assert scene.receive(early)
    assert len(scene.video.packets) == 1
    assert (scene.arrivals, scene.packets_failed) == (1, 0)


def test_an_empty_datagram_is_dropped_and_counted() -> None:
    scene = Scene()
    scene.receive(b"")
    assert (scene.left_to_library, scene.arrivals, scene.packets_failed) == ([], 0, 1)


def test_when_the_host_has_closed_dtls_media_is_no_sign_of_life_any_more() -> None:
    scene = Scene()
    scene.dtls._state = State.CLOSED
    assert not scene.receive(scene.sent())
    assert (scene.arrivals, scene.video.packets) == (0, [])


def test_a_forged_or_repeated_packet_is_no_sign_of_life() -> None:
    scene = Scene()
    sent = scene.sent()
    forged = sent[:-1] + bytes((sent[-1] ^ 1,))
    assert scene.receive(forged)
    assert scene.receive(sent)
    assert scene.receive(sent)
    assert scene.receive(b"\x80\x60" + bytes(2000))
    assert (scene.arrivals, scene.packets_failed) == (1, 3)
    assert len(scene.video.packets) == 1


@pytest.mark.parametrize("data", [b"", b"\x80\x60", b"\xb0" + bytes(11)])
def test_authentic_data_that_is_not_a_packet_is_counted_and_dropped(data: bytes) -> None:
    scene = Scene()
    scene.input.on_rtp(data)
    scene.receive(scene.sent())
    assert (scene.arrivals, scene.packets_failed) == (2, 1)
    assert len(scene.video.packets) == 1


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=1600)), max_size=20))
def test_after_anything_from_a_host_or_a_stranger_the_next_packet_is_delivered(
    packets: list[tuple[bool, bytes]],
) -> None:
    scene = Scene()
    for authentic, data in packets:
        if authentic:
            scene.input.on_rtp(data)
        else:
            scene.receive(data)
    scene.video.packets.clear()
    assert scene.receive(scene.sent())
    assert [packet.payload for packet, _ in scene.video.packets] == [b"\x41x"]


def test_an_unknown_stream_and_a_receiver_that_fails_do_not_end_the_connection() -> None:
    scene = Scene()
    scene.receive(scene.sent(kind=98))
    assert scene.packets_failed == 0
    assert scene.input.packets_unrouted == 1
    scene.receive(scene.sent(payload=b"bad"))
    scene.receive(scene.sent(number=2))
    assert scene.packets_failed == 1
    assert [packet.sequence_number for packet, _ in scene.video.packets] == [2]


# --- arrivals for congestion control --------------------------------------------------------------


def test_padding_and_unknown_streams_are_arrivals_too() -> None:
    scene = Scene()
    padding = (
        bytes((0xA0, VIDEO)) + (2).to_bytes(2) + bytes(4) + (7).to_bytes(4) + bytes(4) + b"\x05"
    )
    unknown = bytes((0x80, 50)) + (3).to_bytes(2) + bytes(4) + (123).to_bytes(4) + b"x"
    for plain in (padding, unknown):
        assert scene.receive(scene.host.protect(plain))
    assert scene.receive(scene.sent(number=4, payload=b"bad"))
    assert scene.feedback.arrivals == [(2, 17, 51.0), (3, 13, 52.0), (4, 15, 53.0)]
    assert scene.packets_failed == 1


def test_a_packet_that_waited_for_the_keys_arrived_when_it_came() -> None:
    scene = Scene()
    keys, scene.dtls._rx_srtp = scene.dtls._rx_srtp, None
    early = scene.sent(number=1)
    assert not scene.receive(early)
    scene.dtls._rx_srtp = keys
    scene.input.on_queued(keys.unprotect(early))
    scene.receive(scene.sent(number=2))
    assert [at for _, _, at in scene.feedback.arrivals] == [40.0, 52.0]
    assert [at for _, at in scene.video.packets] == [51.0, 52.0], "a sign of life now"


def test_what_waits_is_bounded_and_rtp_alone() -> None:
    scene = Scene()
    scene.dtls._rx_srtp = None
    for number in range(2 * MAX_WAITING):
        scene.receive(scene.sent(number=number))
    scene.receive(scene.host.protect_rtcp(bytes.fromhex("80c9000100000007")))
    scene.receive(bytes((22,)) + bytes(40))
    assert len(scene.input._waiting) == MAX_WAITING


def test_the_time_in_the_socket_is_subtracted_from_the_arrival() -> None:
    class Late(Lateness):
        def seconds(self, now: float) -> float:
            return 0.25

    scene = Scene()
    scene.input.on_rtp(bytes((0x80, VIDEO, 0, 9)) + bytes(4) + (7).to_bytes(4) + b"x", Late(None))
    assert scene.feedback.arrivals == [(9, 13, 50.75)]
    assert scene.video.packets[0][1] == 51.0
