"""Try the microphone in the settings: a button, and the level while it is open.

Nothing is opened before the player asks for it; it is closed when the page is left. No game hears
it, and what is heard is measured and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from rejoin.gui import theme
from rejoin.gui.labels import TextButton
from rejoin.gui.settings import sections
from rejoin.language import mark, tr
from rejoin.media.audio.loudness import SILENT_DBFS, meter
from rejoin.media.audio.microphone import DeviceState, Microphone
from rejoin.runtime.microphone_states import PROBLEMS, UNHEARD

EVERY_MS: Final = 100
_WIDTH_PX, _HEIGHT_PX = 140, 10
IDLE: Final = mark("Shows how loud you are. No game hears it.")
LISTENS: Final = mark("Open. Say something: the bar shows how loud you are.")
OPENS: Final = mark("It is being opened.")


class LevelBar(QWidget):
    """A bar as long as the sound is loud."""

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.0
        self.setAccessibleName(tr(sections.TEST_LEVEL))
        self.setEnabled(False)  # nothing can be done with it: the focus passes it over
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_dbfs(self, dbfs: float) -> None:
        share = meter(dbfs)
        if share != self.share:
            self.share = share
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(_WIDTH_PX), theme.scaled(_HEIGHT_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        radius = area.height() / 2
        painter.setPen(theme.colour(theme.HAIRLINE))
        painter.drawRoundedRect(area, radius, radius)
        if self.share > 0:
            painter.setBrush(theme.colour(theme.TEXT))
            area.setWidth(max(area.height(), area.width() * self.share))
            painter.drawRoundedRect(area, radius, radius)
        painter.end()


class _Button(TextButton):
    """Says when it is not seen any more."""

    hidden = Signal()

    def __init__(self) -> None:
        super().__init__(sections.TEST)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoDefault(True)  # Enter presses it
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.hidden.emit()


class MicrophoneTest(QObject):
    """`button` and `bar` stand in one row. `changed`: what is said of it is another sentence."""

    changed = Signal()

    def __init__(self, make: Callable[..., Microphone] = Microphone) -> None:
        super().__init__()
        self.bar = LevelBar()
        self.button = _Button()
        self.button.clicked.connect(self._on_clicked)
        self.button.hidden.connect(self.stop)
        self._make = make
        self._device: str | None = None
        self._microphone: Microphone | None = None
        self._said = DeviceState.CLOSED
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._show)

    def use(self, device: str | None) -> None:
        """The microphone to try; another one than before ends the test."""
        if device != self._device:
            self._device = device
            self.stop()

    @property
    def running(self) -> bool:
        return self._microphone is not None

    def text(self) -> str:
        """What is so now."""
        if self._microphone is None:
            return tr(IDLE)
        match self._microphone.state:
            case DeviceState.CLOSED | DeviceState.OPENING:
                return tr(OPENS)
            case DeviceState.OPEN:
                return tr(LISTENS)
            case DeviceState.UNHEARD:
                return tr(UNHEARD)
            case problem:
                return tr(PROBLEMS[problem])

    def stop(self) -> None:
        """Close it. May be called twice."""
        microphone, self._microphone = self._microphone, None
        if microphone is None:
            return
        self._timer.stop()
        microphone.end()
        self.bar.show_dbfs(SILENT_DBFS)
        self.button.say(sections.TEST)
        self.changed.emit()

    def _on_clicked(self) -> None:
        if self._microphone is not None:
            self.stop()
            return
        self._microphone = self._make(device=self._device)
        self._microphone.open()
        self.button.say(sections.TEST_END)
        self._timer.start()
        self.changed.emit()

    def _show(self) -> None:
        if self._microphone is None:
            return
        self.bar.show_dbfs(self._microphone.level_dbfs)
        if self._microphone.state is not self._said:
            self._said = self._microphone.state
            self.changed.emit()
