from __future__ import annotations

import itertools
import random

import pytest
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_packets import START, fragments, frame, stream
from helpers.h264_streams import (
    ACCESS_UNIT_DELIMITER,
    SEI_TEXT,
    as_fragments,
    kind,
    recovery_point,
    without,
    x264,
)
from rejoin.media.receive.jitter_buffer import (
    REORDER_WAIT_S,
    START_PACKETS,
    EncodedFrame,
    JitterBuffer,
)


def times(frames: list[EncodedFrame]) -> list[int]:
    return [frame.rtp_timestamp // 3000 for frame in frames]


def test_a_frame_is_released_with_its_last_packet_not_with_the_next_frame() -> None:
    buffer = JitterBuffer()
    got = [buffer.add(*packet, now=0.0) for packet in stream(1)]
    assert [len(frames) for frames in got] == [0, 0, 0, 1]
    assert got[-1][0].key
    assert not got[-1][0].after_loss


@pytest.mark.parametrize("first", [0, 65530, 65535])
def test_reordered_packets_give_the_same_frames_even_across_the_wrap(first: int) -> None:
    packets = stream(12)
    shuffled = []
    for at in range(0, len(packets), 6):
        block = packets[at : at + 6]
        random.Random(at).shuffle(block)
        shuffled += block
    buffer, frames = JitterBuffer(), []
    for sequence, media_time, marker, payload in shuffled:
        number = (first + sequence) & 0xFFFF
        frames += buffer.add(number, media_time, marker, payload, now=0.0)
    assert times(frames) == list(range(12))
    assert not buffer.has_missing


def test_a_missing_packet_is_nacked_at_once_then_after_a_round_trip_and_recovered() -> None:
    buffer = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        buffer.add(*packet, now=1.0)
    assert buffer.due_nacks(1.0, 0.080) == [5]
    assert buffer.due_nacks(1.089, 0.080) == []
    assert buffer.due_nacks(1.091, 0.080) == [5]
    assert buffer.due_nacks(1.092, None) == []
    frames = buffer.add(*packets[5], now=1.1)
    assert times(frames) == [1, 2]
    assert not any(frame.after_loss for frame in frames)
    assert buffer.counters.packets_nacked == 2
    assert not buffer.has_missing


def test_after_an_unanswered_nack_two_are_sent_in_each_round_trip() -> None:
    buffer = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        buffer.add(*packet, now=0.0)
    nacked_at = [ms for ms in range(400) if buffer.due_nacks(ms / 1000, 0.080)]
    assert nacked_at == pytest.approx([0, 90, 105, 195, 210, 300, 315], abs=2)


def test_with_a_queue_on_the_path_one_nack_is_sent_in_each_round_trip() -> None:
    buffer = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        buffer.add(*packet, now=0.0)
    nacked_at = [ms for ms in range(400) if buffer.due_nacks(ms / 1000, 0.080, twice=False)]
    assert nacked_at == pytest.approx([0, 90, 180, 270, 360], abs=2)


def test_where_not_all_can_be_nacked_those_never_nacked_go_first() -> None:
    buffer = JitterBuffer()
    buffer.add(0, 0, False, b"\x41x", now=0.0)
    for sequence in (400, 800, 980):
        buffer.add(sequence, 0, False, b"\x41x", now=0.0)
    assert len(buffer.due_nacks(0.0, None)) == 977
    buffer.add(983, 0, False, b"\x41x", now=0.0)
    assert set(buffer.due_nacks(0.001, None)) == {981, 982}
    again = buffer.due_nacks(0.060, None)
    assert 100 < len(again) < 150, "what the limit allows by then"
    buffer.add(986, 0, False, b"\x41x", now=0.110)
    assert {984, 985} <= set(buffer.due_nacks(0.111, None))


def test_an_answer_that_is_too_late_still_shows_that_the_host_answers_nack() -> None:
    buffer = JitterBuffer()
    buffer.add(0, 0, True, b"\x41x", now=0.0)
    for number in range(20):
        now = number * 0.2
        buffer.add(2 * number + 2, number + 1, True, b"\x41x", now=now)
        buffer.due_nacks(now, None)
        buffer.poll(now + 0.19, None)
    assert not buffer.host_answers_nack
    buffer.add(2, 0, True, b"\x41x", now=4.0)
    assert not buffer.host_answers_nack, "that one was never NACKed"
    buffer.add(37, 0, True, b"\x41x", now=4.0)
    assert buffer.host_answers_nack


def test_missing_packets_on_both_sides_of_the_wrap_go_into_one_nack() -> None:
    buffer = JitterBuffer()
    for sequence in (65533, 1, 2):
        buffer.add(sequence, 0, False, b"\x41x", now=0.0)
    lost = buffer.due_nacks(0.0, 0.080)
    nack = bytes(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=2, lost=lost))
    (parsed,) = RtcpPacket.parse(nack)
    assert isinstance(parsed, RtcpRtpfbPacket)
    assert set(parsed.lost) == {65534, 65535, 0}


