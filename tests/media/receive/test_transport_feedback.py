from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.transport_feedback import (
    INTERVAL_MAX_S,
    INTERVAL_MIN_S,
    KEPT_S,
    MAX_SPAN,
    TICK_S,
    FeedbackReport,
    TransportFeedback,
    parse,
)

OURS, THEIRS = 0x01020304, 0x0A0B0C0D
MAX_REPORT_BYTES = 1200
PERIOD_S = 2**24 * 0.064
"""After this time the reference time begins anew."""


def reports_of(feedback: TransportFeedback, now: float) -> list[bytes]:
    return feedback.reports(now, sender_ssrc=OURS, media_ssrc=THEIRS)


def read(packets: list[bytes]) -> list[FeedbackReport]:
    return [report for packet in packets for report in parse(packet)]


def arrivals_of(packets: list[bytes]) -> list[tuple[int, float | None]]:
    return [arrival for report in read(packets) for arrival in report.arrivals]


def received(packets: list[bytes]) -> list[int]:
    return [number for number, at in arrivals_of(packets) if at is not None]


def lost(packets: list[bytes]) -> list[int]:
    return [number for number, at in arrivals_of(packets) if at is None]


def add_all(
    feedback: TransportFeedback, numbers: list[int], at: float, apart_s: float = 0.0
) -> None:
    for index, number in enumerate(numbers):
        feedback.add(number & 0xFFFF, 1200, at + index * apart_s)


# --- the bytes (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1) --------------------------


def test_a_report_has_the_form_of_the_draft() -> None:
    feedback = TransportFeedback()
    feedback.add(7, 100, 64.0)
    feedback.add(8, 100, 64.001)
    feedback.add(10, 100, 64.101)
    (packet,) = reports_of(feedback, 65.0)
    assert packet.hex(" ") == (
        "af cd 00 06 "  # version 2, padding, format 15; RTPFB; 6 words follow
        "01 02 03 04 0a 0b 0c 0d "  # SSRCs of sender and media
        "00 07 00 04 "  # base number, four statuses
        "00 03 e8 00 "  # reference time 1000 * 64 ms, report 0
        "d4 80 "  # two-bit vector: small, small, not received, large
        "00 04 01 90 "  # 0 ms, 1 ms, 100 ms
        "00 02"  # padding
    )


def test_reports_are_counted_and_begin_where_the_last_one_ended() -> None:
    feedback = TransportFeedback()
    add_all(feedback, [1, 2], 1.0)
    first = reports_of(feedback, 1.1)
    add_all(feedback, [5], 1.2)
    second = reports_of(feedback, 1.3)
    assert [report.report for report in read(first + second)] == [0, 1]
    assert [number for number, _ in arrivals_of(second)] == [3, 4, 5]
    assert lost(second) == [3, 4]


def test_without_arrivals_there_is_no_report() -> None:
    feedback = TransportFeedback()
    assert reports_of(feedback, 1.0) == []
    feedback.add(1, 1200, 1.0)
    assert len(reports_of(feedback, 1.1)) == 1
    assert reports_of(feedback, 1.2) == [], "the connection is silent now"
    feedback.add(1, 1200, 1.2)
    assert reports_of(feedback, 1.3) == [], "a repeated packet is no news"


@pytest.mark.parametrize("apart_s", [0.0, 0.0001, 0.001, 0.05, 0.07, 3.0, 8.5])
@pytest.mark.parametrize("count", [1, 7, 13, 14, 15, 189, 190, 191, 400])
def test_any_number_of_packets_at_any_distance_is_reported(count: int, apart_s: float) -> None:
    feedback = TransportFeedback()
    add_all(feedback, list(range(65_500, 65_500 + count)), 5.0, apart_s)
    packets = reports_of(feedback, 5.0 + count * apart_s)
    found = arrivals_of(packets)
    assert [number for number, _ in found] == [
        number & 0xFFFF for number in range(65_500, 65_500 + count)
    ]
    for index, (_, at) in enumerate(found):
        assert at is not None
        assert at == pytest.approx(5.0 + index * apart_s, abs=TICK_S)
    assert max(map(len, packets)) <= MAX_REPORT_BYTES


def test_the_reference_time_wraps() -> None:
    feedback = TransportFeedback()
    began = PERIOD_S - 0.010
    add_all(feedback, [1, 2, 3], began, 0.005)
    feedback.add(4, 1200, began + 0.1)
    times = [at for _, at in arrivals_of(reports_of(feedback, began + 0.2)) if at is not None]
    since = [(at - times[0] + 1.0) % PERIOD_S - 1.0 for at in times]
    assert since == pytest.approx([0.0, 0.005, 0.010, 0.100], abs=2 * TICK_S)


@given(
    pattern=st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 1, 2, 13, 14, 15, 300]),  # packets lost before this one
            st.sampled_from([0.0, 0.0002, 0.001, 0.063, 0.064, 0.2, 9.0]),  # seconds before it
        ),
        min_size=1,
        max_size=300,
    ),
    first=st.integers(0, 65_535),
    pause=st.integers(1, 60),
)
def test_what_is_read_is_what_arrived(
    pattern: list[tuple[int, float]], first: int, pause: int
) -> None:
    feedback, number, now = TransportFeedback(), first, 100.0
    expected: dict[int, float] = {}
    packets: list[bytes] = []
    for index, (gap, after_s) in enumerate(pattern):
        number, now = number + (gap if index else 0), now + after_s
        expected[number] = now
        feedback.add(number & 0xFFFF, 1200, now)
        number += 1
        if index % pause == 0:
            packets += reports_of(feedback, now)
    packets += reports_of(feedback, now)
    numbers = iter(range(first, number))
    for found, at in arrivals_of(packets):
        meant = next(numbers)
        assert found == meant & 0xFFFF
        if at is None:
            assert meant not in expected
        else:
            assert at == pytest.approx(expected[meant], abs=TICK_S + 1e-9)
    assert next(numbers, None) is None, "every number is covered once"
    assert max(map(len, packets)) <= MAX_REPORT_BYTES
    assert all(len(packet) % 4 == 0 for packet in packets)
    assert all(len(packet) == 4 + 4 * struct.unpack("!H", packet[2:4])[0] for packet in packets)


# --- late packets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [[3], [2, 3], [3, 2], [1, 2, 3, 4]])
def test_a_late_packet_is_reported_with_its_neighbours_as_received(late: list[int]) -> None:
    feedback = TransportFeedback()
    on_time = [number for number in range(8) if number not in late]
    add_all(feedback, on_time, 1.0, 0.001)
    assert lost(reports_of(feedback, 1.05)) == sorted(late)
    add_all(feedback, late, 1.06)
    packets = reports_of(feedback, 1.1)
    assert lost(packets) == [], "nothing that came before is reported as lost"
    assert received(packets) == list(range(min(late), 8))


def test_a_late_packet_with_new_ones_after_it_makes_one_report() -> None:
    feedback = TransportFeedback()
    add_all(feedback, [0, 1, 3, 4], 1.0, 0.001)
    reports_of(feedback, 1.05)
    add_all(feedback, [5, 2, 6, 8], 1.06)
    packets = reports_of(feedback, 1.1)
    assert len(packets) == 1
    assert (received(packets), lost(packets)) == ([2, 3, 4, 5, 6, 8], [7])


def test_a_packet_before_the_first_one_is_reported() -> None:
    feedback = TransportFeedback()
    add_all(feedback, [65_535], 1.0)
    reports_of(feedback, 1.05)
    add_all(feedback, [65_534], 1.06)
    packets = reports_of(feedback, 1.1)
    assert (received(packets), lost(packets)) == ([65_534, 65_535], [])


def test_a_packet_that_is_too_late_makes_no_received_packet_lost() -> None:
    feedback = TransportFeedback()
    add_all(feedback, [0, 1, 3, 4], 1.0, 0.001)
    reports_of(feedback, 1.05)
    add_all(feedback, [5], 1.0 + KEPT_S + 0.1)
    reports_of(feedback, 1.0 + KEPT_S + 0.2)
    add_all(feedback, [2], 1.0 + KEPT_S + 0.2)
    assert reports_of(feedback, 1.0 + KEPT_S + 0.3) == []


def test_reordering_across_the_wrap() -> None:
    feedback = TransportFeedback()
    order = [65_533, 65_535, 65_534, 1, 0, 65_532, 2]
    add_all(feedback, order, 1.0, 0.001)
    assert received(reports_of(feedback, 1.05)) == [65_532, 65_533, 65_534, 65_535, 0, 1, 2]


@pytest.mark.parametrize(
    "jump", [MAX_SPAN + 1, 20_000, 32_767, 32_768, 40_000, 65_536 - MAX_SPAN - 1]
)
def test_a_jump_is_a_new_beginning(jump: int) -> None:
    feedback = TransportFeedback()
    add_all(feedback, [10, 11], 1.0)
    reports_of(feedback, 1.05)
    add_all(feedback, [11 + jump, 12 + jump], 1.1)
    packets = reports_of(feedback, 1.15)
    assert lost(packets) == []
    assert received(packets) == [(11 + jump) & 0xFFFF, (12 + jump) & 0xFFFF]


def test_a_hostile_sender_costs_neither_memory_nor_long_reports() -> None:
    feedback, chance, now = TransportFeedback(), random.Random(1), 1.0
    for _ in range(200):
        for _ in range(20):
            feedback.add(chance.getrandbits(16), 100, now)
        now += 0.05
        packets = reports_of(feedback, now)
        assert len(packets) <= 20
        assert sum(map(len, packets)) < 20 * 1200
    assert sum(len(batch.ticks) for batch in feedback._batches) <= 2 * MAX_SPAN


# --- when ----------------------------------------------------------------------------------------


