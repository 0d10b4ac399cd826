"""The host's sender: packets that a stock depacketizer understands, resends, and the encoders."""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
import threading
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import av
import numpy as np
import pytest
from aiortc import RTCRtpSender
from aiortc.codecs.h264 import h264_depayload
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpSendParameters,
)
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
    pack_remb_fci,
    unwrap_rtx,
)
from hypothesis import given
from hypothesis import strategies as st

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.emulator.host.game import HEIGHT, WIDTH, Game, read_strip
from rejoin.emulator.host.sender import (
    AUDIO_SAMPLES,
    MIN_BITRATE_BPS,
    MTU_PAYLOAD,
    AudioEncoder,
    MediaPlayer,
    PacketHistory,
    RtpStream,
    VideoEncoder,
    VideoForm,
    h264_profile,
    music,
    packetize,
    split_annexb,
)
from rejoin.input_protocol.controls import Controls

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


class FakeTransport:
    """Where a DTLS transport would be: keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.senders: list[Any] = []
        self.broken = False

    async def _send_rtp(self, data: bytes) -> None:
        if self.broken:
            raise ConnectionError
        self.sent.append(data)

    def _register_rtp_sender(self, sender: Any, parameters: RTCRtpSendParameters) -> None:
        self.senders.append(sender)

    def _unregister_rtp_sender(self, sender: Any) -> None:
        self.senders.remove(sender)

    @property
    def rtcp(self) -> list[bytes]:
        return [data for data in self.sent if is_rtcp(data)]

    @property
    def rtp(self) -> list[bytes]:
        return [data for data in self.sent if not is_rtcp(data)]


class ManualClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_stream(clock: ManualClock) -> tuple[RtpStream, FakeTransport]:
    transport = FakeTransport()
    stock = SimpleNamespace(_ssrc=1111, _rtx_ssrc=2222, transport=transport)
    stream = RtpStream(cast(RTCRtpSender, stock), clock_hz=90_000, epoch=1000.0, clock=clock)
    return stream, transport


def parameters(*, rtx: bool = False, send_time: bool = False) -> RTCRtpSendParameters:
    codecs = [RTCRtpCodecParameters("video/H264", 90_000, payloadType=102)]
    if rtx:
        codecs.append(
            RTCRtpCodecParameters("video/rtx", 90_000, payloadType=103, parameters={"apt": 102})
        )
    extensions = [RTCRtpHeaderExtensionParameters(id=3, uri=ABS_SEND_TIME)] if send_time else []
    return RTCRtpSendParameters(
        codecs=codecs,
        headerExtensions=extensions,
        rtcp=RTCRtcpParameters(cname="name"),
    )


def extensions() -> HeaderExtensionsMap:
    """How `parameters` number them."""
    found = HeaderExtensionsMap()
    found.configure(parameters(send_time=True))
    return found


def a_nack(lost: list[int]) -> RtcpRtpfbPacket:
    return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=9, media_ssrc=1111, lost=lost)


# --- packets ----------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(1, 23), st.integers(2, 5000)), min_size=1, max_size=6),
    st.integers(50, 1400),
)
def test_a_stock_depacketizer_gets_the_same_units(
    shapes: list[tuple[int, int]], limit: int
) -> None:
    # no zero bytes: what a unit may hold is the encoder's business, not the packetizer's
    units = [
        bytes([0x60 | kind]) + random.Random(size).randbytes(size).replace(b"\0", b"\1")
        for kind, size in shapes
    ]
    payloads = packetize(units, limit)
    assert all(len(payload) <= limit for payload in payloads)
    assert split_annexb(b"".join(h264_depayload(payload) for payload in payloads)) == units


def test_start_codes_of_both_lengths_are_found() -> None:
    assert split_annexb(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65d\0") == [
        b"\x67ab",
        b"\x68c",
        b"\x65d",
    ]
    assert split_annexb(b"") == []


def test_frames_become_numbered_packets_with_one_marker() -> None:
    async def test() -> None:
        clock = ManualClock()
        stream, transport = a_stream(clock)
        await stream.send([b"early"], 0)
        assert transport.sent == []  # nothing before it is started
        await stream.start(parameters(send_time=True))
        await stream.send([b"a" * 10, b"b" * 20, b"c" * 30], 3000)
        await stream.send([b"d"], 4500)
        extensions = HeaderExtensionsMap()
        extensions.configure(parameters(send_time=True))
        packets = [RtpPacket.parse(data, extensions) for data in transport.rtp]
        assert [packet.marker for packet in packets] == [0, 0, 1, 1]
        first = packets[0].sequence_number
        assert first < 32768
        assert [(packet.sequence_number - first) & 0xFFFF for packet in packets] == [0, 1, 2, 3]
        assert packets[0].timestamp == packets[2].timestamp
        assert (packets[3].timestamp - packets[2].timestamp) & 0xFFFFFFFF == 1500
        assert {packet.ssrc for packet in packets} == {1111}
        assert [packet.payload for packet in packets][:2] == [b"a" * 10, b"b" * 20]
        assert packets[0].extensions.abs_send_time == int(1000.0 * (1 << 18)) & 0xFFFFFF
        await stream.stop()
        assert isinstance(RtcpPacket.parse(transport.sent[-1])[0], RtcpByePacket)
        assert transport.senders == []
        count = len(transport.sent)
        await stream.send([b"late"], 6000)
        await stream.stop()
        assert len(transport.sent) == count

    asyncio.run(test())


@pytest.mark.parametrize("rtx", [False, True])
def test_lost_packets_are_sent_again(rtx: bool) -> None:
    async def test() -> None:
        clock = ManualClock()
        stream, transport = a_stream(clock)
        await stream.start(parameters(rtx=rtx, send_time=rtx))
        await stream.send([b"zero", b"one", b"two"], 3000)
        sent = [RtpPacket.parse(data) for data in transport.rtp]
        clock.now += 0.050
        lost = [sent[0].sequence_number, sent[2].sequence_number, (sent[0].sequence_number - 9)]
        await stream._handle_rtcp_packet(a_nack(lost))
        again = [RtpPacket.parse(data, extensions()) for data in transport.rtp[3:]]
        assert len(again) == 2
        if rtx:
            assert {packet.ssrc for packet in again} == {2222}
            assert {packet.payload_type for packet in again} == {103}
            assert again[1].sequence_number == (again[0].sequence_number + 1) & 0xFFFF
            stamps = [each.extensions.abs_send_time for each in again]
            assert stamps == [int(clock.now * (1 << 18)) & 0xFFFFFF] * 2, "sent now, not then"
            again = [unwrap_rtx(packet, payload_type=102, ssrc=1111) for packet in again]
        for packet, original in zip(again, (sent[0], sent[2]), strict=True):
            assert packet.payload == original.payload
            assert packet.sequence_number == original.sequence_number
            assert packet.timestamp == original.timestamp
            assert packet.marker == original.marker
        # asked for twice at once: sent once; asked for too late: not at all
        await stream._handle_rtcp_packet(a_nack(lost))
        clock.now += 1.5
        await stream._handle_rtcp_packet(a_nack(lost))
        assert len(transport.rtp) == 5
        assert stream.counters.resent == 2
        await stream.stop()

    asyncio.run(test())


def test_history_forgets_by_time_and_by_size() -> None:
    history = PacketHistory(keep_s=1.0, keep_bytes=1000)
    for sequence in range(65530, 65550):
        history.add(sequence & 0xFFFF, bytes(100), 0.0)
    assert len(history) == 10
    assert history.bytes == 1000
    assert history.find(65530, 0.1) is None
    assert history.find(13, 0.1) == bytes(100)
    history.add(14, bytes(5), 2.0)
    assert (len(history), history.bytes) == (1, 5)
    history.add(14, bytes(6), 2.0)
    assert (len(history), history.bytes) == (1, 6)


def test_reports_carry_one_clock_for_both_streams() -> None:
    async def test() -> None:
        clock = ManualClock()
        stream, transport = a_stream(clock)
        await stream.start(parameters())
        clock.now = 1002.0
        await stream.send([b"payload"], 180_000)
        timestamp = RtpPacket.parse(transport.rtp[0]).timestamp
        for _ in range(2000):
            if transport.rtcp:
                break
            await asyncio.sleep(0.005)
        report = RtcpPacket.parse(transport.rtcp[0])[0]
        assert isinstance(report, RtcpSrPacket)
        assert report.sender_info.rtp_timestamp == timestamp  # both mean 2 s after the epoch
        assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1, 7)
        clock.now = 1002.080
        lsr = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
        seen = RtcpReceiverInfo(1111, 64, 0, 0, 0, lsr, round(0.030 * 65536))
        await stream._handle_rtcp_packet(RtcpRrPacket(ssrc=9, reports=[seen]))
        assert stream.counters.rtt_s == pytest.approx(0.050, abs=0.001)
        assert stream.counters.loss == 0.25
        await stream.stop()

    asyncio.run(test())


def test_key_frames_and_bitrates_can_be_wished_for() -> None:
    async def test() -> None:
        stream, transport = a_stream(ManualClock())
        keys: list[None] = []
        rates: list[int] = []
        stream.on_key_frame_wanted = lambda: keys.append(None)
        stream.on_bitrate_wanted = rates.append
        await stream.start(parameters())
        for fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            await stream._handle_rtcp_packet(RtcpPsfbPacket(fmt=fmt, ssrc=9, media_ssrc=1111))
        for fci in (pack_remb_fci(2_000_000, [1111]), pack_remb_fci(5, [77]), b"REMB", b"other"):
            await stream._handle_rtcp_packet(
                RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=9, media_ssrc=0, fci=fci)
            )
        assert len(keys) == 2
        assert len(rates) == 1
        assert rates[0] == pytest.approx(2_000_000, rel=0.01)
        transport.broken = True
        await stream.send([b"x"], 0)
        assert not stream.open
        await stream.stop()
        assert not tasks.alive()
        assert transport.senders == []

    asyncio.run(test())


# --- encoders ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile_level_id", "profile", "named"),
    [
        ("42e01f", "baseline", "Constrained Baseline"),
        ("4d001f", "main", "Main"),
        ("640c1f", "high", "High"),
    ],
)
def test_the_stream_is_of_the_negotiated_profile(
    profile_level_id: str, profile: str, named: str
) -> None:
    assert h264_profile(profile_level_id) == profile
    encoder = VideoEncoder(width=641, height=360, fps=30, profile=profile, bitrate_bps=1_000_000)
    game = Game(0.0)
    kinds = []
    decoder = av.CodecContext.create("h264", "r")
    frames = []
    for step in range(6):
        game.advance(step / 30)
        units = encoder.encode(game.scene(), key=step in (0, 3), bitrate_bps=1_000_000)
        kinds.append([unit[0] & 0x1F for unit in units])
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        packet.pts, packet.time_base = step, Fraction(1, 30)
        frames += decoder.decode(packet)
    assert kinds == [[7, 8, 5], [1], [1], [7, 8, 5], [1], [1]]
    assert decoder.profile == named
    assert (frames[0].width, frames[0].height) == (640, 360)
    assert (int(frames[0].colorspace), int(frames[0].color_range)) == (1, 1)


@pytest.mark.parametrize("fill", [False, True])
def test_in_mode_0_every_unit_fits_in_a_packet_and_the_picture_decodes(fill: bool) -> None:
    encoder = VideoEncoder(
        width=WIDTH,
        height=HEIGHT,
        fps=30,
        profile="high",
        bitrate_bps=20_000_000,
        fill=fill,
        mode=0,
    )
    game, decoder, shown = Game(0.0), av.CodecContext.create("h264", "r"), 0
    for step in range(6):
        game.advance(step / 30)
        units = encoder.encode(game.scene(), key=step == 0, bitrate_bps=20_000_000)
        assert packetize(units, mode=0) == units
        assert max(map(len, units)) <= MTU_PAYLOAD
        slices = [unit for unit in units if unit[0] & 0x1F in (1, 5)]
        assert step > 0 or len(slices) > 10
        shown += len(decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))))
    assert shown == 6


def test_the_bitrate_follows_the_wish() -> None:
    encoder = VideoEncoder(
        width=WIDTH, height=HEIGHT, fps=60, profile="main", bitrate_bps=6_000_000
    )
    game = Game(0.0)

    def bits_per_s(frames: int, wish_bps: int) -> float:
        size = 0
        for _ in range(frames):
            game.advance((game.counter + 1.5) / 60)
            units = encoder.encode(game.scene(), key=False, bitrate_bps=wish_bps)
            size += sum(map(len, units))
        return size * 8 * 60 / frames

    bits_per_s(60, 6_000_000)
    high = bits_per_s(45, 6_000_000)
    bits_per_s(60, 1_000_000)
    low = bits_per_s(45, 1_000_000)
    assert low < 1_800_000
    assert high > 2 * low


@pytest.mark.parametrize("bitrate_bps", [2_000_000, 30_000_000])
def test_a_constant_bitrate_is_filled_and_still_decodes(bitrate_bps: int) -> None:
    """From 2 to 30 Mbit/s in full HD: the bytes are there, and a decoder does not mind them."""
    encoder = VideoEncoder(
        width=1920, height=1080, fps=30, profile="high", bitrate_bps=bitrate_bps, fill=True
    )
    decoder = av.CodecContext.create("h264", "r")
    game = Game(0.0)
    sizes, counters, last = [], [], -1
    for step in range(30):
        game.hold(Controls(frozenset({0x4F})), (step + 0.5) / 30)
        scene = game.scene()
        units = encoder.encode(scene, key=step in (0, 20), bitrate_bps=bitrate_bps)
        assert [unit[0] & 0x1F for unit in units].count(12) <= 1
        assert (units[-1][0] & 0x1F == 12) or all(unit[0] & 0x1F != 12 for unit in units)
        sizes.append(sum(map(len, units)))
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        packet.pts, packet.time_base = step, Fraction(1, 30)
        for frame in decoder.decode(packet):
            assert (frame.width, frame.height) == (1920, 1080)
            reading = read_strip(frame.to_ndarray(format="gray"))
            assert reading is not None
            assert reading.counter > last
            last = reading.counter
            counters.append(last)
    assert len(counters) >= 28
    rate_bps = sum(sizes[1:]) * 8 / (29 / 30)
    assert rate_bps == pytest.approx(bitrate_bps, rel=0.25)
    # a key frame is a real one: larger than a share, or than what the codec needs for the rest
    plain = VideoEncoder(width=1920, height=1080, fps=30, profile="high", bitrate_bps=bitrate_bps)
    other = Game(0.0)
    small = []
    for step in range(22):
        other.advance((step + 0.5) / 30)
        units = plain.encode(other.scene(), key=step in (0, 20), bitrate_bps=bitrate_bps)
        small.append(sum(map(len, units)))
    assert small[20] > 2 * max(small[15:20])
    assert small[20] > bitrate_bps / 8 / 30


def test_remb_is_obeyed_within_bounds() -> None:
    asyncio.run(obey_remb())


async def obey_remb() -> None:
    stream, _ = a_stream(ManualClock())
    player = MediaPlayer(Game(0.0), VideoForm(WIDTH, HEIGHT, 60, 8_000_000, "main"), stream, None)
    for wish_bps, rate_bps in (
        (2_000_000, 2_000_000),
        (50_000_000, 8_000_000),
        (10, MIN_BITRATE_BPS),
    ):
        stream.on_bitrate_wanted(wish_bps)
        assert player.bitrate_bps == rate_bps
    await player.close()


def test_audio_is_a_quiet_loop_in_opus() -> None:
    loop = music()
    assert loop.shape[1] == 2
    assert len(loop) % AUDIO_SAMPLES == 0
    assert 500 < np.abs(loop).max() < 4000
    encoder = AudioEncoder()
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    samples = []
    for number in range(60):
        for data in encoder.encode(number * AUDIO_SAMPLES):
            assert len(data) < MTU_PAYLOAD
            for frame in decoder.decode(av.Packet(data)):
                samples.append(frame.to_ndarray())
    heard = np.concatenate(samples, axis=1)
    assert heard.size >= 2 * 58 * AUDIO_SAMPLES
    loudness = np.sqrt(np.mean(np.square(heard.astype(np.float64))))
    assert 20 < loudness < 4000


class Recorder(RtpStream):
    """A stream that keeps the frames it is given."""

    def __init__(self) -> None:
        stock = SimpleNamespace(_ssrc=1, _rtx_ssrc=2, transport=FakeTransport())
        super().__init__(cast(RTCRtpSender, stock), clock_hz=90_000, epoch=0.0)
        self.frames: list[tuple[list[bytes], int]] = []

    async def send(self, payloads: Any, media_time: int) -> None:
        self.frames.append((list(payloads), media_time))


def test_a_player_answers_key_frame_wishes_but_not_a_storm() -> None:
    async def test() -> None:
        stream = Recorder()
        game = Game(boot_s())
        player = MediaPlayer(game, VideoForm(320, 180, 30, 1_000_000, "main"), stream, None)
        await stream.start(parameters())
        began = boot_s()
        while player.frames < 20:
            stream.on_key_frame_wanted()
            await asyncio.sleep(0.005)
        played_s = boot_s() - began
        keys = [payloads[0][0] & 0x1F == 7 for payloads, _ in stream.frames]
        assert keys[0]
        assert 2 <= sum(keys) <= played_s / 0.2 + 1
        times = [media_time for _, media_time in stream.frames]
        assert all(later > sooner for sooner, later in itertools.pairwise(times))
        player.paused = True
        await asyncio.sleep(0.1)
        held = player.frames
        await asyncio.sleep(0.1)
        assert player.frames == held
        await player.close()
        await stream.stop()
        assert not [t for t in threading.enumerate() if t.name.startswith("emulator-encoder")]

    asyncio.run(test())


def test_remb_reaches_the_encoder_with_the_next_pictures() -> None:
    """From the wire to the bytes: a receiver that asks for less gets less."""

    async def test() -> None:
        stream = Recorder()
        game = Game(boot_s())
        form = VideoForm(640, 360, 60, 8_000_000, "main", constant=True)
        player = MediaPlayer(game, form, stream, None)
        await stream.start(parameters())

        async def bytes_each(after: int, frames: int) -> float:
            for _ in range(4000):
                if player.frames >= after + frames:
                    break
                await asyncio.sleep(0.005)
            sent = stream.frames[after : after + frames]
            ticks = (sent[-1][1] - stream.frames[after - 1][1]) / 1500
            return sum(sum(map(len, payloads)) for payloads, _ in sent) / ticks

        high = await bytes_each(10, 20)
        fci = pack_remb_fci(1_000_000, [1])
        await stream._handle_rtcp_packet(
            RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=9, media_ssrc=0, fci=fci)
        )
        low = await bytes_each(player.frames + 45, 20)
        assert player.bitrate_bps == pytest.approx(1_000_000, rel=0.01)
        assert high > 2 * low  # the encoder's own buffer takes a second to follow
        await player.close()
        await stream.stop()

    asyncio.run(test())


def test_rtp_header_bits() -> None:
    """What RtpPacket.parse would forgive: version 2, no padding, payload type in seven bits."""

    async def test() -> None:
        stream, transport = a_stream(ManualClock())
        await stream.start(parameters())
        await stream.send([b"x"], 0)
        first, second = struct.unpack_from("!BB", transport.rtp[0])
        assert (first, second) == (0x80, 0x80 | 102)
        await stream.stop()

    asyncio.run(test())
