"""The encoders: profiles, packetization modes, bitrates and Opus."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from rejoin.emulator.host.encoders import VideoEncoder, music_packets
from rejoin.emulator.host.game import HEIGHT, WIDTH, Game
from rejoin.emulator.host.h264 import MAX_PAYLOAD_BYTES, h264_profile, packetize
from rejoin.emulator.host.music import FRAME_SAMPLES, music
from rejoin.emulator.host.strip import read_strip
from rejoin.emulator.host.x264 import VideoFormat
from rejoin.input_protocol.controls import Controls


@pytest.mark.parametrize(
    ("profile_level_id", "profile", "named"),
    [
        ("42e01f", "baseline", "Constrained Baseline"),
        ("4d001f", "main", "Main"),
        ("640c1f", "high", "High"),
        ("f4001f", "high444", "High 4:4:4 Predictive"),
    ],
)
def test_the_stream_has_the_negotiated_profile(
    profile_level_id: str, profile: str, named: str
) -> None:
    assert h264_profile(profile_level_id) == profile
    encoder = VideoEncoder(
        VideoFormat(width=641, height=360, fps=30, profile=profile, max_bitrate_bps=1_000_000)
    )
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
    assert frames[0].format.name == ("yuv444p" if profile == "high444" else "yuv420p")
    assert (frames[0].width, frames[0].height) == (640, 360)
    assert (int(frames[0].colorspace), int(frames[0].color_range)) == (1, 1)


@pytest.mark.parametrize("fill", [False, True])
def test_in_mode_0_every_unit_fits_in_a_packet_and_the_picture_decodes(fill: bool) -> None:
    encoder = VideoEncoder(
        VideoFormat(
            width=WIDTH,
            height=HEIGHT,
            fps=30,
            profile="high",
            max_bitrate_bps=20_000_000,
            constant_bitrate=fill,
            packetization_mode=0,
        )
    )
    game, decoder, shown = Game(0.0), av.CodecContext.create("h264", "r"), 0
    for step in range(6):
        game.advance(step / 30)
        units = encoder.encode(game.scene(), key=step == 0, bitrate_bps=20_000_000)
        assert packetize(units, mode=0) == units
        assert max(map(len, units)) <= MAX_PAYLOAD_BYTES
        slices = [unit for unit in units if unit[0] & 0x1F in (1, 5)]
        assert step > 0 or len(slices) > 10
        shown += len(decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))))
    assert shown == 6


def test_the_bitrate_follows_what_is_requested() -> None:
    encoder = VideoEncoder(
        VideoFormat(width=WIDTH, height=HEIGHT, fps=60, profile="main", max_bitrate_bps=6_000_000)
    )
    game = Game(0.0)

    def bits_per_s(frames: int, requested_bps: int) -> float:
        size = 0
        for _ in range(frames):
            game.advance((game.counter + 1.5) / 60)
            units = encoder.encode(game.scene(), key=False, bitrate_bps=requested_bps)
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
    """From 2 to 30 Mbit/s in full HD: the bytes are there, and the stream still decodes."""
    encoder = VideoEncoder(
        VideoFormat(
            width=1920,
            height=1080,
            fps=30,
            profile="high",
            max_bitrate_bps=bitrate_bps,
            constant_bitrate=True,
        )
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
    # a key frame is a real one: larger than its share, and than the pictures around it
    plain = VideoEncoder(
        VideoFormat(width=1920, height=1080, fps=30, profile="high", max_bitrate_bps=bitrate_bps)
    )
    other = Game(0.0)
    small = []
    for step in range(22):
        other.advance((step + 0.5) / 30)
        units = plain.encode(other.scene(), key=step in (0, 20), bitrate_bps=bitrate_bps)
        small.append(sum(map(len, units)))
    assert small[20] > 2 * max(small[15:20])
    assert small[20] > bitrate_bps / 8 / 30


def test_audio_is_a_quiet_loop_in_opus_without_a_seam() -> None:
    loop, packets = music(), music_packets()
    assert loop.shape[1] == 2
    assert len(packets) * FRAME_SAMPLES == len(loop)
    assert 500 < np.abs(loop).max() < 4000
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    samples = []
    for data in (*packets[-40:], *packets[:40]):
        assert len(data) < MAX_PAYLOAD_BYTES
        for frame in decoder.decode(av.Packet(data)):
            samples.append(frame.to_ndarray().reshape(-1, 2))
    decoded = np.concatenate(samples).astype(np.float64)
    assert len(decoded) >= 78 * FRAME_SAMPLES
    played = np.concatenate((loop[-40 * FRAME_SAMPLES :], loop[: 40 * FRAME_SAMPLES]))
    # Opus is some milliseconds late; the best delay is that of the whole, seam included
    noise = min(
        float(np.square(decoded[9600 + late : 67200 + late] - played[9600:67200]).mean())
        for late in range(0, 1000, 8)
    )
    assert noise < np.square(played[9600:67200].astype(np.float64)).mean() / 10


def test_a_picture_that_is_fine_enough_costs_no_more_bits() -> None:
    sizes = {}
    for finest in (0, 20):
        encoder = VideoEncoder(
            VideoFormat(1920, 1080, 60, 15_000_000, "baseline", finest_quantizer=finest)
        )
        game = Game(0.0)
        sent = decoded = 0
        decoder = av.CodecContext.create("h264", "r")
        for step in range(1, 31):
            counter = game.advance(step / 60)
            units = encoder.encode(game.scene(), key=step == 1, bitrate_bps=15_000_000)
            sent += sum(map(len, units)) if step > 10 else 0
            for frame in decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + u for u in units))):
                reading = read_strip(frame.to_ndarray(format="gray"))
                decoded += 1
                assert reading is not None
                assert reading.counter == decoded
        assert decoded >= counter - 2
        sizes[finest] = sent
        encoder.close()
    assert sizes[20] < sizes[0] / 3
