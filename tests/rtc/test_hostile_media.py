"""Hostile media for the receive path, from RTP bytes to the decoder.

Captured packets, changed in many ways, and random packets: nothing crashes, memory stays bounded,
and each bad packet is only counted or leads to a key-frame request. Seeded; `REJOIN_FUZZ_TIMES=10`
runs ten times as many, `REJOIN_FUZZ_SEED` others.
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from helpers.capture import Captured, read_capture, replay
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.h264_parameters import MAX_PIXELS
from rejoin.media.receive.inbound_video import InboundVideo, Negotiated
from rejoin.media.receive.jitter_buffer import BUFFER_BYTES, EncodedFrame
from rejoin.media.video.decoder import Decoder
from rejoin.media.video.picture import PictureSlot
from rejoin.netem.link import Lane, NetworkProfile, ProfileStage

TIMES = float(os.environ.get("REJOIN_FUZZ_TIMES", "1"))
SEED = os.environ.get("REJOIN_FUZZ_SEED", "1")
ROUNDS = max(1, int(3 * TIMES))
CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "ffmpeg-main-320x180.rtpdump"
TERMS = Negotiated(frozenset({96}), rtx_payload_types={97: 96}, remb=True)
BAD_NETWORK = NetworkProfile(
    "bad", stages=(ProfileStage(0.0, Lane(), Lane(0.02, 0.060, reorder=True, loss=0.10)),)
)

Change = Callable[[random.Random, bytes], bytes]


def cut_short(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def flip(chance: random.Random, data: bytes) -> bytes:
    bent = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    return bytes(bent)


def flip_payload(chance: random.Random, data: bytes) -> bytes:
    return data[:12] + flip(chance, data[12:] or b"\0")


def noise(chance: random.Random, data: bytes) -> bytes:
    return chance.randbytes(chance.randint(0, 1400))


def noise_behind_a_header(chance: random.Random, data: bytes) -> bytes:
    return data[:12] + chance.randbytes(chance.randint(0, 1400))


def other_number(chance: random.Random, data: bytes) -> bytes:
    return data[:2] + chance.randbytes(2) + data[4:]


def other_time(chance: random.Random, data: bytes) -> bytes:
    return data[:4] + chance.randbytes(4) + data[8:]


def other_stream(chance: random.Random, data: bytes) -> bytes:
    return data[:8] + chance.randbytes(4) + data[12:]


def as_retransmission(chance: random.Random, data: bytes) -> bytes:
    return data[:1] + bytes([97]) + data[2:12] + chance.randbytes(2) + data[12:]


def bad_aggregate(chance: random.Random, data: bytes) -> bytes:
    units = b"".join(
        struct.pack("!H", chance.choice((0, 1, 3, 200, 65535))) + chance.randbytes(3)
        for _ in range(chance.randint(0, 300))
    )
    return data[:12] + bytes([24]) + units


def bad_fragment(chance: random.Random, data: bytes) -> bytes:
    return data[:12] + bytes([28 | 0x60, chance.randrange(256)]) + data[14:]


def unknown_nal_type(chance: random.Random, data: bytes) -> bytes:
    return data[:12] + bytes([chance.choice((0, 25, 26, 27, 29, 30, 31))]) + data[13:]


CHANGES: tuple[Change, ...] = (
    cut_short,
    flip,
    flip_payload,
    noise,
    noise_behind_a_header,
    other_number,
    other_time,
    other_stream,
    as_retransmission,
    bad_aggregate,
    bad_fragment,
    unknown_nal_type,
)


@pytest.fixture(scope="module")
def capture() -> list[Captured]:
    return read_capture(CAPTURE)


class Sink:
    """A decoder on its thread, and how often it requested a key frame."""

    def __init__(self) -> None:
        self.key_frames_needed = 0
        self.decoder = Decoder(
            ConnectionNumber(1),
            PictureSlot(),
            clock=boot_s,
            on_first_frame=lambda: None,
            on_key_frame_needed=self._count_key_frame_needed,
        )
        self.decoder.show(True)
        self.decoder.start()

    def _count_key_frame_needed(self) -> None:
        self.key_frames_needed += 1

    def decode(self, frames: list[EncodedFrame]) -> None:
        """Submit all frames one after another, so that the queue is never full."""
        decoder = self.decoder
        for frame in frames:
            decoder.submit(frame)
            end = time.monotonic() + 60
            while decoder.alive and not decoder.idle:
                assert time.monotonic() < end, "the decoder hangs"
                time.sleep(0.0002)
        assert decoder.alive, "the decoder's thread died"

    def close(self) -> None:
        self.decoder.stop()
        self.decoder._thread.join(60)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_packets_cost_frames_and_nothing_else(
    capture: list[Captured], sink: Sink, change: Change
) -> None:
    for number in range(ROUNDS):
        chance = random.Random(f"{SEED} {change.__name__} {number}")
        share = chance.choice((0.02, 0.2, 1.0))
        inbound = InboundVideo(TERMS)

        def changed(data: bytes, chance: random.Random = chance, share: float = share) -> bytes:
            return change(chance, data) if chance.random() < share else data

        done = replay(
            capture, inbound, chance.choice((None, BAD_NETWORK)), seed=number, change=changed
        )
        assert inbound.buffered_bytes <= BUFFER_BYTES
        assert len(inbound._jitter_buffer._missing) <= 1500
        assert done.plis <= 6 / 0.3 + 2, "at most each 300 ms"
        assert inbound.frames_received <= 5 * len(capture)
        sink.decode(done.frames)
        # a good stream after it is decoded as if nothing had happened
        before = sink.decoder.frames_decoded
        sink.decode(replay(capture, InboundVideo(TERMS)).frames)
        assert sink.decoder.frames_decoded - before >= 85


def test_random_packets_are_counted_and_bounded() -> None:
    chance = random.Random(f"{SEED} chance")
    inbound = InboundVideo(TERMS)
    packets = [
        (n / 2000, bytes([0x80, chance.choice((96, 224, 97, 98))]) + chance.randbytes(1200))
        for n in range(int(3000 * TIMES))
    ]
    replay(packets, inbound)
    assert inbound.statistics.packets_received < len(packets), "unknown types are ignored"
    assert inbound.buffered_bytes <= BUFFER_BYTES


def test_a_flood_of_gaps_costs_neither_much_memory_nor_many_requests() -> None:
    """Each sequence number is 400 after the one before: most packets missing per packet sent."""
    inbound = InboundVideo(TERMS)
    packets = [
        (n / 5000, struct.pack("!BBHLL", 0x80, 96, n * 400 & 0xFFFF, n, 7) + b"\x41x")
        for n in range(5000)
    ]
    done = replay(packets, inbound)
    assert inbound.packets_nacked == done.nacked <= 1000 + 2000 * 3.1
    assert inbound.buffered_bytes < 1_000_000


def test_a_picture_larger_than_any_screen_is_refused(sink: Sink) -> None:
    """A valid stream of 5120x2880, which is more than level 5.2 allows."""
    width, height = 5120, 2880
    assert width * height > MAX_PIXELS
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = Fraction(1, 30)
    codec.options = {"preset": "ultrafast", "tune": "zerolatency"}
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.pts = 0
    (packet,) = codec.encode(frame)
    sink.decode([EncodedFrame(bytes(packet), 0, True, False)])
    assert sink.decoder.frames_decoded == 0
    assert sink.decoder.frames_failed + sink.key_frames_needed > 0


def test_a_sequence_of_absurd_size_is_refused_and_the_stream_goes_on(
    capture: list[Captured], sink: Sink
) -> None:
    frames = replay(capture, InboundVideo(TERMS)).frames
    absurd = b"\0\0\0\1" + absurd_sps(100_000, 100_000)
    poisoned = EncodedFrame(absurd + frames[0].data[4 + 30 :], 0, True, False)
    sink.decode([frames[0], poisoned, *frames])
    assert sink.decoder.frames_decoded >= len(frames)


def absurd_sps(blocks_wide: int, blocks_high: int) -> bytes:
    """A Baseline SPS (H.264, 7.3.2.1.1) of that many macroblocks."""
    bits = "".join(
        (
            ue(0),  # seq_parameter_set_id
            ue(0),  # log2_max_frame_num_minus4
            ue(2),  # pic_order_cnt_type
            ue(16),  # max_num_ref_frames
            "0",
            ue(blocks_wide - 1),
            ue(blocks_high - 1),
            "1110",  # frame_mbs_only, direct_8x8, no cropping... and no VUI
            "0",
            "1",
        )
    )
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8)
    return b"\x67\x42\x00\x33" + body.replace(b"\0\0", b"\0\0\3")


def ue(value: int) -> str:
    """Exp-Golomb (H.264, 9.1)."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits
