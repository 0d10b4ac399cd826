from __future__ import annotations

import pytest

from rejoin.media.receive.receive_statistics import REPAIRED_REMEMBERED, ReceiveStatistics
from rejoin.media.receive.rtp import RtpPacket


def packet(sequence: int, timestamp: int = 0, ssrc: int = 9) -> RtpPacket:
    return RtpPacket(99, 0, sequence, timestamp, ssrc, b"xx")


def test_report_blocks_hold_the_loss_and_the_last_sender_report() -> None:
    statistics = ReceiveStatistics(90_000)
    assert statistics.report_block(0.0) is None
    for sequence in (65534, 65535, 0, 1, 4, 5):
        statistics.add(packet(sequence), now=0.0)
    statistics.add_sender_report(0x1234_5678_9ABC_DEF0, 0, now=10.0)
    report = statistics.report_block(10.5)
    assert report is not None
    assert (report.packets_lost, report.fraction_lost) == (2, 2 * 256 // 8)
    assert report.highest_sequence == 65536 + 5
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32768)
    again = statistics.report_block(11.0)
    assert again is not None
    assert (again.packets_lost, again.fraction_lost) == (2, 0)


def test_packets_before_the_first_that_came_belong_to_the_stream() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (3, 2, 65534, 0, 1):
        statistics.add(packet(sequence), 0.0)
    assert statistics.packets_expected == 6
    assert statistics.packets_lost == statistics.packets_missing == 1


def test_loss_covers_the_last_three_seconds() -> None:
    statistics = ReceiveStatistics(90_000)
    sequence = 0
    measured = {}
    for tick in range(200):
        now = tick * 0.05
        for _ in range(5):
            if not 40 <= tick < 60 or sequence % 2:
                statistics.add(packet(sequence), now)
            sequence += 1
        measured[tick] = statistics.loss(now, 3.0)
    assert measured[39] == 0.0
    assert 0.12 < measured[59] < 0.22
    assert measured[130] == 0.0
    assert statistics.packets_lost == 50


def test_jitter_compares_arrival_with_media_time() -> None:
    steady, shaky = ReceiveStatistics(90_000), ReceiveStatistics(90_000)
    for n in range(200):
        steady.add(packet(n, n * 3000), now=n / 30)
        shaky.add(packet(n, n * 3000), now=n / 30 + 0.010 * (n % 2))
    assert steady.jitter_s < 0.0005
    assert 0.008 < shaky.jitter_s < 0.012


def test_a_new_ssrc_starts_a_new_count() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (1, 2, 9):
        statistics.add(packet(sequence), 0.0)
    for sequence in (40_000, 40_001):
        statistics.add(packet(sequence, ssrc=10), 0.0)
    assert statistics.packets_lost == 0
    assert statistics.packets_received == 5


def test_capture_times_are_in_the_hosts_clock_even_where_media_time_wraps() -> None:
    video, audio = ReceiveStatistics(90_000), ReceiveStatistics(48_000)
    assert video.captured_at(0) is None
    for statistics in (video, audio):
        statistics.add(packet(1), 0.0)
    video.add_sender_report(100 << 32, 2**32 - 90_000, now=1.0)
    audio.add_sender_report((100 << 32) + (1 << 31), 5_000, now=1.0)
    assert video.captured_at(90_000) == pytest.approx(102.0)
    assert video.captured_at(2**32 - 180_000) == pytest.approx(99.0)
    assert audio.captured_at(5_000 + 24_000) == pytest.approx(101.0)
    video.add(packet(1, ssrc=99), 0.0)
    assert video.captured_at(0) is None, "a new stream has a new clock"


def reported(*arrived: int, sent: list[tuple[float, int]]) -> ReceiveStatistics:
    """`sent`: when each sender report came, and its count; `arrived`: packets before each."""
    statistics = ReceiveStatistics(90_000)
    sequence = 0
    statistics.add(packet(sequence), 0.0)
    for (at, count), packets in zip(sent, arrived, strict=True):
        for _ in range(packets):
            sequence += 1
            statistics.add(packet(sequence & 0xFFFF), at)
        statistics.count_sent(count & 0xFFFFFFFF, at)
    return statistics


def test_sender_reports_tell_what_was_lost_from_what_was_not_sent() -> None:
    """The newest frame is of 10.0."""
    lost = reported(500, 480, 0, 0, sent=[(9.0, 0), (10.1, 500), (11.0, 1000), (12.0, 1500)])
    assert lost.missing_since(10.0) == 1.0
    paused = reported(500, 480, 0, 0, sent=[(9.0, 0), (10.1, 480), (11.0, 480), (12.0, 480)])
    assert paused.missing_since(10.0) == 0.0
    most = reported(500, 480, 25, 25, sent=[(9.0, 0), (10.1, 500), (11.0, 1000), (12.0, 1500)])
    assert most.missing_since(10.0) == pytest.approx(0.95)


