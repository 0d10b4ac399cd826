from __future__ import annotations

import random

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from rejoin.rtc.receiver import (
    AudioOrder,
    EncodedFrame,
    KeyFrameRequests,
    Reception,
    VideoAssembly,
    begins_inside_unit,
    depacketize,
)

START = b"\0\0\0\1"


def fragments(unit: bytes, size: int = 10) -> list[bytes]:
    """A NAL unit as FU-A payloads (RFC 6184, 5.8)."""
    indicator, kind, rest = unit[0] & 0xE0 | 28, unit[0] & 0x1F, unit[1:]
    pieces = [rest[at : at + size] for at in range(0, len(rest), size)]
    return [
        bytes([indicator, kind | 0x80 * (n == 0) | 0x40 * (n == len(pieces) - 1)]) + piece
        for n, piece in enumerate(pieces)
    ]


IDR = bytes([0x65]) + bytes(range(35))
DELTA = bytes([0x41]) + bytes(range(20))
SPS, PPS = b"\x67\x42\x00\x1f", b"\x68\xce"
STAP = bytes([24]) + b"".join(len(u).to_bytes(2, "big") + u for u in (SPS, PPS))


def frame(number: int, key: bool = False) -> list[tuple[int, bool, bytes]]:
    """(media time, marker, payload) of one picture of four packets."""
    payloads = [STAP, *fragments(IDR, 12)] if key else fragments(DELTA, 5)
    return [(number * 3000, p is payloads[-1], p) for p in payloads]


def stream(count: int) -> list[tuple[int, int, bool, bytes]]:
    packets = [packet for n in range(count) for packet in frame(n, key=n == 0)]
    return [(sequence, *packet) for sequence, packet in enumerate(packets)]


def times(frames: list[EncodedFrame]) -> list[int]:
    return [frame.rtp_timestamp // 3000 for frame in frames]


def test_units_of_every_shape_become_one_stream() -> None:
    data, key = depacketize([STAP, *fragments(IDR)])
    assert data == START + SPS + START + PPS + START + IDR
    assert key
    assert depacketize([DELTA]) == (START + DELTA, False)


def test_what_is_cut_short_is_left_out() -> None:
    assert depacketize([STAP[:-1]])[0] == START + SPS
    assert depacketize(fragments(IDR)[1:])[0] == b""
    assert depacketize([b"", b"\x1c", b"\x1c\x85", b"\x00", b"\x1f\x00"]) == (b"", False)
    assert begins_inside_unit(fragments(IDR)[1])
    assert not begins_inside_unit(fragments(IDR)[0])


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_payload_breaks_it(payloads: list[bytes]) -> None:
    depacketize(payloads)


def test_a_frame_is_whole_with_its_last_packet_not_with_the_next_frame() -> None:
    assembly = VideoAssembly()
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
    assembly, frames = VideoAssembly(), []
    for sequence, media_time, marker, payload in shuffled:
        number = (first + sequence) & 0xFFFF
        frames += assembly.add(number, media_time, marker, payload, now=0.0)
    assert times(frames) == list(range(12))
    assert not assembly.waiting


def test_a_gap_is_asked_for_at_once_then_each_round_trip_and_filled_without_a_trace() -> None:
    assembly = VideoAssembly()
    packets = stream(3)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=1.0)
    assert assembly.to_nack(1.0, 0.080) == [5]
    assert assembly.to_nack(1.079, 0.080) == []
    assert assembly.to_nack(1.081, 0.080) == [5]
    assert assembly.to_nack(1.082, None) == []
    frames = assembly.add(*packets[5], now=1.1)
    assert times(frames) == [1, 2]
    assert not any(frame.after_loss for frame in frames)
    assert assembly.nacked == 2
    assert not assembly.waiting


def test_a_packet_that_never_comes_costs_its_frame_after_150_ms_and_no_other() -> None:
    assembly = VideoAssembly()
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
    assembly = VideoAssembly()
    packets = stream(2)
    for packet in packets[:5] + packets[6:]:
        assembly.add(*packet, now=1.0)
    assert assembly.poll(1.300, 0.200) == []
    assembly.add(*packets[5], now=1.3)
    assert not assembly.waiting


def test_a_lost_last_packet_ends_its_frame_where_the_next_begins() -> None:
    assembly = VideoAssembly()
    packets = stream(3)
    marker = next(at for at, packet in enumerate(packets) if packet[2] and at > 4)
    frames = []
    for at, packet in enumerate(packets):
        if at != marker:
            frames += assembly.add(*packet, now=1.0)
    frames += assembly.poll(1.2, None)
    assert times(frames) == [0, 2]


def test_after_an_outage_nothing_old_is_asked_for() -> None:
    assembly = VideoAssembly()
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
    assembly = VideoAssembly()
    key, delta = frame(0, key=True), frame(1)
    packets = [*key, (0, False, b""), (0, False, b""), *delta]
    frames = []
    for sequence, packet in enumerate(packets):
        frames += assembly.add(sequence, *packet, now=0.0)
    assert times(frames) == [0, 1]
    assert not frames[1].after_loss


def test_a_key_frame_of_two_thousand_packets_is_one_frame() -> None:
    assembly = VideoAssembly()
    unit = bytes([0x65]) + bytes(1200) * 2000
    frames = []
    for sequence, payload in enumerate(pieces := fragments(unit, 1200)):
        frames += assembly.add(sequence, 0, payload is pieces[-1], payload, now=0.0)
    assert [len(frame.data) for frame in frames] == [len(START + unit)]