def test_a_packet_that_never_arrives_costs_its_frame_after_150_ms_and_no_other() -> None:
    buffer = JitterBuffer()
    packets = stream(4)
    frames = []
    for packet in packets[:5] + packets[6:]:
        frames += buffer.add(*packet, now=1.0)
    assert times(frames) == [0]
    assert buffer.poll(1.149, 0.020) == []
    frames = buffer.poll(1.151, 0.020)
    assert times(frames) == [2, 3]
    assert [frame.after_loss for frame in frames] == [True, False]
    assert buffer.add(*packets[5], now=1.2) == []
    assert buffer.counters.packets_late == 1


def test_the_deadline_grows_with_the_round_trip() -> None:
    buffer = JitterBuffer()
    packets = stream(2)
    for packet in packets[:5] + packets[6:]:
        buffer.add(*packet, now=1.0)
    assert buffer.poll(1.300, 0.200) == []
    buffer.add(*packets[5], now=1.3)
    assert not buffer.has_missing


def test_a_lost_last_packet_ends_its_frame_where_the_next_begins() -> None:
    buffer = JitterBuffer()
    packets = stream(3)
    marker = next(at for at, packet in enumerate(packets) if packet[2] and at > 4)
    frames = []
    for at, packet in enumerate(packets):
        if at != marker:
            frames += buffer.add(*packet, now=1.0)
    frames += buffer.poll(1.2, None)
    assert times(frames) == [0, 2]


def test_after_an_outage_nothing_old_is_nacked() -> None:
    buffer = JitterBuffer()
    for packet in stream(2):
        buffer.add(*packet, now=0.0)
    sequence, frames = 5000, []
    for media_time, marker, payload in frame(100) + frame(101):
        frames += buffer.add(sequence, media_time, marker, payload, now=3.0)
        sequence += 1
    assert buffer.due_nacks(3.0, None) == []
    assert times(frames) == [100, 101]
    assert frames[0].after_loss


@pytest.mark.parametrize(
    ("gap", "pause_s", "outage"),
    [(100, 0.6, True), (17, 0.5, True), (100, 0.4, False), (16, 3.0, False), (501, 0.0, True)],
)
def test_a_gap_after_a_pause_is_an_outage_even_at_a_low_bitrate(
    gap: int, pause_s: float, outage: bool
) -> None:
    """Waiting for what is of the time of the pause would delay the key frame behind it."""
    buffer = JitterBuffer()
    packets = stream(2)
    for packet in packets:
        buffer.add(*packet, now=0.0)
    sequence, frames = len(packets) + gap, []
    for media_time, marker, payload in frame(100, key=True):
        frames += buffer.add(sequence, media_time, marker, payload, now=pause_s)
        sequence += 1
    assert (times(frames) == [100]) is outage
    assert buffer.has_missing is not outage