def test_one_report_is_compared_with_the_last_before_the_freeze() -> None:
    """Hosts with five seconds between two reports (GStreamer)."""
    statistics = reported(500, 250, sent=[(9.0, 0), (14.0, 2500)])
    assert statistics.missing_since(10.0) == pytest.approx(0.9)


def test_without_two_reports_it_is_not_known_what_was_sent() -> None:
    assert reported(sent=[]).missing_since(10.0) is None
    assert reported(5, sent=[(9.0, 5)]).missing_since(10.0) is None, "not since then"
    assert reported(5, sent=[(11.0, 5)]).missing_since(10.0) is None, "no other to compare with"


def test_the_count_of_a_sender_may_wrap_but_not_go_back() -> None:
    wraps = reported(5, 50, sent=[(9.0, 2**32 - 50), (11.0, 2**32 + 50)])
    assert wraps.missing_since(10.0) == pytest.approx(0.5)
    back = reported(5, 50, sent=[(9.0, 1000), (11.0, 900)])
    assert back.missing_since(10.0) is None


def test_reports_of_a_former_stream_do_not_count() -> None:
    statistics = reported(5, 0, sent=[(9.0, 0), (11.0, 100)])
    statistics.add(packet(9, ssrc=10), 12.0)
    assert statistics.missing_since(10.0) is None


# --- what was repaired, and numbers that begin anew ---------------------------------------------


def repaired(statistics: ReceiveStatistics, sequence: int) -> None:
    packet_of_rtx = RtpPacket(100, 0, 7, 0, 10, sequence.to_bytes(2) + b"xx")
    statistics.add_retransmitted(packet_of_rtx, repaired=sequence)


def test_an_original_that_was_only_late_is_not_counted_beside_its_repair() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (65534, 65535, 2, 3):
        statistics.add(packet(sequence), 0.0)
    repaired(statistics, 0)
    assert statistics.packets_missing == 1
    statistics.add(packet(0), 0.0)
    assert statistics.packets_missing == 1, "number 1 is still missing"
    statistics.add(packet(1), 0.0)
    assert statistics.packets_missing == 0
    repaired(statistics, 0)
    assert statistics.packets_retransmitted == 2


def test_what_was_repaired_is_remembered_for_a_while() -> None:
    statistics = ReceiveStatistics(90_000)
    statistics.add(packet(0), 0.0)
    statistics.add(packet(REPAIRED_REMEMBERED + 2), 0.0)
    for sequence in range(1, REPAIRED_REMEMBERED + 2):
        repaired(statistics, sequence)
    assert statistics.packets_missing == 0
    assert len(statistics._repaired) == REPAIRED_REMEMBERED


def test_the_missing_packets_of_a_former_stream_stay_counted() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (1, 2, 5):
        statistics.add(packet(sequence), 0.0)
    for sequence in (40_000, 40_002):
        statistics.add(packet(sequence, ssrc=10), 0.0)
    assert statistics.packets_missing == 3
    assert statistics.packets_lost == 1, "of the present stream, for receiver reports"


def test_numbers_that_begin_anew_without_a_new_ssrc_begin_a_new_count() -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (30_000, 30_001, 30_003):
        statistics.add(packet(sequence), 0.0)
    statistics.add_sender_report(1 << 32, 0, 0.0)
    newest = [statistics.add(packet(sequence), 0.0) for sequence in (7, 8, 9, 11)]
    assert newest == [False, True, True, True]
    report = statistics.report_block(1.0)
    assert report is not None
    assert (report.highest_sequence, report.packets_lost) == (11, 1)
    assert statistics.packets_missing == 2
    assert statistics.sender_report_at == 0.0


@pytest.mark.parametrize("stray", [[7], [7, 9], [7, 30_004, 8], [29_990, 29_991]])
def test_stray_packets_from_far_behind_begin_nothing(stray: list[int]) -> None:
    statistics = ReceiveStatistics(90_000)
    for sequence in (29_980, 30_000, *stray):
        statistics.add(packet(sequence), 0.0)
    assert statistics.add(packet(30_005), 0.0)
    report = statistics.report_block(1.0)
    assert report is not None
    assert report.highest_sequence == 30_005
