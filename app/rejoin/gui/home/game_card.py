"""The cards: one for each game, and one that adds a game. Each is a button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QFontMetricsF,
    QKeyEvent,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget

from rejoin.gui import theme
from rejoin.gui.home import texts
from rejoin.gui.home.contents import GameCard
from rejoin.language import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QImage  # the home is painted without

CARD_HEIGHT = 185
_TILE = 118
"""How much of it is the picture."""
_ICON = 80
"""The side of the studio's icon in it."""
_RADIUS = 14.0
_PAD = 15
_MORE = QSize(34, 30)
_PRESS_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class TileButton(QAbstractButton):
    """A button as large as a card, with one focus ring."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fit()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        """The picture, and below it two lines of text of the player's size."""
        self.setFixedHeight(_TILE + theme.scaled(CARD_HEIGHT - _TILE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _PRESS_KEYS and not event.isAutoRepeat():
            self.click()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()  # the page moves the focus, by where its cards are
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def outline(self) -> tuple[QRectF, QPen]:
        """Where the edge is, and how it is drawn."""
        if self.hasFocus():
            return QRectF(self.rect()).adjusted(1, 1, -1, -1), QPen(theme.colour(theme.TEXT), 2.0)
        hairline = theme.colour(theme.QUIET_TEXT if self.underMouse() else theme.HAIRLINE)
        return QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), QPen(hairline, 1.0)


class GameTile(TileButton):
    """One game: a press plays it. Its menu has the rest."""

    more = Signal()
    """The menu was asked for, by its button, the menu key or the right mouse button."""

    def __init__(self, card: GameCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card = card
        self._icon: QImage | None = None
        self.more_button = QPushButton("\u22ef", self)
        self.more_button.setProperty("kind", "icon")
        self.more_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more_button.clicked.connect(self.more)
        self.show_card(card)

    @property
    def card(self) -> GameCard:
        return self._card

    def show_card(self, card: GameCard) -> None:
        """Show this in place of what was shown."""
        self._card = card
        self.setAccessibleName(card.spoken)
        self.more_button.setAccessibleName(tr(texts.MORE, name=card.name))
        self.setToolTip("\n".join(each for each in (card.name, card.host) if each))
        self.update()

    def show_icon(self, icon: QImage | None) -> None:
        """In place of the initials; None: there is none."""
        if icon is not self._icon:
            self._icon = icon
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_more()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._place_more()

    def _place_more(self) -> None:
        self.more_button.setFixedSize(theme.scaled(_MORE.width()), theme.scaled(_MORE.height()))
        right = self.width() - self.more_button.width() - 8
        self.more_button.move(8 if self.isRightToLeft() else right, 8)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.more.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        edge, pen = self.outline()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(edge, _RADIUS, _RADIUS)
        painter.fillPath(shape, theme.colour(theme.CARD))
        painter.setClipPath(shape)
        tile = QRectF(0, 0, self.width(), _TILE)
        painter.fillRect(tile, tile_gradient(self._card.key, tile))
        self._paint_icon(painter, tile)
        painter.setClipping(False)
        self._paint_lines(painter)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawRoundedRect(edge, _RADIUS, _RADIUS)
        painter.end()

    def _paint_icon(self, painter: QPainter, tile: QRectF) -> None:
        if self._icon is None:
            painter.setPen(theme.colour(theme.TEXT, 0.82))
            painter.setFont(theme.digit_font(40))
            painter.drawText(tile, Qt.AlignmentFlag.AlignCenter, initials(self._card.name))
            return
        place = QRectF(0, 0, _ICON, _ICON)
        place.moveCenter(tile.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._icon)

    def _paint_lines(self, painter: QPainter) -> None:
        bold = theme.digit_font(theme.scaled(theme.TEXT_PX))
        small = theme.text_font(theme.SMALL_PX)
        played = self._card.played
        if self._card.host:
            played = f" \u00b7 {played}"
        for font, text, after, colour, y in (
            (bold, self._card.name, "", theme.TEXT, 12),
            (small, self._card.host, played, theme.QUIET_TEXT, 33),
        ):
            top = _TILE + theme.scaled(y)
            room = QRectF(_PAD, top, self.width() - 2 * _PAD, theme.scaled(22))
            shown = _elided(text, after, QFontMetricsF(font), room.width())
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            painter.drawText(
                room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown
            )


def _elided(text: str, after: str, metrics: QFontMetricsF, room_px: float) -> str:
    """`text` is cut where there is no room for both, so that `after` stays whole."""
    left_px = room_px - metrics.horizontalAdvance(after)
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, left_px) + after


class AddTile(TileButton):
    """The last card, which adds a game."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._alone = True
        self._say_text()

    def _say_text(self) -> None:
        self.setAccessibleName(tr(texts.ADD))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say_text()
            self.update()

    def set_alone(self, alone: bool) -> None:
        """Whether it is the only card, and so the next thing to do."""
        self._alone = alone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        edge, pen = self.outline()
        if not self.hasFocus():
            pen.setStyle(Qt.PenStyle.DashLine)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.drawRoundedRect(edge, _RADIUS, _RADIUS)
        painter.setPen(theme.colour(theme.ACCENT if self._alone else theme.QUIET_TEXT))
        whole = QRectF(self.rect())
        painter.setFont(theme.text_font(28))
        plus = whole.translated(0, -theme.scaled(18))
        painter.drawText(plus, Qt.AlignmentFlag.AlignCenter, "+")
        painter.setPen(theme.colour(theme.TEXT if self._alone else theme.QUIET_TEXT))
        painter.setFont(theme.text_font(theme.TEXT_PX))
        painter.drawText(
            whole.adjusted(_PAD, theme.scaled(20), -_PAD, theme.scaled(20)),
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
            tr(texts.ADD),
        )
        painter.end()


def initials(name: str) -> str:
    """One or two letters of a name."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper()


def tile_gradient(key: str, area: QRectF) -> QLinearGradient:
    """Two quiet colours of one game's own, always the same. `key`: hex digits."""
    hue = int(key[:4], 16) % 360 if key else 210
    gradient = QLinearGradient(area.topLeft(), area.bottomRight())
    is_light = theme.colour(theme.INK).lightness() > 128
    strength, values = (40, (235, 215)) if is_light else (125, (92, 66))
    gradient.setColorAt(0.0, QColor.fromHsv(hue, strength, values[0]))
    gradient.setColorAt(1.0, QColor.fromHsv((hue + 40) % 360, strength, values[1]))
    return gradient
