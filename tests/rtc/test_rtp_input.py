from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter, State
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rejoin.media.receive.rtp import RtpPacket
from rejoin.rtc.rtp_input import RtpInput

KEY = bytes(range(30))
VIDEO, AUDIO = 96, 111


class Receiver:
    def __init__(self) -> None:
        self.taken: list[tuple[RtpPacket, float]] = []

    def take(self, packet: RtpPacket, now: float) -> None:
        if packet.payload == b"bad":
            raise RuntimeError
        self.taken.append((packet, now))


class Scene:
    """A DTLS transport with real keys and aiortc's router, and the host's end of the keys."""

    def __init__(self) -> None:
        self.video, self.audio = Receiver(), Receiver()
        router = RtpRouter()
        router.register_receiver(cast(Any, self.video), ssrcs=[7], payload_types=[VIDEO])
        router.register_receiver(cast(Any, self.audio), ssrcs=[], payload_types=[AUDIO])
        keys = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))
        self.dtls = SimpleNamespace(_rx_srtp=keys, _rtp_router=router, _state=State.CONNECTED)
        self.host = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        self.arrivals = 0
        self.input = RtpInput(cast(RTCDtlsTransport, self.dtls), arrived=self.arrived)

    def arrived(self) -> float:
        self.arrivals += 1
        return 50.0 + self.arrivals

    def sent(self, kind: int = VIDEO, number: int = 1, payload: bytes = b"\x41x") -> bytes:
        ssrc = 7 if kind == VIDEO else 8
        head = bytes((0x80, kind)) + number.to_bytes(2) + bytes(4) + ssrc.to_bytes(4)
        return self.host.protect(head + payload)


def test_a_packet_goes_to_the_receiver_of_its_stream_with_the_time_it_came() -> None:
    scene = Scene()
    assert scene.input.take(scene.sent())
    assert scene.input.take(scene.sent(AUDIO, payload=b"sound"))
    assert scene.video.taken == [(RtpPacket(VIDEO, 0, 1, 0, 7, b"\x41x"), 51.0)]
    assert scene.audio.taken == [(RtpPacket(AUDIO, 0, 1, 0, 8, b"sound"), 52.0)]


def test_what_is_no_media_and_what_comes_before_the_keys_is_left_to_the_libraries() -> None:
    scene = Scene()
    rtcp = scene.host.protect_rtcp(bytes.fromhex("80c90001 00000007".replace(" ", "")))
    others = (b"", b"\x80", bytes((22,)) + bytes(40), bytes((0, 1)) + bytes(40), rtcp)
    assert [scene.input.take(each) for each in others] == [False] * len(others)
    keys, scene.dtls._rx_srtp = scene.dtls._rx_srtp, None
    early = scene.sent()
    assert not scene.input.take(early)
    scene.dtls._rx_srtp = keys
    assert scene.input.take(early)
    assert len(scene.video.taken) == 1
    assert (scene.arrivals, scene.input.packets_failed) == (1, 0)


def test_when_the_host_has_hung_up_media_is_no_sign_of_life_any_more() -> None:
    scene = Scene()
    scene.dtls._state = State.CLOSED
    assert not scene.input.take(scene.sent())
    assert (scene.arrivals, scene.video.taken) == (0, [])


def test_a_forged_or_repeated_packet_is_no_sign_of_life() -> None:
    scene = Scene()
    sent = scene.sent()
    forged = sent[:-1] + bytes((sent[-1] ^ 1,))
    assert scene.input.take(forged)
    assert scene.input.take(sent)
    assert scene.input.take(sent)
    assert scene.input.take(b"\x80\x60" + bytes(2000))
    assert (scene.arrivals, scene.input.packets_failed) == (1, 3)
    assert len(scene.video.taken) == 1


@pytest.mark.parametrize("data", [b"", b"\x80\x60", b"\xb0" + bytes(11)])
def test_what_is_authentic_and_no_packet_is_counted_and_ends_nothing(data: bytes) -> None:
    scene = Scene()
    scene.input.opened(data)
    scene.input.take(scene.sent())
    assert (scene.arrivals, scene.input.packets_failed) == (2, 1)
    assert len(scene.video.taken) == 1


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=1600)), max_size=20))
def test_whatever_comes_from_a_host_or_a_stranger_the_next_packet_is_taken(
    packets: list[tuple[bool, bytes]],
) -> None:
    scene = Scene()
    for authentic, data in packets:
        if authentic:
            scene.input.opened(data)
        else:
            scene.input.take(data)
    scene.video.taken.clear()
    assert scene.input.take(scene.sent())
    assert [packet.payload for packet, _ in scene.video.taken] == [b"\x41x"]


def test_a_stream_of_nobody_and_a_receiver_that_fails_end_nothing() -> None:
    scene = Scene()
    scene.input.take(scene.sent(kind=98))
    assert scene.input.packets_failed == 0
    scene.input.take(scene.sent(payload=b"bad"))
    scene.input.take(scene.sent(number=2))
    assert scene.input.packets_failed == 1
    assert [packet.sequence_number for packet, _ in scene.video.taken] == [2]
