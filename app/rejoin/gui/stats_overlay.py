"""Statistics of the stream over the picture, for testers, refreshed each second."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer
from PySide6.QtGui import QFontDatabase, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from rejoin.gui import theme
from rejoin.gui.bridge import Bridge
from rejoin.language import mark, tr
from rejoin.media.statistics import StreamStatistics

_EVERY_MS = 1000
_MARGIN_PX, _RADIUS_PX = 11, 8
_MOST_LETTERS = 70
"""Of a line, so that it fits into the smallest window."""
_WAITING = mark("No stream yet.")


def lines(numbers: StreamStatistics, drawn_by: str = "") -> list[str]:
    """The lines of the overlay, top to bottom. `drawn_by`: what draws the picture."""
    available = numbers.available_bitrate_bps
    feedback = numbers.congestion_feedback
    feedback += "" if feedback == "REMB" else ", estimate"
    rtt = "-" if numbers.rtt_s is None else f"{numbers.rtt_s * 1000:.0f} ms"
    codec = " ".join(part for part in (numbers.codec, numbers.profile) if part) or "-"
    decoder = f"   decoded in {numbers.decoder}" if numbers.decoder else ""
    return [
        f"{numbers.width} x {numbers.height}   {codec}{decoder}",
        f"fps        received {numbers.received_fps:.0f}, decoded {numbers.decoded_fps:.0f},"
        f" painted {numbers.painted_fps:.0f}",
        f"bitrate    {numbers.bitrate_bps / 1e6:.2f} Mbit/s"
        + ("" if available is None else f", {feedback} {available / 1e6:.2f} Mbit/s")
        + f", queue {numbers.queue_s * 1000:.0f} ms",
        f"network    loss {numbers.loss * 100:.1f} %, RTT {rtt},"
        f" jitter {numbers.jitter_s * 1000:.1f} ms",
        f"delay      jitter buffer {numbers.jitter_buffer_ms:.1f} ms,"
        f" decode {numbers.decode_ms:.1f} ms",
        f"frames     decoded {numbers.frames_decoded}, dropped {numbers.frames_dropped},"
        f" age when painted {numbers.frame_age_s * 1000:.1f} ms",
        f"not shown  packets lost {numbers.frames_broken}, no key frame {numbers.frames_held_back},"
        f" decoder full {numbers.frames_undecoded},",
        f"           failed {numbers.frames_failed}, refused {numbers.frames_unsupported},"
        f" replaced {numbers.pictures_replaced}, minimised {numbers.pictures_unwatched}",
        f"freezes    {numbers.freeze_count}, {numbers.total_freezes_duration_s:.1f} s",
        f"repair     NACK {numbers.nack_count}, RTX {numbers.retransmitted_packets_received},"
        f" recovered {numbers.packets_recovered}, PLI {numbers.pli_count}",
        f"audio      buffer {numbers.audio_buffer_s * 1000:.0f} ms,"
        f" lost {numbers.audio_packets_lost}, concealed {numbers.audio_packets_concealed}",
        f"lip sync   {_lateness(numbers.audio_late_s)},"
        f" delayed by {numbers.audio_sync_delay_s * 1000:.0f} ms",
        *([_shortened(f"drawn by   {drawn_by}")] if drawn_by else []),
        f"path       {numbers.candidate_pair or '-'}   connection {numbers.connection}",
        *_host_lines(numbers),
    ]


def _host_lines(numbers: StreamStatistics) -> list[str]:
    """The host's own load, where it reports it (performance statistics of the input module)."""
    shares = {
        "game": numbers.host_application_cpu,
        "CPU": numbers.host_cpu,
        "memory": numbers.host_memory,
        "GPU": numbers.host_gpu,
        "VRAM": numbers.host_vram,
    }
    parts = [f"{name} {share * 100:.0f} %" for name, share in shares.items() if share is not None]
    if numbers.host_application_memory_mb is not None:
        parts.append(f"game memory {numbers.host_application_memory_mb:.0f} MB")
    return [f"host       {', '.join(parts)}"] if parts else []


def _shortened(line: str) -> str:
    """Drivers have long names for cards."""
    return line if len(line) <= _MOST_LETTERS else line[: _MOST_LETTERS - 3] + "..."


def _lateness(sound_late_s: float | None) -> str:
    if sound_late_s is None:
        return "sound -"
    side = "before" if sound_late_s < 0 else "after"
    return f"sound {abs(sound_late_s) * 1000:.0f} ms {side} picture"


class StatsOverlay(QLabel):
    """Hidden until toggled; does nothing while hidden; mouse events pass through it."""

    def __init__(
        self,
        bridge: Bridge,
        drawn_by: Callable[[], str] = str,
        parent: QWidget | None = None,
    ) -> None:
        """`drawn_by`: what draws the picture now."""
        super().__init__(tr(_WAITING), parent)
        self.setObjectName("stats")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("Stream statistics"))
        self.setProperty("kind", "stats")
        self.setMargin(_MARGIN_PX)
        self._use_font()
        self._bridge = bridge
        self._drawn_by = drawn_by
        self.paced = False
        """Whether it is refreshed by `tick` alone, together with everything else."""
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._on_second)
        self.hide()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._use_font()
        elif event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("Stream statistics"))

    def _use_font(self) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(theme.scaled(theme.SMALL_PX))
        if font != self.font():
            self.setFont(font)
            self.adjustSize()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.pill_colour())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(self.rect()), _RADIUS_PX, _RADIUS_PX)
        painter.end()
        super().paintEvent(event)

    def toggle(self) -> None:
        self.setVisible(self.isHidden())

    def _on_second(self) -> None:
        if not self.paced:
            self.refresh()

    def tick(self, every_ms: int) -> None:
        """To be called this often while `paced`."""
        self._ticks += every_ms
        if self.paced and self._ticks >= _EVERY_MS:
            self._ticks = 0
            if self.isVisible():
                self.refresh()

    def refresh(self) -> None:
        numbers = self._bridge.statistics()
        self.setText(
            tr(_WAITING) if numbers is None else "\n".join(lines(numbers, self._drawn_by()))
        )
        self.adjustSize()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