def interval_at(rate_bps: float) -> float:
    feedback, now = TransportFeedback(), 0.0
    for number in range(200):
        now += 0.1
        feedback.add(number, round(rate_bps / 80), now)
        reports_of(feedback, now)
    return feedback.interval_s


@pytest.mark.parametrize(
    ("rate_bps", "interval_s"),
    [
        (8_000_000, INTERVAL_MIN_S),
        (300_000, INTERVAL_MIN_S),
        (100_000, 68 * 8 / 5_000),
        (50_000, 68 * 8 / 2_500),
        (20_000, INTERVAL_MAX_S),
    ],
)
def test_reports_take_five_percent_of_what_comes_in(rate_bps: float, interval_s: float) -> None:
    assert interval_at(rate_bps) == pytest.approx(interval_s, rel=0.02)


def test_the_first_report_does_not_wait_for_a_rate() -> None:
    assert TransportFeedback().interval_s == INTERVAL_MIN_S


def test_a_sender_numbers_until_media_came_without_numbers_for_a_second() -> None:
    feedback, seen = TransportFeedback(), list[bool]()
    for numbered, at in (
        (False, 1.0),
        (True, 1.1),
        (False, 9.0),  # eight seconds of silence say nothing
        (False, 9.9),
        (True, 9.95),
        (False, 10.2),
        (False, 11.1),
        (False, 11.2),  # a second without numbers
        (True, 11.3),
    ):
        if numbered:
            feedback.add(round(at * 10), 100, at)
        else:
            feedback.add_unnumbered(at)
        seen.append(feedback.numbering)
    assert seen == [False, True, True, True, True, True, True, False, True]


# --- the sender's side ----------------------------------------------------------------------------


@given(st.binary(max_size=80))
def test_reading_a_report_never_fails(data: bytes) -> None:
    parse(data)
    parse(struct.pack("!BBH", 0x8F, 205, len(data) // 4) + data)
    parse(struct.pack("!BBH", 0xAF, 205, len(data) // 4) + data)


def test_only_transport_wide_reports_are_read() -> None:
    nack = struct.pack("!BBHLLHH", 0x81, 205, 3, OURS, THEIRS, 7, 0)
    feedback = TransportFeedback()
    feedback.add(1, 100, 1.0)
    (packet,) = reports_of(feedback, 1.1)
    assert [each.arrivals[0][0] for each in parse(nack + packet + nack)] == [1]
    assert parse(packet[:-4]) == []


# --- what a host may do, and nobody expects -------------------------------------------------------


def test_more_numbers_than_a_report_can_count_take_several() -> None:
    feedback = TransportFeedback()
    numbers = [at * MAX_SPAN for at in range(12)]
    add_all(feedback, numbers, 1.0, 0.0001)
    packets = reports_of(feedback, 1.05)
    assert len(packets) == 2
    assert received(packets) == [number & 0xFFFF for number in numbers]
    assert len(arrivals_of(packets)) == numbers[-1] + 1
    assert max(map(len, packets)) <= MAX_REPORT_BYTES


def test_gaps_cost_no_work_for_each_lost_number() -> None:
    """A step for each number of 40,000 gaps would take minutes."""
    feedback, number, steps = TransportFeedback(), 0, 40_000
    for at in range(steps):
        number += MAX_SPAN
        feedback.add(number & 0xFFFF, 100, 1.0 + at * 0.0001)
        if at % 500 == 499:
            reports_of(feedback, 1.0 + at * 0.0001)
    assert feedback.reports_made <= steps


@given(data=st.data())
def test_in_any_order_what_is_reported_last_is_what_arrived(data: st.DataObject) -> None:
    """Loss, reordering, repetition and the wrap, with reports in between: whoever keeps the last
    word about each number knows all arrivals, but those that came too late."""
    first = data.draw(st.sampled_from([0, 100, 65_400, 65_535]))
    count = data.draw(st.integers(1, 200))
    chance = random.Random(data.draw(st.integers(0, 1000)))
    sent = [number for number in range(first, first + count) if chance.random() > 0.2]
    order = sorted(sent, key=lambda number: number + chance.choice([0, 0, 0, 2, 5, 40]))
    order += [chance.choice(order)] if order else []
    feedback, now, known = TransportFeedback(), 50.0, dict[int, float | None]()
    arrived: dict[int, float] = {}
    packets: list[bytes] = []
    for number in order:
        now += chance.choice([0.0, 0.0001, 0.0003, 0.002])
        feedback.add(number & 0xFFFF, 100, now)
        arrived.setdefault(number & 0xFFFF, now)
        if chance.random() < 0.1:
            packets += reports_of(feedback, now)
    packets += reports_of(feedback, now)
    for number, at in arrivals_of(packets):
        known[number] = at
    assert {number for number, at in known.items() if at is not None} == arrived.keys()
    for number, at in known.items():
        assert at is None or at == pytest.approx(arrived[number], abs=TICK_S + 1e-9)
