from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpReceiveParameters,
)
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from helpers.h264_packets import rtx_of, stream
from helpers.h264_streams import as_fragments, units_of, without, x264
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.audio_reorder import OrderedAudio
from rejoin.media.receive.inbound_video import REMB_JUDGED_EVERY_S
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.receive.rtp import ABS_SEND_TIME, RtpPacket
from rejoin.media.receive.sources import ReceivedSources
from rejoin.rtc.codecs import offer_every_profile, offered_video_types
from rejoin.rtc.receiver import AudioReceiver, VideoReceiver, copied, negotiated_of

MEDIA, RTX, OTHER, OURS = 10, 11, 12, 99
pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class FakeDtls:
    """A fake DTLS transport: records what is sent and which receivers are registered."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.receivers: list[Any] = []
        self.broken = False
        self.failing = False

    async def _send_rtp(self, data: bytes) -> None:
        if self.failing:
            raise RuntimeError
        if self.broken:
            raise ConnectionError
        self.sent += RtcpPacket.parse(data)

    def _register_rtp_receiver(self, receiver: Any, parameters: Any) -> None:
        self.receivers.append(receiver)

    def _unregister_rtp_receiver(self, receiver: Any) -> None:
        self.receivers.remove(receiver)

    def kinds(self) -> list[tuple[type, int]]:
        return [(type(each), getattr(each, "fmt", 0)) for each in self.sent]


class Frames(list[EncodedFrame]):
    def submit(self, frame: EncodedFrame) -> None:
        self.append(frame)


class ManualClock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


class Scene:
    def __init__(self) -> None:
        self.dtls, self.frames, self.clock = FakeDtls(), Frames(), ManualClock()
        self.ended = 0
        self.played: list[bytes] = []
        dtls, sources = cast(RTCDtlsTransport, self.dtls), ReceivedSources(self.end)
        self.video = VideoReceiver(
            dtls,
            OURS,
            sink=self.frames,
            rtt_s=lambda: 0.020,
            clock=self.clock,
            name="test-video",
            sources=sources,
        )
        self.audio = AudioReceiver(
            dtls,
            OURS,
            play=self.play,
            clock=self.clock,
            name="test-audio",
            sources=sources,
        )

    def end(self) -> None:
        self.ended += 1

    def play(self, packet: OrderedAudio) -> None:
        if packet.payload == b"bad":
            raise ValueError
        self.played.append(packet.payload)


@asynccontextmanager
async def receivers() -> AsyncIterator[Scene]:
    scene = Scene()
    try:
        yield scene
    finally:
        await scene.video.stop()
        await scene.audio.stop()


async def soon(true: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if true():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never happened")


def parameters(*feedback: str, ssrcs: int = 2) -> RTCRtpReceiveParameters:
    """As aiortc makes them, without the RTX stream, as for an answer with three streams."""
    kinds = [RTCRtcpFeedback(*each.split(" ")) for each in feedback]
    return RTCRtpReceiveParameters(
        codecs=[
            RTCRtpCodecParameters("video/H264", 90_000, payloadType=96, rtcpFeedback=kinds),
            RTCRtpCodecParameters("video/rtx", 90_000, payloadType=97, parameters={"apt": 96}),
        ],
        encodings=[RTCRtpDecodingParameters(ssrc=MEDIA, payloadType=96)] if ssrcs else [],
    )


def packets(count: int) -> list[RtpPacket]:
    return [
        RtpPacket(96, int(marker), sequence, timestamp, MEDIA, payload)
        for sequence, timestamp, marker, payload in stream(count)
    ]


async def test_media_in_an_offered_type_that_the_answer_leaves_out_is_received() -> None:
    offer_every_profile()
    async with receivers() as scene:
        await scene.video.receive(parameters("nack pli"))
        left_out = next(
            codec
            for codec in offered_video_types()
            if codec.parameters.get("profile-level-id") == "4d001f"
        )
        types = scene.video.inbound.negotiated.payload_types
        assert len(types) == 9, "the answer's, and eight of the offer"
        assert left_out.payloadType in types
        for packet in packets(3):
            scene.video.on_packet(replace(packet, payload_type=left_out.payloadType), 50.0)
        assert len(scene.frames) >= 2
        negotiated = scene.video.inbound.negotiated
        assert not negotiated.nack, "the answer did not take it"


def test_what_was_negotiated_is_read_from_the_parameters_of_aiortc() -> None:
    terms = negotiated_of(parameters("nack", "nack pli", "goog-remb"), {RTX: MEDIA})
    assert (terms.payload_types, dict(terms.rtx_payload_types)) == (frozenset({96}), {97: 96})
    assert (terms.nack, terms.remb, terms.rtx_ssrcs) == (True, True, {RTX: MEDIA})
    assert not terms.transport_cc
    assert negotiated_of(parameters("goog-remb", "transport-cc"), {}).transport_cc
    assert (terms.pli, terms.fir) == (True, False)
    other = negotiated_of(parameters("ccm fir"), {})
    assert (other.pli, other.fir) == (False, True)
    bare = negotiated_of(parameters("nack pli"), {})
    assert (bare.nack, bare.remb, bare.send_time_id) == (False, False, None)
    with_times = parameters()
    with_times.headerExtensions.append(RTCRtpHeaderExtensionParameters(id=3, uri=ABS_SEND_TIME))
    assert negotiated_of(with_times, {}).send_time_id == 3


async def test_parameter_sets_of_the_answer_reach_the_stream() -> None:
    pictures = x264(1)
    sets = tuple(pictures[0][:2])
    async with receivers() as scene:
        scene.video.expect_parameter_sets({96: sets})
        await scene.video.receive(parameters())
        payloads = as_fragments(without(pictures[0], 6, 7, 8))
        for at, payload in enumerate(payloads):
            marker = int(at == len(payloads) - 1)
            scene.video.on_packet(RtpPacket(96, marker, at, 0, MEDIA, payload), scene.clock())
        scene.clock.now += 1
        scene.video._on_tick()
        [frame] = scene.frames
        assert units_of(frame.data)[:2] == [*sets]


async def test_packets_become_frames_and_feedback_until_stop() -> None:
    async with receivers() as scene:
        scene.video.expect_retransmissions({RTX: MEDIA})
        await scene.video.receive(parameters("nack", "nack pli", "goog-remb"))
        await scene.video.receive(parameters())  # once is enough
        assert scene.dtls.receivers == [scene.video]
        await soon(lambda: bool(scene.dtls.sent))
        assert scene.dtls.kinds() == [(RtcpPsfbPacket, RTCP_PSFB_PLI)], (
            "the answer named the SSRC already"
        )
        sent = packets(3)
        for packet in sent[:5] + sent[6:]:
            scene.video.on_packet(packet, scene.clock())
        assert len(scene.frames) == 1
        await soon(lambda: len(scene.dtls.sent) == 3)
        nacks = [each for each in scene.dtls.sent if isinstance(each, RtcpRtpfbPacket)]
        assert [(each.media_ssrc, each.lost) for each in nacks] == [(MEDIA, [5])]
        (remb,) = [each for each in scene.dtls.sent if getattr(each, "fmt", 0) == RTCP_PSFB_APP]
        bitrate_bps, streams = unpack_remb_fci(remb.fci)
        assert bitrate_bps == pytest.approx(19_000_000, rel=1e-4)
        assert streams == [MEDIA]
        again = rtx_of(sent[5], 1, RTX)
        scene.video.on_packet(again, scene.clock())
        assert len(scene.frames) == 3
        await scene.video.stop()
        assert scene.dtls.receivers == []
        scene.video.on_packet(sent[0], scene.clock())
        assert scene.video.reception.packets_received == len(sent)


async def test_fir_names_the_media_sender_in_its_fci() -> None:
    """RFC 5104, 4.3.1: 0 as the SSRC of media; SSRC and command number in the FCI."""
    async with receivers() as scene:
        await scene.video.receive(parameters("ccm fir"))
        await soon(lambda: bool(scene.dtls.sent))
        (fir,) = scene.dtls.sent
        assert (fir.fmt, fir.ssrc, fir.media_ssrc) == (RTCP_PSFB_FIR, OURS, 0)
        assert fir.fci == MEDIA.to_bytes(4) + bytes((0, 0, 0, 0))
        assert bytes(fir)[1] == 206


@pytest.mark.parametrize(("limit", "asked"), [(8_000_000, 8_000_000), (90_000_000, 19_000_000)])
async def test_remb_asks_for_no_more_than_the_player_allows(limit: int, asked: int) -> None:
    async with receivers() as scene:
        scene.video.limit_bitrate(limit)
        await scene.video.receive(parameters("goog-remb"))
        for packet in packets(2):
            scene.video.on_packet(packet, scene.clock())
        await soon(lambda: (RtcpPsfbPacket, RTCP_PSFB_APP) in scene.dtls.kinds())
        (remb,) = [each for each in scene.dtls.sent if getattr(each, "fmt", 0) == RTCP_PSFB_APP]
        assert unpack_remb_fci(remb.fci)[0] == pytest.approx(asked, rel=1e-4)


async def test_while_the_host_numbers_its_packets_no_remb_is_sent() -> None:
    async with receivers() as scene:
        numbering = True
        scene.video.pause_remb_while(lambda: numbering)
        await scene.video.receive(parameters("goog-remb", "transport-cc"))
        for packet in packets(2):
            scene.video.on_packet(packet, scene.clock())
        await soon(lambda: (RtcpPsfbPacket, RTCP_PSFB_PLI) in scene.dtls.kinds())
        assert (RtcpPsfbPacket, RTCP_PSFB_APP) not in scene.dtls.kinds()
        numbering = False
        scene.clock.now += REMB_JUDGED_EVERY_S
        for packet in packets(2):
            scene.video.on_packet(packet, scene.clock())
        await soon(lambda: (RtcpPsfbPacket, RTCP_PSFB_APP) in scene.dtls.kinds())


async def test_a_missing_packet_is_given_up_while_no_packet_arrives() -> None:
    async with receivers() as scene:
        await scene.video.receive(parameters("nack"))
        for packet in packets(3)[:5] + packets(3)[6:]:
            scene.video.on_packet(packet, scene.clock())
        scene.clock.now += 0.2
        await soon(lambda: scene.video.inbound.frames_received == 2)
        assert scene.video.inbound.frames_broken == 1
        assert len(scene.frames) == 1, "the others are held back until a key frame"


async def test_a_connection_that_is_down_is_not_an_error_here() -> None:
    async with receivers() as scene:
        scene.dtls.broken = True
        await scene.video.receive(parameters("nack"))
        for packet in packets(1):
            scene.video.on_packet(packet, scene.clock())
        assert len(scene.frames) == 1
        scene.dtls.broken = False
        scene.clock.now += 1.0
        scene.video.request_key_frame()
        await soon(lambda: bool(scene.dtls.sent))


async def test_feedback_that_cannot_be_sent_does_not_stop_the_next() -> None:
    async with receivers() as scene:
        scene.dtls.failing = True
        await scene.video.receive(parameters("nack"))
        await soon(lambda: scene.video.feedback_failed == 1)
        scene.dtls.failing = False
        scene.clock.now += 1.0
        scene.video.request_key_frame()
        await soon(lambda: bool(scene.dtls.sent))


async def test_a_stream_that_lacks_nothing_has_no_timer() -> None:
    async with receivers() as scene:
        await scene.video.receive(parameters("nack"))
        assert scene.video._timer is not None, "a key frame is awaited"
        for packet in packets(2):
            scene.video.on_packet(packet, scene.clock())
        await soon(lambda: scene.video._timer is None)
        scene.video.on_packet(packets(4)[9], scene.clock())
        assert scene.video._timer is not None, "the packet before it is missing"
        await scene.video.stop()
        assert scene.video._timer.cancelled()


async def test_sound_continues_without_a_new_packet_when_one_was_lost() -> None:
    async with receivers() as scene:
        codec = RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)
        await scene.audio.receive(RTCRtpReceiveParameters(codecs=[codec]))
        for sequence in (1, 3):
            scene.audio.on_packet(RtpPacket(111, 0, sequence, 0, OTHER, b"%d" % sequence), 50.0)
        assert scene.played == [b"1"]
        scene.clock.now += 0.061
        await soon(lambda: scene.played == [b"1", b"3"])
        await soon(lambda: scene.audio._timer is None)


async def test_receiver_reports_are_sent_and_a_bye_is_reported() -> None:
    async with receivers() as scene:
        await scene.video.receive(parameters())
        for packet in packets(2):
            scene.video.on_packet(packet, scene.clock())
        await soon(lambda: any(isinstance(each, RtcpRrPacket) for each in scene.dtls.sent))
        report = next(each for each in scene.dtls.sent if isinstance(each, RtcpRrPacket))
        assert [(block.ssrc, block.packets_lost) for block in report.reports] == [(MEDIA, 0)]
        await scene.video._handle_rtcp_packet(RtcpByePacket(sources=[MEDIA]))
        assert scene.ended == 1


async def test_an_audio_packet_without_payload_takes_its_turn() -> None:
    """Padding, or DTX: nothing waits for it and nothing counts as lost."""
    played: list[OrderedAudio] = []
    async with receivers() as scene:
        scene.audio._play = played.append
        codec = RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)
        await scene.audio.receive(RTCRtpReceiveParameters(codecs=[codec]))
        for sequence, payload in enumerate((b"a", b"", b"c", b"", b"", b"f")):
            packet = RtpPacket(111, 0, sequence, 960 * sequence, OTHER, payload)
            scene.audio.on_packet(packet, scene.clock())
            assert len(played) == sequence + 1
        assert not scene.audio._needs_tick
    assert [packet.lost_before for packet in played] == [0] * 6
    assert scene.audio.reception.packets_lost == 0


async def test_a_late_sound_packet_of_the_former_ssrc_is_not_played() -> None:
    async with receivers() as scene:
        codec = RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)
        await scene.audio.receive(RTCRtpReceiveParameters(codecs=[codec]))
        steps = ((1, 1), (1, 2), (2, 70), (2, 71), (1, 3), (2, 72))
        for number, (ssrc, sequence) in enumerate(steps):
            packet = RtpPacket(111, 0, sequence, 0, ssrc, b"%d-%d" % (ssrc, sequence))
            scene.audio.on_packet(packet, 50.0 + number * 0.02)
        assert scene.played == [b"1-1", b"1-2", b"2-71", b"2-72"]
        assert scene.audio.reception.packets_lost == 0


async def test_audio_is_played_in_order_and_a_failing_player_is_counted() -> None:
    async with receivers() as scene:
        codec = RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)
        await scene.audio.receive(RTCRtpReceiveParameters(codecs=[codec]))
        numbers, payloads = (1, 3, 2, 4, 5, 6), (b"a", b"c", b"b", b"bad", b"", b"e")
        for sequence, payload in zip(numbers, payloads, strict=True):
            packet = RtpPacket(111, 0, sequence, sequence * 960, OTHER, payload)
            scene.audio.on_packet(packet, scene.clock())
        scene.audio.on_packet(RtpPacket(0, 0, 1, 0, OTHER, b"x"), scene.clock())
        assert scene.played[:3] == [b"a", b"b", b"c"]
        assert scene.audio.packets_failed == 1
        assert scene.audio.reception.packets_received == 6


async def test_only_when_all_sources_of_sound_and_picture_said_bye_nothing_is_left() -> None:
    async with receivers() as scene:
        scene.video.expect_retransmissions({RTX: MEDIA})
        await scene.video.receive(parameters("nack"))
        sound = RTCRtpCodecParameters("audio/opus", 48_000, payloadType=111)
        await scene.audio.receive(RTCRtpReceiveParameters(codecs=[sound]))
        audio = RtpPacket(111, 0, 1, 960, OTHER, b"x")
        video = packets(1)[0]
        scene.audio.on_packet(audio, scene.clock())
        scene.video.on_packet(video, scene.clock())
        scene.video.on_packet(rtx_of(video, 1, RTX), scene.clock())

        async def bye(*sources: int) -> None:
            # aiortc gives it to the receivers whose sources are in it
            if OTHER in sources:
                await scene.audio._handle_rtcp_packet(RtcpByePacket(list(sources)))
            if MEDIA in sources or RTX in sources:
                await scene.video._handle_rtcp_packet(RtcpByePacket(list(sources)))

        await bye(OTHER)
        await bye(RTX)
        assert scene.ended == 0
        scene.audio.on_packet(audio, scene.clock())
        await bye(MEDIA)
        assert scene.ended == 0, "the sound went on after its BYE"
        await bye(OTHER)
        assert scene.ended == 1
        scene.video.on_packet(packets(1)[1], scene.clock())
        scene.audio.on_packet(audio, scene.clock())
        await bye(MEDIA, OTHER, 12345)
        assert scene.ended == 2


async def test_a_muted_connection_asks_for_nothing_and_asks_as_soon_as_it_may() -> None:
    """What is not sent must not count as sent: the next request would wait for its turn."""
    async with receivers() as there:
        muted = True
        there.video.send_only_if(lambda: not muted)
        await there.video.receive(parameters("nack", "nack pli", "goog-remb"))
        first, *rest = packets(3)
        for packet in (first, *rest[2:]):
            there.video.on_packet(packet, there.clock.now)
        for _ in range(5):
            await asyncio.sleep(0)
        assert there.dtls.sent == []
        inbound = there.video.inbound
        assert (inbound.nacks_sent, inbound.key_frame_requests.plis_sent) == (0, 0)
        muted = False
        there.video.request_key_frame()
        await soon(lambda: (RtcpPsfbPacket, RTCP_PSFB_PLI) in there.dtls.kinds())


async def test_only_reports_of_the_video_itself_count_what_was_sent() -> None:
    async with receivers() as there:
        await there.video.receive(parameters())
        frame_at = there.clock.now
        there.video.on_packet(packets(1)[0], frame_at)
        for ssrc, counts in ((MEDIA, (1, 101)), (RTX, (0, 0))):
            for later_s, count in enumerate(counts, 1):
                there.clock.now = frame_at + later_s
                info = RtcpSenderInfo(0, 0, count, 0)
                await there.video._handle_rtcp_packet(RtcpSrPacket(ssrc, info))
        assert there.video.reception.missing_since(frame_at) == 1.0


def test_a_tester_sees_what_the_decoder_gets() -> None:
    frames = Frames()
    seen: list[tuple[ConnectionNumber, EncodedFrame]] = []
    number = ConnectionNumber(3)
    sink = copied(frames, number, lambda *seen_frame: seen.append(seen_frame))
    frame = EncodedFrame(b"data", 1, True, False)
    sink.submit(frame)
    assert frames == [frame]
    assert seen == [(number, frame)]