def test_a_frame_that_never_ends_is_bounded() -> None:
    assembly = VideoAssembly()
    payload = bytes([0x7C, 0x05]) + bytes(60_000)
    for sequence in range(400):
        assert assembly.add(sequence & 0xFFFF, 0, False, payload, now=0.0) == []
    assert assembly._bytes <= 8 * 1024 * 1024


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 3), st.booleans(), st.binary(max_size=4)),
        max_size=60,
    )
)
def test_no_order_of_packets_breaks_it(packets: list[tuple[int, int, bool, bytes]]) -> None:
    assembly = VideoAssembly()
    for at, packet in enumerate(packets):
        assembly.add(*packet, now=at * 0.02)
        assembly.to_nack(at * 0.02, 0.01)
        assembly.poll(at * 0.02, 0.01)
    assembly.poll(1e9, None)
    assert not assembly.waiting


def test_key_frames_are_asked_for_at_once_and_then_each_300_ms_while_wanted() -> None:
    requests = KeyFrameRequests()
    assert not requests.due(0.0, None)
    requests.want(0.0)
    asked = [n for n in range(100) if requests.due(n * 0.010, 0.020)]
    assert asked == [0, 30, 60, 90]
    requests.arrived(1.0)
    assert not requests.due(2.0, None)


def test_waiting_for_a_key_frame_is_only_for_hosts_that_answer_and_ends() -> None:
    requests = KeyFrameRequests()
    requests.want(0.0)
    assert not requests.hold_back(0.0)
    assert requests.due(0.0, None)
    requests.arrived(0.2)
    requests.want(5.0)
    assert requests.hold_back(5.1)
    assert not requests.hold_back(6.1)
    assert not requests.hold_back(6.2)


def test_audio_comes_in_order_and_never_waits_long() -> None:
    order = AudioOrder()
    assert [p.payload for p in order.add(65535, b"a", 0.0)] == [b"a"]
    assert order.add(1, b"c", 0.02) == []
    assert [p.payload for p in order.add(0, b"b", 0.03)] == [b"b", b"c"]
    assert order.add(3, b"e", 0.06) == []
    assert order.poll(0.10) == []
    late = order.poll(0.13)
    assert [(p.payload, p.lost_before) for p in late] == [(b"e", 1)]
    assert order.add(2, b"d", 0.14) == []
    assert order.packets_late == 1


def test_audio_does_not_wait_with_three_packets_in_hand() -> None:
    order = AudioOrder()
    order.add(0, b"a", 0.0)
    order.add(2, b"c", 0.0)
    order.add(3, b"d", 0.0)
    assert [p.payload for p in order.add(4, b"e", 0.0)] == [b"c", b"d", b"e"]


@given(st.lists(st.integers(0, 65535), max_size=80))
def test_no_order_of_audio_breaks_it(sequences: list[int]) -> None:
    order = AudioOrder()
    for at, sequence in enumerate(sequences):
        order.add(sequence, b"x", at * 0.02)
    order.poll(1e9)
    assert len(order._stored) == 0


def packet(sequence: int, timestamp: int = 0, ssrc: int = 9) -> RtpPacket:
    return RtpPacket(
        payload_type=99, sequence_number=sequence, timestamp=timestamp, ssrc=ssrc, payload=b"xx"
    )


def test_reports_say_what_was_lost_and_when_the_host_was_heard() -> None:
    reception = Reception(90_000)
    assert reception.report(0.0) is None
    for sequence in (65534, 65535, 0, 1, 4, 5):
        reception.add(packet(sequence), now=0.0)
    reception.sender_reported(0x1234_5678_9ABC_DEF0, now=10.0)
    assert reception.sender_reported_at == 10.0
    report = reception.report(10.5)
    assert report is not None
    assert (report.packets_lost, report.fraction_lost) == (2, 2 * 256 // 8)
    assert report.highest_sequence == 65536 + 5
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32768)
    again = reception.report(11.0)
    assert again is not None
    assert (again.packets_lost, again.fraction_lost) == (2, 0)


def test_loss_is_of_the_last_three_seconds() -> None:
    reception = Reception(90_000)
    sequence = 0
    measured = {}
    for tick in range(200):
        now = tick * 0.05
        for _ in range(5):
            if not 40 <= tick < 60 or sequence % 2:
                reception.add(packet(sequence), now)
            sequence += 1
        measured[tick] = reception.loss(now, 3.0)
    assert measured[39] == 0.0
    assert 0.12 < measured[59] < 0.22
    assert measured[130] == 0.0
    assert reception.packets_lost == 50


def test_jitter_is_that_of_arrival_against_media_time() -> None:
    steady, shaky = Reception(90_000), Reception(90_000)
    for n in range(200):
        steady.add(packet(n, n * 3000), now=n / 30)
        shaky.add(packet(n, n * 3000), now=n / 30 + 0.010 * (n % 2))
    assert steady.jitter_s < 0.0005
    assert 0.008 < shaky.jitter_s < 0.012


def test_another_stream_starts_its_own_count() -> None:
    reception = Reception(90_000)
    for sequence in (1, 2, 9):
        reception.add(packet(sequence), 0.0)
    for sequence in (40_000, 40_001):
        reception.add(packet(sequence, ssrc=10), 0.0)
    assert reception.packets_lost == 0
    assert reception.packets_received == 5
