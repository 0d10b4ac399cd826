"""The panel of the game that can still be saved: ring, time left, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.announcement import SPOKEN_TIMES_S
from rejoin.gui.home import texts
from rejoin.gui.home.contents import Alive, Continuation, Leaving, Over
from rejoin.gui.labels import TextButton, label, set_text
from rejoin.gui.ring import Ring
from rejoin.language import sentences, tr

if TYPE_CHECKING:
    from PySide6.QtGui import QImage  # the home is painted without

PANEL_HEIGHT = 236
LOW_HEIGHT = 172
_RING_PX = 128
_RADIUS = 18.0
_SIDE = 30
PICTURE_FROM = 0.5
"""The share of the panel's width at which the picture begins; under it there is only the card."""
_TEXT_UNTIL = 0.62
_LEAST_WIDTH = 720
"""Pixels; in a narrower panel the text needs the room of the picture."""


class ContinuePanel(QWidget):
    """Stands over everything while there is such a game."""

    chosen = Signal()
    """*Continue* was pressed."""
    dismissed = Signal()
    """The player has seen that it is over."""
    report_wanted = Signal()
    """*Report a problem* was pressed."""
    announced = Signal(str)
    """What screen readers are to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Continuation | None = None
        self._picture: QImage | None = None
        self.picture_shown = False
        """A picture stands beside the text: there is one, and room for both."""
        self._low = False
        self.ring = Ring(_RING_PX)
        self.title = label("page")
        self.sentence = label("quiet")
        self.time = label("strong")
        self.button = self._button(texts.CONTINUE, "primary")
        self.button.clicked.connect(self.chosen)
        self.dismiss_button = self._button(texts.DISMISS, "plain")
        self.dismiss_button.clicked.connect(self.dismissed)
        self.report_button = self._button(texts.REPORT_A_PROBLEM, "plain")
        self.report_button.clicked.connect(self.report_wanted)
        self._can_report = False
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        for button in (self.button, self.dismiss_button, self.report_button):
            buttons.addWidget(button)
        buttons.addStretch()
        self._column = column = QVBoxLayout()
        column.setSpacing(9)
        column.addStretch()
        for line in (self.title, self.sentence, self.time):
            column.addWidget(line)
        column.addSpacing(14)
        column.addLayout(buttons)
        column.addStretch()
        row = QHBoxLayout(self)
        row.setSpacing(26)
        row.addWidget(self.ring, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(column, 1)
        self._lay_out()
        self.hide()

    def set_low(self, low: bool) -> None:
        """Whether the window is too low for its whole height."""
        self._low = low
        self._lay_out()

    def offer_report(self, offered: bool) -> None:
        """Whether the game that is shown was played here before, so that there is a report."""
        self._can_report = offered

    def show_picture(self, picture: QImage | None) -> None:
        """What the player saw last of the game, beside the text; None: nothing is shown of it."""
        self._picture = picture
        self._lay_out()
        self.update()

    def _lay_out(self) -> None:
        """The text leaves most of the picture free; where it cannot, there is no picture."""
        layout = self.layout()
        if layout is None or self._shown is None:  # one that is hidden has no height
            return
        margin = 12 if self._low else 24
        height = LOW_HEIGHT if self._low else PANEL_HEIGHT
        shown = self._picture is not None and self.width() >= _LEAST_WIDTH
        if shown:
            free = round(self.width() * (1.0 - _TEXT_UNTIL))
            left, right = (free, _SIDE) if self.isRightToLeft() else (_SIDE, free)
            layout.setContentsMargins(left, margin, right, margin)
            self._column.invalidate()  # a new text of a label has reached only `layout`
            shown = layout.totalHeightForWidth(self.width()) <= height
        if not shown:
            layout.setContentsMargins(_SIDE, margin, _SIDE, margin)
            self._column.invalidate()
        # Large texts need more, and the page scrolls.
        self.setFixedHeight(max(height, layout.totalHeightForWidth(self.width())))
        if shown != self.picture_shown:
            self.picture_shown = shown
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._lay_out()

    def _button(self, text: str, kind: str) -> TextButton:
        made = TextButton(text, kind)
        made.setAutoDefault(True)  # Enter presses it
        return made

    def show_continuation(self, shown: Continuation | None) -> None:
        """Called at each tick."""
        before, self._shown = self._shown, shown
        if shown is not None:
            self._show(shown)
            self._announce(before, shown)
            if shown != before:
                self._lay_out()
        self.setVisible(shown is not None)

    def _show(self, shown: Continuation) -> None:
        match shown:
            case Leaving():
                set_text(self.title, tr(texts.LEAVING))
                set_text(self.sentence, tr(texts.LEAVING_TEXT))
                set_text(self.time, "")
                self.ring.show_time(tr(texts.LEAVING), "", None)
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
        self.report_button.setVisible(self._can_report and not isinstance(shown, Leaving))
        if had_focus and isinstance(shown, Over):
            self.dismiss_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _announce(self, before: Continuation | None, shown: Continuation) -> None:
        if type(before) is not type(shown):
            parts = (self.title.text(), self.sentence.text(), self.time.text())
            self.announced.emit(sentences(*parts))
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
        picture = self._picture
        if picture is None or not self.picture_shown:
            painter.fillPath(shape, _evening(edge))
        else:
            _paint_picture(painter, picture, edge, shape, mirrored=self.isRightToLeft())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE), 1.0))
        painter.drawPath(shape)
        painter.end()


def part_shown(width: float, height: float, area: QRectF) -> QRectF:
    """The middle of a picture of this size that fills `area` in its own shape."""
    scale = max(area.width() / width, area.height() / height)
    wide, high = area.width() / scale, area.height() / scale
    return QRectF((width - wide) / 2, (height - high) / 2, wide, high)


def _paint_picture(
    painter: QPainter, picture: QImage, edge: QRectF, shape: QPainterPath, *, mirrored: bool
) -> None:
    """On the right, fading into the card to the left; `mirrored`: the other way round."""
    area = QRectF(edge)
    if mirrored:
        area.setRight(edge.right() - edge.width() * PICTURE_FROM)
    else:
        area.setLeft(edge.left() + edge.width() * PICTURE_FROM)
    painter.save()
    painter.setClipPath(shape)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(area, picture, part_shown(picture.width(), picture.height(), area))
    begin, end = area.topLeft(), area.topRight()
    veil = QLinearGradient(end, begin) if mirrored else QLinearGradient(begin, end)
    text_until = (_TEXT_UNTIL - PICTURE_FROM) / (1.0 - PICTURE_FROM)
    for place, opacity in ((0.0, 1.0), (text_until, 0.85), (0.6, 0.45), (1.0, 0.3)):
        colour = theme.colour(theme.CARD)
        colour.setAlphaF(opacity)
        veil.setColorAt(place, colour)
    painter.fillRect(area.adjusted(-1, 0, 1, 0), veil)
    painter.restore()


def _evening(area: QRectF) -> QLinearGradient:
    """A quiet sky, where no picture of the game is kept."""
    gradient = QLinearGradient(
        QPointF(area.left() + area.width() * 0.45, area.bottom()), area.topRight()
    )
    for place, colour in ((0.0, theme.CARD), (1.0, theme.RAISED)):
        gradient.setColorAt(place, theme.colour(colour))
    return gradient