def test_padding_between_frames_changes_nothing() -> None:
    buffer = JitterBuffer()
    key, delta = frame(0, key=True), frame(1)
    packets = [*key, (0, False, b""), (0, False, b""), *delta]
    frames = []
    for sequence, packet in enumerate(packets):
        frames += buffer.add(sequence, *packet, now=0.0)
    assert times(frames) == [0, 1]
    assert not frames[1].after_loss


def test_a_key_frame_of_two_thousand_packets_is_one_frame() -> None:
    buffer = JitterBuffer()
    unit = bytes([0x65]) + bytes(1200) * 2000
    frames = []
    for sequence, payload in enumerate(pieces := fragments(unit, 1200)):
        frames += buffer.add(sequence, 0, payload is pieces[-1], payload, now=0.0)
    assert [len(frame.data) for frame in frames] == [len(START + unit)]


def test_a_frame_that_never_ends_is_bounded() -> None:
    buffer = JitterBuffer()
    payload = bytes([0x7C, 0x05]) + bytes(60_000)
    for sequence in range(400):
        assert buffer.add(sequence & 0xFFFF, 0, False, payload, now=0.0) == []
    assert buffer.buffered_bytes <= 8 * 1024 * 1024


# --- where the stream begins --------------------------------------------------------------------

[KEY_UNITS, DELTA_UNITS] = x264(2, size=(64, 48))
KEY_PAYLOADS = {
    "FU-A": as_fragments(KEY_UNITS, 1200),
    "single NAL units": without(KEY_UNITS, 6),
    "with delimiter": [ACCESS_UNIT_DELIMITER, *without(KEY_UNITS, 6)],
    "STAP-A alone": [
        *as_fragments(without(KEY_UNITS, 1, 5)),
        bytes([24]) + b"".join(len(u).to_bytes(2, "big") + u for u in without(KEY_UNITS, 6, 7, 8)),
    ],
    "recovery point": [
        *without(KEY_UNITS, 5, 6),
        recovery_point(0),
        *(b"\x61" + unit[1:] for unit in KEY_UNITS if kind(unit) == 5),
    ],
}


def begun(before: str) -> tuple[JitterBuffer, int]:
    """A buffer before a key frame: new, or one that has played; and the key frame's number."""
    buffer = JitterBuffer()
    if before == "at the start":
        return buffer, 65533
    packets = stream(3)
    for packet in packets if before == "after an outage" else packets[:-1]:
        buffer.add(*packet, now=0.0)
    return buffer, 5000 if before == "after an outage" else len(packets)


def put(
    buffer: JitterBuffer, first: int, payloads: list[bytes], order: list[int], now: float
) -> list[EncodedFrame]:
    """Put the packets of one picture into the buffer in this order, and then the next picture."""
    frames, last = [], len(payloads) - 1
    for at in order:
        frames += buffer.add((first + at) & 0xFFFF, 90_000, at == last, payloads[at], now=now)
    frames += buffer.add((first + last + 1) & 0xFFFF, 93_000, True, DELTA_UNITS[0], now=now)
    return frames + buffer.poll(now + 1, None)


@pytest.mark.parametrize("before", ["at the start", "after an outage", "after a loss"])
@pytest.mark.parametrize("form", KEY_PAYLOADS)
def test_the_packets_of_a_key_frame_may_arrive_in_any_order(form: str, before: str) -> None:
    payloads = KEY_PAYLOADS[form]
    orders = list(itertools.permutations(range(len(payloads))))
    if len(orders) > 200:
        orders = [
            (len(payloads) - 1, *range(len(payloads) - 1)),
            *random.Random(1).sample(orders, 200),
        ]
    for order in orders:
        buffer, first = begun(before)
        frames = put(buffer, first, payloads, list(order), 3.0)
        assert [frame.key for frame in frames][-2:] == [True, False], order
        assert not frames[-1].after_loss
        # a delimiter may be late: no picture needs it
        assert all(unit[1:] in frames[-2].data for unit in without(KEY_UNITS, 6)), order


