from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakePort
from rejoin.core.model import ConnectionNumber
from rejoin.gui.bridge import Bridge
from rejoin.gui.corners import MARGIN_PX
from rejoin.gui.languages.choice import speak
from rejoin.gui.stats_overlay import StatsOverlay, lines
from rejoin.media.statistics import StreamStatistics

NUMBERS = StreamStatistics(
    ConnectionNumber(2),
    candidate_pair="host-srflx udp",
    codec="H.264",
    profile="High",
    decoder="d3d11va",
    width=1920,
    height=1080,
    received_fps=60.0,
    decoded_fps=59.6,
    painted_fps=58.0,
    bitrate_bps=14_950_000.0,
    available_bitrate_bps=19_000_000,
    loss=0.031,
    rtt_s=0.0604,
    jitter_s=0.0021,
    decode_ms=3.4,
    frame_age_s=0.0071,
    frames_broken=4,
    pictures_replaced=5,
    jitter_buffer_ms=1.2,
    frames_decoded=900,
    frames_dropped=6,
    freeze_count=2,
    total_freezes_duration_s=0.5,
    retransmitted_packets_received=8,
    packets_recovered=9,
    audio_packets_concealed=3,
    nack_count=7,
    pli_count=1,
    audio_buffer_s=0.06,
)


def test_every_number_has_its_label() -> None:
    text = "\n".join(lines(NUMBERS))
    for expected in (
        "1920 x 1080   H.264 High   decoded in d3d11va",
        "received 60, decoded 60, painted 58",
        "14.95 Mbit/s, REMB 19.00 Mbit/s",
        "loss 3.1 %, RTT 60 ms, jitter 2.1 ms",
        "decode 3.4 ms",
        "age when painted 7.1 ms",
        "packets lost 4",
        "replaced 5",
        "jitter buffer 1.2 ms",
        "decoded 900, dropped 6",
        "freezes    2, 0.5 s",
        "NACK 7",
        "RTX 8",
        "recovered 9",
        "concealed 3",
        "PLI 1",
        "buffer 60 ms",
        "host-srflx udp",
    ):
        assert expected in text


def test_unknown_numbers_are_a_dash() -> None:
    text = "\n".join(lines(StreamStatistics(ConnectionNumber(1))))
    assert "RTT -" in text
    assert "sound -, delayed by 0 ms" in text
    assert "path       -" in text
    assert "None" not in text


def test_the_sound_is_before_or_after_the_picture() -> None:
    def lip_sync(late_s: float) -> str:
        (line,) = (line for line in lines(replace(NUMBERS, audio_late_s=late_s)) if "sound" in line)
        return line

    assert lip_sync(0.012) == "lip sync   sound 12 ms after picture, delayed by 0 ms"
    assert lip_sync(-0.012) == "lip sync   sound 12 ms before picture, delayed by 0 ms"


LONG_GAME = replace(
    NUMBERS,
    jitter_buffer_ms=123.4,
    decode_ms=12.3,
    frame_age_s=0.1234,
    frames_decoded=216_000,
    frames_dropped=1234,
    frames_broken=1234,
    frames_held_back=1234,
    frames_undecoded=1234,
    frames_failed=1234,
    frames_unsupported=1234,
    pictures_replaced=1234,
    pictures_unwatched=12345,
    audio_late_s=-0.123,
    audio_sync_delay_s=0.123,
    congestion_feedback="transport-cc",
)


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_every_line_fits_into_the_smallest_window_and_columns_stand(
    application: QApplication, language: str
) -> None:
    port = FakePort()
    port.current_statistics = LONG_GAME
    speak(application, language)
    try:
        overlay = StatsOverlay(Bridge(port), lambda: "graphics card (" + 60 * "long name " + ")")
        overlay.toggle()
        shown = overlay.text().splitlines()
    finally:
        speak(application, "en")
    # Its own size would be that of a window, which Qt keeps to two thirds of a screen.
    assert overlay.sizeHint().width() + 2 * MARGIN_PX <= 640, shown
    metrics = overlay.fontMetrics()
    begin = [
        metrics.horizontalAdvance(line[: at.end()])
        for line in shown[1:]
        if (at := re.match(r"(\S+ )*\S* {2,}", line))
    ]
    assert len(begin) == 13
    assert max(begin) - min(begin) <= metrics.horizontalAdvance(" ") + 1
    overlay.toggle()


def test_its_lines_are_translated_and_their_columns_stand(application: QApplication) -> None:
    speak(application, "pseudo")
    try:
        found = lines(replace(LONG_GAME, host_cpu=0.5, host_application_memory_mb=12.0), "Mesa")
    finally:
        speak(application, "en")
    opening, closing = "\u27e6\u27e7"
    labels = [line for line in found[1:] if line.startswith(opening)]
    assert len(labels) == 13, "every line but the first and the second half of one"
    columns = {len(line) - len(line.partition(closing)[2].lstrip()) for line in labels}
    assert len(columns) == 1
    known = re.compile(r"NACK|RTX|PLI|CPU|RTT|transport-cc|host-srflx udp|Mesa|Mbit|H.264|High")
    for line in found:
        rest = known.sub("", line).replace(NUMBERS.decoder or "", "")
        assert not re.search(r"[aeiou]", re.sub(r"\d+ x \d+", "", rest)), line


def test_german_numbers_have_a_comma(application: QApplication) -> None:
    speak(application, "de")
    try:
        found = lines(NUMBERS)
    finally:
        speak(application, "en")
    assert "Netzwerk       Verlust 3,1 %, RTT 60 ms, Jitter 2,1 ms" in found


@pytest.mark.usefixtures("application")
def test_it_refreshes_each_second_and_only_while_shown() -> None:
    port = FakePort()
    bridge = Bridge(port)
    overlay = StatsOverlay(bridge)
    assert overlay.isHidden()
    assert not overlay._timer.isActive()
    overlay.toggle()
    assert overlay.text() == "No stream yet."
    assert overlay._timer.isActive()
    assert overlay._timer.interval() == 1000
    port.current_statistics = NUMBERS
    overlay._timer.timeout.emit()
    QApplication.processEvents()
    assert "1920 x 1080" in overlay.text()
    overlay.toggle()
    assert not overlay._timer.isActive()
    bridge.close()
    overlay.deleteLater()


def test_it_names_what_draws_the_picture() -> None:
    assert not any(line.startswith("drawn by") for line in lines(NUMBERS))
    assert "drawn by   the processor" in lines(NUMBERS, "the processor")
    card = "the graphics card (OpenGL, AMD Radeon RX 7800 XT (radeonsi, navi32, LLVM 17.0.6))"
    [line] = [line for line in lines(NUMBERS, card) if line.startswith("drawn by")]
    assert len(line) == 66
    assert line.endswith("...")


@pytest.mark.usefixtures("application")
def test_paced_it_refreshes_with_the_ticks_of_the_window() -> None:
    port = FakePort()
    bridge = Bridge(port)
    overlay = StatsOverlay(bridge, lambda: "the graphics card")
    overlay.paced = True
    overlay.toggle()
    port.current_statistics = NUMBERS
    overlay._timer.timeout.emit()
    assert overlay.text() == "No stream yet."
    for _ in range(3):
        overlay.tick(250)
    assert overlay.text() == "No stream yet."
    overlay.tick(250)
    assert "drawn by   the graphics card" in overlay.text()
    overlay.toggle()
    bridge.close()
    overlay.deleteLater()
