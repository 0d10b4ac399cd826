"""The panel of the game that can still be saved: ring, time left, and the way back."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QLinearGradient, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.announcement import SPOKEN_TIMES_S
from rejoin.gui.home import texts
from rejoin.gui.home.contents import Alive, Continuation, Leaving, Over
from rejoin.gui.labels import label, set_text
from rejoin.gui.ring import Ring

PANEL_HEIGHT = 236
LOW_HEIGHT = 172
_RING_PX = 128
_RADIUS = 18.0


class ContinuePanel(QWidget):
    """Stands over everything while there is such a game."""

    chosen = Signal()
    """*Continue* was pressed."""
    dismissed = Signal()
    """The player has seen that it is over."""
    announced = Signal(str)
    """What screen readers are to say."""

    def __init__(self, *, reduced_motion: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(PANEL_HEIGHT)
        self._shown: Continuation | None = None
        self.ring = Ring(_RING_PX, reduced_motion=reduced_motion)
        self.title = label("page")
        self.sentence = label("quiet")
        self.time = label("strong")
        self.button = self._button(texts.CONTINUE, "primary")
        self.button.clicked.connect(self.chosen)
        self.dismiss_button = self._button(texts.DISMISS, "plain")
        self.dismiss_button.clicked.connect(self.dismissed)
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        for button in (self.button, self.dismiss_button):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout()
        column.setSpacing(9)
        column.addStretch()
        for line in (self.title, self.sentence, self.time):
            column.addWidget(line)
        column.addSpacing(14)
        column.addLayout(buttons)
        column.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(30, 24, 30, 24)
        row.setSpacing(26)
        row.addWidget(self.ring, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(column, 1)
        self.hide()

    def set_low(self, low: bool) -> None:
        """Whether the window is too low for its whole height."""
        self.setFixedHeight(LOW_HEIGHT if low else PANEL_HEIGHT)
        layout = self.layout()
        if layout is not None:
            margin = 12 if low else 24
            layout.setContentsMargins(30, margin, 30, margin)

    def _button(self, text: str, kind: str) -> QPushButton:
        made = QPushButton(text)
        made.setProperty("kind", kind)
        made.setAutoDefault(True)  # Enter presses it
        return made

    def show_continuation(self, shown: Continuation | None) -> None:
        """Called at each tick."""
        before, self._shown = self._shown, shown
        if shown is not None:
            self._show(shown)
            self._announce(before, shown)
        self.setVisible(shown is not None)

    def _show(self, shown: Continuation) -> None:
        match shown:
            case Leaving():
                set_text(self.title, texts.LEAVING)
                set_text(self.sentence, texts.LEAVING_TEXT)
                set_text(self.time, "")
                self.ring.show_time(texts.LEAVING, "", None)
            case Alive(title, sentence, time, digits, share):
                set_text(self.title, title)
                set_text(self.sentence, sentence)
                set_text(self.time, time)
                self.ring.show_time(time, digits, 1.0 if share is None else share)
            case Over(title, sentence):
                set_text(self.title, title)
                set_text(self.sentence, sentence)
                set_text(self.time, "")
                self.ring.show_time(title, "0:00", 0.0)
            case _:
                assert_never(shown)
        had_focus = self.button.hasFocus()
        self.button.setVisible(not isinstance(shown, Over))
        self.button.setEnabled(isinstance(shown, Alive))
        self.dismiss_button.setVisible(isinstance(shown, Over))
        if had_focus and isinstance(shown, Over):
            self.dismiss_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _announce(self, before: Continuation | None, shown: Continuation) -> None:
        if type(before) is not type(shown):
            parts = (self.title.text(), self.sentence.text(), self.time.text())
            self.announced.emit(" ".join(part for part in parts if part))
        elif isinstance(shown, Alive) and isinstance(before, Alive) and before != shown:
            spoken = {f"{at // 60}:{at % 60:02}" for at in SPOKEN_TIMES_S}
            if shown.digits != before.digits and shown.digits in spoken:
                self.announced.emit(shown.time)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        shape = QPainterPath()
        shape.addRoundedRect(edge, _RADIUS, _RADIUS)
        painter.fillPath(shape, theme.colour(theme.CARD))
        painter.fillPath(shape, _evening(edge))
        painter.setPen(QPen(theme.colour(theme.HAIRLINE), 1.0))
        painter.drawPath(shape)
        painter.end()


def _evening(area: QRectF) -> QLinearGradient:
    """A quiet sky, where no picture of the game is kept."""
    gradient = QLinearGradient(
        QPointF(area.left() + area.width() * 0.45, area.bottom()), area.topRight()
    )
    for place, colour in ((0.0, theme.CARD), (1.0, theme.RAISED)):
        gradient.setColorAt(place, theme.colour(colour))
    return gradient