@pytest.mark.parametrize("count", [60, START_PACKETS])
def test_a_large_key_frame_may_begin_with_its_last_packet(count: int) -> None:
    unit = KEY_UNITS[-1] + bytes([1]) * 10 * count
    payloads = as_fragments([*KEY_UNITS[:-1], unit], len(unit) // (count - 2))[:count]
    order = [len(payloads) - 1, *range(len(payloads) - 1)]
    frames = put(JitterBuffer(), 0, payloads, order, 0.0)
    assert [frame.key for frame in frames] == [True, False]


def test_the_start_is_waited_for_no_longer_than_packets_are_reordered() -> None:
    """The start of the stream is lost: what comes next is not kept waiting."""
    buffer = JitterBuffer()
    slices = as_fragments(without(KEY_UNITS, 6, 7, 8), 400)
    frames = []
    for at, payload in enumerate(slices[1:]):
        frames += buffer.add(at, 0, at == len(slices) - 2, payload, now=0.0)
    frames += buffer.add(len(slices), 3000, True, DELTA_UNITS[0], now=0.010)
    assert frames == []
    assert buffer.has_missing, "so that it is polled"
    assert buffer.poll(REORDER_WAIT_S - 0.001, None) == []
    frames = buffer.poll(REORDER_WAIT_S, None)
    assert times(frames) == []
    frames = buffer.poll(0.2, None)
    assert [(frame.rtp_timestamp, frame.key, frame.after_loss) for frame in frames] == [
        (3000, False, True)
    ]
    assert not buffer.has_missing


def test_a_picture_that_is_no_key_frame_waits_for_nothing_at_the_start() -> None:
    buffer = JitterBuffer()
    assert times(buffer.add(7, 3000, True, DELTA_UNITS[0], now=0.0)) == [1]
    assert not buffer.has_missing


def test_packets_from_before_an_outage_are_not_the_start_after_it() -> None:
    buffer = JitterBuffer()
    for packet in stream(3):
        buffer.add(*packet, now=0.0)
    buffer.add(600, 90_000, True, as_fragments(KEY_UNITS, 200)[-1], now=1.0)
    assert buffer.add(3, 0, False, b"\x67late", now=1.0) == []
    assert buffer.counters.packets_late == 1


# --- what has no picture ------------------------------------------------------------------------


@pytest.mark.parametrize("marker", [True, False])
@pytest.mark.parametrize("extra", [SEI_TEXT, ACCESS_UNIT_DELIMITER, b"\x0c\xff\x80"])
def test_packets_without_a_picture_are_no_frames(extra: bytes, marker: bool) -> None:
    buffer, frames = JitterBuffer(), []
    sequence = 0
    for number in range(10):
        for payload in [extra, *(KEY_UNITS if number == 0 else DELTA_UNITS)]:
            last = payload is (KEY_UNITS if number == 0 else DELTA_UNITS)[-1]
            time = number * 3000 - (100 if payload is extra else 0)
            frames += buffer.add(
                sequence, time % 2**32, last or (marker and payload is extra), payload, now=0.0
            )
            sequence += 1
    frames += buffer.poll(1.0, None)
    assert times(frames) == list(range(10))
    assert not any(frame.after_loss for frame in frames)


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 3), st.booleans(), st.binary(max_size=4)),
        max_size=60,
    )
)
def test_no_order_of_packets_breaks_the_buffer(packets: list[tuple[int, int, bool, bytes]]) -> None:
    buffer = JitterBuffer()
    for at, packet in enumerate(packets):
        buffer.add(*packet, now=at * 0.02)
        buffer.due_nacks(at * 0.02, 0.01)
        buffer.poll(at * 0.02, 0.01)
    buffer.poll(1e9, None)
    assert not buffer.has_missing
