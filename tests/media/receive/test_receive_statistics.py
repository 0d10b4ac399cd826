from __future__ import annotations

import pytest

from rejoin.media.receive.receive_statistics import ReceiveStatistics
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
