"""Statistics of the stream over the picture, for testers, refreshed each second."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer
from PySide6.QtGui import QFontDatabase, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from rejoin.gui import theme
from rejoin.gui.bridge import Bridge
from rejoin.language import listed, mark, number, tr
from rejoin.media.statistics import StreamStatistics

_EVERY_MS = 1000
_MARGIN_PX, _RADIUS_PX = 11, 8
_MOST_LETTERS = 55
"""Of the name of what draws, so that its line fits into the smallest window."""
_WAITING = mark("No stream yet.")


def lines(
    numbers: StreamStatistics, drawn_by: str = "", columns: Callable[[str], float] = len
) -> list[str]:
    """The lines of the overlay, top to bottom. `drawn_by`: what draws the picture. `columns`: how
    many times as wide as a space a text is."""
    rows = [(tr(label) if label else "", text) for label, text in _rows(numbers, drawn_by)]
    column = max(columns(label) for label, _ in rows) + 2
    return [
        _head(numbers),
        *(label + " " * round(column - columns(label)) + text for label, text in rows),
    ]


def _head(numbers: StreamStatistics) -> str:
    size = f"{numbers.width} x {numbers.height}"
    codec = " ".join(part for part in (numbers.codec, numbers.profile) if part) or "-"
    decoded = tr("decoded in {decoder}", decoder=numbers.decoder) if numbers.decoder else ""
    return "   ".join(part for part in (size, codec, decoded) if part)


def _rows(numbers: StreamStatistics, drawn_by: str) -> list[tuple[str, str]]:
    """Each line's label, marked, and what stands behind it."""
    rows = [
        (
            mark("fps"),
            tr(
                "received {received}, decoded {decoded}, painted {painted}",
                received=number(numbers.received_fps, 0),
                decoded=number(numbers.decoded_fps, 0),
                painted=number(numbers.painted_fps, 0),
            ),
        ),
        (mark("bitrate"), _bitrate(numbers)),
        (
            mark("network"),
            tr(
                "loss {loss} %, RTT {rtt}, jitter {jitter} ms",
                loss=number(numbers.loss * 100, 1),
                rtt="-" if numbers.rtt_s is None else number(numbers.rtt_s * 1000, 0) + " ms",
                jitter=number(numbers.jitter_s * 1000, 1),
            ),
        ),
        (
            mark("delay"),
            tr(
                "jitter buffer {buffer} ms, decode {decode} ms",
                buffer=number(numbers.jitter_buffer_ms, 1),
                decode=number(numbers.decode_ms, 1),
            ),
        ),
        (
            mark("frames"),
            tr(
                "decoded {decoded}, dropped {dropped}, age when painted {age} ms",
                decoded=numbers.frames_decoded,
                dropped=numbers.frames_dropped,
                age=number(numbers.frame_age_s * 1000, 1),
            ),
        ),
        (
            mark("not shown"),
            tr(
                "packets lost {lost}, no key frame {held}, decoder full {full},",
                lost=numbers.frames_broken,
                held=numbers.frames_held_back,
                full=numbers.frames_undecoded,
            ),
        ),
        (
            "",
            tr(
                "failed {failed}, refused {refused}, replaced {replaced}, minimised {unseen}",
                failed=numbers.frames_failed,
                refused=numbers.frames_unsupported,
                replaced=numbers.pictures_replaced,
                unseen=numbers.pictures_unwatched,
            ),
        ),
        (
            mark("freezes"),
            f"{numbers.freeze_count}, {number(numbers.total_freezes_duration_s, 1)} s",
        ),
        (
            mark("repair"),
            tr(
                "NACK {nack}, RTX {rtx}, recovered {recovered}, PLI {pli}",
                nack=numbers.nack_count,
                rtx=numbers.retransmitted_packets_received,
                recovered=numbers.packets_recovered,
                pli=numbers.pli_count,
            ),
        ),
        (
            mark("audio"),
            tr(
                "buffer {buffer} ms, lost {lost}, concealed {concealed}",
                buffer=number(numbers.audio_buffer_s * 1000, 0),
                lost=numbers.audio_packets_lost,
                concealed=numbers.audio_packets_concealed,
            ),
        ),
        (mark("lip sync"), _lip_sync(numbers)),
        (mark("drawn by"), _shortened(drawn_by)),
        (
            mark("path"),
            tr(
                "{path}   connection {number}",
                path=numbers.candidate_pair or "-",
                number=numbers.connection,
            ),
        ),
        (mark("host"), _host(numbers)),
    ]
    return [(label, text) for label, text in rows if text]


def _bitrate(numbers: StreamStatistics) -> str:
    rate, queue = number(numbers.bitrate_bps / 1e6, 2), number(numbers.queue_s * 1000, 0)
    if numbers.available_bitrate_bps is None:
        return tr("{rate} Mbit/s, queue {queue} ms", rate=rate, queue=queue)
    text = (
        mark("{rate} Mbit/s, {feedback} {available} Mbit/s, queue {queue} ms")
        if numbers.congestion_feedback == "REMB"
        else mark("{rate} Mbit/s, {feedback}, estimate {available} Mbit/s, queue {queue} ms")
    )
    return tr(
        text,
        rate=rate,
        feedback=numbers.congestion_feedback,
        available=number(numbers.available_bitrate_bps / 1e6, 2),
        queue=queue,
    )


def _lip_sync(numbers: StreamStatistics) -> str:
    late_s, delay = numbers.audio_late_s, number(numbers.audio_sync_delay_s * 1000, 0)
    if late_s is None:
        return tr("sound -, delayed by {delay} ms", delay=delay)
    text = (
        mark("sound {ms} ms before picture, delayed by {delay} ms")
        if late_s < 0
        else mark("sound {ms} ms after picture, delayed by {delay} ms")
    )
    return tr(text, ms=number(abs(late_s) * 1000, 0), delay=delay)


def _host(numbers: StreamStatistics) -> str:
    """The host's own load, where it reports it (performance statistics of the input module)."""
    shares = {
        mark("game {percent} %"): numbers.host_application_cpu,
        mark("CPU {percent} %"): numbers.host_cpu,
        mark("memory {percent} %"): numbers.host_memory,
        mark("GPU {percent} %"): numbers.host_gpu,
        mark("VRAM {percent} %"): numbers.host_vram,
    }
    parts = [
        tr(text, percent=round(share * 100)) for text, share in shares.items() if share is not None
    ]
    if numbers.host_application_memory_mb is not None:
        parts.append(tr("game memory {mb} MB", mb=round(numbers.host_application_memory_mb)))
    return listed(parts)


def _shortened(name: str) -> str:
    """Drivers have long names for cards."""
    return name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 3] + "..."


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

    def _columns(self, text: str) -> float:
        """Japanese letters come from another font, and are not twice as wide as others."""
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance(text) / metrics.horizontalAdvance(" ")

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
        drawn_by = self._drawn_by()
        self.setText(
            tr(_WAITING) if numbers is None else "\n".join(lines(numbers, drawn_by, self._columns))
        )
        self.adjustSize()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
