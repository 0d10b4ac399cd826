"""The controls of the settings: a switch, a choice, a slider, and a button; for mouse and keyboard.

All have the same focus ring, 2 px in the colour of text. The wheel scrolls the page and changes
nothing.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QObject,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyledItemDelegate,
    QWidget,
)

from rejoin.gui import theme
from rejoin.gui.labels import TextButton
from rejoin.gui.roles import Role
from rejoin.language import tr
from rejoin.runtime.setting_kinds import Value

FOCUS_PX = 2
SAVE_AFTER_MS = 250
"""A slider that is dragged is saved when it rests this long, or is let go."""
ASKS_FOR_MS = 6000
"""A button that asks waits this long for the press that is meant."""
_RADIUS_PX = 9.0


class Switch(QAbstractButton):
    """On or off."""

    picked = Signal(bool)
    """What the player chose, by mouse, by keyboard, or by a screen reader, which clicks nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.toggled.connect(self.picked)

    def show_on(self, on: bool) -> None:
        """Show what is set."""
        before = self.blockSignals(True)
        self.setChecked(on)
        self.blockSignals(before)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(46) + 8, theme.scaled(26) + 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isChecked()
        track = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        radius = track.height() / 2
        painter.setPen(QPen(theme.colour(Role.ACCENT if on else Role.EDGE), 1.0))
        painter.setBrush(theme.colour(Role.ACCENT if on else Role.CONTROL))
        painter.drawRoundedRect(track.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        side = track.height() - 6
        at_right = on != self.isRightToLeft()
        left = track.right() - 3 - side if at_right else track.left() + 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(Role.ON_ACCENT if on else Role.QUIET))
        painter.drawEllipse(QRectF(left, track.top() + 3, side, side))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour(Role.TEXT), FOCUS_PX))
            around = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(around, radius + 3, radius + 3)
        painter.end()


class ChoiceBox(QComboBox):
    """One of some values; the arrow keys change it.

    What is released over its open list, which is a window of its own, is passed on to the window
    around: the key may have been pressed in the game.
    """

    picked = Signal(object)
    """The value that the player chose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        # Fusion's own delegate draws a menu, which the style sheet cannot reach.
        self.setItemDelegate(QStyledItemDelegate(self))
        self.view().installEventFilter(self)
        self._offered: list[tuple[Value, str]] = []
        self.activated.connect(lambda at: self.picked.emit(self._offered[at][0]))

    def offer(self, values: list[tuple[Value, str]], now: Value) -> None:
        """Show these values, and the one that is set."""
        if values != self._offered:
            self._offered = list(values)
            self.clear()
            self.addItems([text for _, text in values])
        at = next((n for n, (value, _) in enumerate(values) if value == now), -1)
        if at != self.currentIndex():
            self.setCurrentIndex(at)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyRelease:
            QCoreApplication.sendEvent(self, event.clone())
        return False

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.showPopup()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        role = Role.TEXT if self.isEnabled() else Role.DISABLED_TEXT
        painter.setBrush(theme.colour(role))
        x = 20.0 if self.isRightToLeft() else self.width() - 20.0
        y = self.height() / 2.0
        painter.drawPolygon(
            QPolygonF([QPointF(x - 4, y - 2), QPointF(x + 4, y - 2), QPointF(x, y + 3)])
        )
        painter.end()


class NumberSlider(QWidget):
    """A number, which is said beside it."""

    picked = Signal(int)
    """The number that the player chose, once the slider rests."""

    moved = Signal(int)
    """The number at each step, for what follows at once."""

    def __init__(self, text: str, most: int, step: int = 1, parent: QWidget | None = None) -> None:
        """From 0 to `most`, in steps. `text`: marked, with `{number}` in it."""
        super().__init__(parent)
        self._text, self._step = text, step
        self.slider = _RingedSlider()
        self.slider.setRange(0, most // step)
        self.slider.setSingleStep(1)
        self.slider.setPageStep(10)
        self.digits = QLabel()
        self.digits.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFocusProxy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.slider, 1)
        row.addWidget(self.digits)
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(SAVE_AFTER_MS)
        self._resting.timeout.connect(self._rest)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.sliderReleased.connect(self._rest)
        self._fit()

    @property
    def number(self) -> int:
        """What is shown."""
        return self.slider.value() * self._step

    def show_number(self, number: int) -> None:
        """Show this number, unless the player is about to choose another one."""
        if self.slider.isSliderDown() or self._resting.isActive():
            return
        before = self.slider.blockSignals(True)
        self.slider.setValue(number // self._step)
        self.slider.blockSignals(before)
        self.digits.setText(self._said(self.number))

    def _said(self, number: int) -> str:
        return tr(self._text, number=number)

    def _on_moved(self, _value: int) -> None:
        self.digits.setText(self._said(self.number))
        self.moved.emit(self.number)
        self._resting.start()

    def _rest(self) -> None:
        self._resting.stop()
        self.picked.emit(self.number)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        self.slider.setMinimumWidth(theme.scaled(130))
        widest = self._said(self.slider.maximum() * self._step)
        room = self.digits.fontMetrics().horizontalAdvance(widest) + 4
        self.digits.setMinimumWidth(max(room, theme.scaled(44)))


class PercentSlider(NumberSlider):
    """A number of per cent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", 100, parent=parent)

    def show_percent(self, percent: int) -> None:
        """As `show_number`."""
        self.show_number(percent)

    def _said(self, number: int) -> str:
        return tr("{percent} %", percent=number)


class _RingedSlider(QSlider):
    """With the focus ring, which a style sheet cannot draw around a slider."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(30)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour(Role.TEXT), FOCUS_PX))
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(1, 1, -1, -1), _RADIUS_PX, _RADIUS_PX
            )
            painter.end()


def action_button(text: str, kind: str = "") -> TextButton:
    """A button that does something at once. `text`: marked."""
    made = TextButton(text, kind)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setAutoDefault(True)  # Enter presses it
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


class TwiceButton(TextButton):
    """For what cannot be taken back: pressed once it asks, pressed again it is meant."""

    confirmed = Signal()

    def __init__(self, text: str, question: str) -> None:
        """Both are marked texts."""
        super().__init__(text, "plain")
        self._text, self._question = text, question
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoDefault(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.asks = False
        """Whether the next press is meant."""
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(ASKS_FOR_MS)
        self._patience.timeout.connect(self.forget)
        self._ask(False)
        self.clicked.connect(self._on_pressed)

    def forget(self) -> None:
        """Ask again at the next press."""
        self._ask(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.forget()

    def _on_pressed(self) -> None:
        if self.asks:
            self.forget()
            self.confirmed.emit()
        else:
            self._ask(True)
            self._patience.start()

    def _ask(self, asks: bool) -> None:
        self.asks = asks
        self._patience.stop()
        self.say(self._question if asks else self._text)
