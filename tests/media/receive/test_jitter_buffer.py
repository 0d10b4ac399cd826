from __future__ import annotations

import random

import pytest
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_packets import START, fragments, frame, stream
from rejoin.media.receive.jitter_buffer import EncodedFrame, JitterBuffer


def times(frames: list[EncodedFrame]) -> list[int]:
    return [frame.rtp_timestamp // 3000 for frame in frames]


def test_a_frame_is_whole_with_its_last_packet_not_with_the_next_frame() -> None:
    assembly = JitterBuffer()
    got = [assembly.add(*packet, now=0.0) for packet in stream(1)]
    assert [len(frames) for frames in got] == [0, 0, 0, 1]
    assert got[-1][0].key
    assert not got[-1][0].after_loss


@pytest.mark.parametrize("first", [0, 65530, 65535])
def test_reordered_packets_give_the_same_frames_also_across_the_wrap(first: int) -> None:
    packets = stream(12)
    shuffled = []
    for at in range(0, len(packets), 6):
        block = packets[at : at + 6]
        random.Random(at).shuffle(block)
        shuffled += block
    assembly, frames = JitterBuffer(), []
    for sequence, media_time, marker, payload in shuffled:
        number = (first + sequence) & 0xFFFF
        frames += assembly.add(number, media_time, marker, payload, now=0.0)
    assert times(frames) == list(range(12))
    assert not assembly.waiting


def test_a_gap_is_asked_for_at_once_then_after_a_round_trip_and_filled_without_a_trace() -> None:
    assembly = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=1.0)
    assert assembly.to_nack(1.0, 0.080) == [5]
    assert assembly.to_nack(1.089, 0.080) == []
    assert assembly.to_nack(1.091, 0.080) == [5]
    assert assembly.to_nack(1.092, None) == []
    frames = assembly.add(*packets[5], now=1.1)
    assert times(frames) == [1, 2]
    assert not any(frame.after_loss for frame in frames)
    assert assembly.packets_asked == 2
    assert not assembly.waiting


def test_what_was_asked_for_in_vain_is_asked_for_twice_in_each_round_trip() -> None:
    assembly = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=0.0)
    asked_at = [ms for ms in range(400) if assembly.to_nack(ms / 1000, 0.080)]
    assert asked_at == pytest.approx([0, 90, 105, 195, 210, 300, 315], abs=2)


def test_before_a_bottleneck_it_is_asked_for_once_in_each_round_trip() -> None:
    assembly = JitterBuffer()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=0.0)
    asked_at = [ms for ms in range(400) if assembly.to_nack(ms / 1000, 0.080, twice=False)]
    assert asked_at == pytest.approx([0, 90, 180, 270, 360], abs=2)


def test_where_not_all_can_be_asked_for_those_never_asked_for_go_first() -> None:
    assembly = JitterBuffer()
    assembly.add(0, 0, False, b"\x41x", now=0.0)
    for sequence in (400, 800, 980):
        assembly.add(sequence, 0, False, b"\x41x", now=0.0)
    assert len(assembly.to_nack(0.0, None)) == 977
    assembly.add(983, 0, False, b"\x41x", now=0.0)
    assert set(assembly.to_nack(0.001, None)) == {981, 982}
    again = assembly.to_nack(0.060, None)
    assert 100 < len(again) < 150, "what may be asked for by then"
    assembly.add(986, 0, False, b"\x41x", now=0.110)
    assert {984, 985} <= set(assembly.to_nack(0.111, None))


def test_an_answer_that_is_too_late_shows_that_the_host_answers() -> None:
    assembly = JitterBuffer()
    assembly.add(0, 0, True, b"\x41x", now=0.0)
    for number in range(20):
        now = number * 0.2
        assembly.add(2 * number + 2, number + 1, True, b"\x41x", now=now)
        assembly.to_nack(now, None)
        assembly.poll(now + 0.19, None)
    assert not assembly.host_answers
    assembly.add(2, 0, True, b"\x41x", now=4.0)
    assert not assembly.host_answers, "nobody asked for that one"
    assembly.add(37, 0, True, b"\x41x", now=4.0)
    assert assembly.host_answers


def test_what_is_missing_on_both_sides_of_the_wrap_goes_into_one_nack() -> None:
    assembly = JitterBuffer()
    for sequence in (65533, 1, 2):
        assembly.add(sequence, 0, False, b"\x41x", now=0.0)
    lost = assembly.to_nack(0.0, 0.080)
    nack = bytes(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=2, lost=lost))
    (told,) = RtcpPacket.parse(nack)
    assert isinstance(told, RtcpRtpfbPacket)
    assert set(told.lost) == {65534, 65535, 0}


def test_a_packet_that_never_comes_costs_its_frame_after_150_ms_and_no_other() -> None:
    assembly = JitterBuffer()
    packets = stream(4)
    frames = []
    for packet in packets[:5] + packets[6:]:
        frames += assembly.add(*packet, now=1.0)
    assert times(frames) == [0]
    assert assembly.poll(1.149, 0.020) == []
    frames = assembly.poll(1.151, 0.020)
    assert times(frames) == [2, 3]
    assert [frame.after_loss for frame in frames] == [True, False]
    assert assembly.add(*packets[5], now=1.2) == []
    assert assembly.packets_late == 1


def test_a_long_round_trip_is_given_the_time_to_answer() -> None:
    assembly = JitterBuffer()
    packets = stream(2)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=1.0)
    assert assembly.poll(1.300, 0.200) == []
    assembly.add(*packets[5], now=1.3)
    assert not assembly.waiting


def test_a_lost_last_packet_ends_its_frame_where_the_next_begins() -> None:
    assembly = JitterBuffer()
    packets = stream(3)
    marker = next(at for at, packet in enumerate(packets) if packet[2] and at > 4)
    frames = []
    for at, packet in enumerate(packets):
        if at != marker:
            frames += assembly.add(*packet, now=1.0)
    frames += assembly.poll(1.2, None)
    assert times(frames) == [0, 2]


def test_after_an_outage_nothing_old_is_asked_for() -> None:
    assembly = JitterBuffer()
    for packet in stream(2):
        assembly.add(*packet, now=0.0)
    sequence, frames = 5000, []
    for media_time, marker, payload in frame(100) + frame(101):
        frames += assembly.add(sequence, media_time, marker, payload, now=3.0)
        sequence += 1
    assert assembly.to_nack(3.0, None) == []
    assert times(frames) == [100, 101]
    assert frames[0].after_loss


def test_padding_between_frames_changes_nothing() -> None:
    assembly = JitterBuffer()
    key, delta = frame(0, key=True), frame(1)
    packets = [*key, (0, False, b""), (0, False, b""), *delta]
    frames = []
    for sequence, packet in enumerate(packets):
        frames += assembly.add(sequence, *packet, now=0.0)
    assert times(frames) == [0, 1]
    assert not frames[1].after_loss


def test_a_key_frame_of_two_thousand_packets_is_one_frame() -> None:
    assembly = JitterBuffer()
    unit = bytes([0x65]) + bytes(1200) * 2000
    frames = []
    for sequence, payload in enumerate(pieces := fragments(unit, 1200)):
        frames += assembly.add(sequence, 0, payload is pieces[-1], payload, now=0.0)
    assert [len(frame.data) for frame in frames] == [len(START + unit)]


def test_a_frame_that_never_ends_is_bounded() -> None:
    assembly = JitterBuffer()
    payload = bytes([0x7C, 0x05]) + bytes(60_000)
    for sequence in range(400):
        assert assembly.add(sequence & 0xFFFF, 0, False, payload, now=0.0) == []
    assert assembly.buffered_bytes <= 8 * 1024 * 1024


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 3), st.booleans(), st.binary(max_size=4)),
        max_size=60,
    )
)
def test_no_order_of_packets_breaks_it(packets: list[tuple[int, int, bool, bytes]]) -> None:
    assembly = JitterBuffer()
    for at, packet in enumerate(packets):
        assembly.add(*packet, now=at * 0.02)
        assembly.to_nack(at * 0.02, 0.01)
        assembly.poll(at * 0.02, 0.01)
    assembly.poll(1e9, None)
    assert not assembly.waiting
