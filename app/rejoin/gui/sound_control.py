"""The volume control in a corner of the picture, for the mouse; the window handles the keys.

It takes no keyboard focus, so that keys still go to the game while the volume is changed.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QHideEvent,
    QIcon,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSlider, QStyle, QWidget

from rejoin.gui import texts, theme
from rejoin.gui.input import wheel_turn
from rejoin.gui.labels import label
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.language import tr
from rejoin.media.audio.volume import LOUDEST, STEP, SoundChoice

_ICON = QSize(18, 18)
_SLIDER_WIDTH_PX = 112
_NOTCH = 120
"""One step of a mouse wheel, in Qt's eighths of a degree."""


class _Slider(QSlider):
    """A slider whose handle jumps to where it is clicked."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            handle = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, None, self)
            at = round(event.position().x() - handle / 2)
            span = self.width() - handle
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, span))
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # SoundControl handles it, in the same steps as the keys.


class SoundControl(QFrame):
    """Shows a `SoundChoice` and lets the player change it with the mouse."""

    chosen = Signal(object)
    """The `SoundChoice` that the player made with it."""

    def __init__(self, choice: SoundChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hovered = False
        """Whether the pointer is over it."""
        self._choice = choice
        self._turned = 0
        row = QHBoxLayout(self)
        row.setContentsMargins(7, 5, 14, 5)
        row.setSpacing(8)
        self.switch = QPushButton()
        self.switch.setProperty("kind", "icon")
        self.switch.setIconSize(_ICON)
        self.switch.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.switch.clicked.connect(lambda: self._choose(self._choice.toggled()))
        self.slider = _Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, LOUDEST)
        self.slider.setPageStep(STEP)
        self.slider.setFixedWidth(_SLIDER_WIDTH_PX)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.valueChanged.connect(lambda value: self._choose(SoundChoice(value)))
        self.digits = label("pill", wraps=False)
        self.digits.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.switch, self.slider, self.digits):
            row.addWidget(widget)
        self._shortcuts = Shortcuts()
        self.name_keys(self._shortcuts)
        self.hide()
        self.set_choice(choice)

    def name_keys(self, shortcuts: Shortcuts) -> None:
        """Tool tips name the keys that do the same."""
        self._shortcuts = shortcuts
        switch = shortcuts.label(ShortcutAction.TOGGLE_SOUND)
        self.switch.setToolTip(texts.with_keys(tr(texts.SOUND_SWITCH_HINT), switch))
        self.slider.setAccessibleName(tr(texts.VOLUME))
        slider = map(shortcuts.label, (ShortcutAction.LOUDER, ShortcutAction.QUIETER))
        self.slider.setToolTip(texts.with_keys(tr(texts.VOLUME), *slider))

    @property
    def held(self) -> bool:
        """Whether it is in use and must stay visible: the pointer is on it or drags the slider."""
        return self.hovered or self.slider.isSliderDown()

    def set_choice(self, choice: SoundChoice) -> None:
        """Show this choice."""
        self._choice = choice
        before = self.slider.blockSignals(True)
        self.slider.setValue(0 if choice.muted else choice.volume)
        self.slider.blockSignals(before)
        self.digits.setText(texts.volume_digits(choice))
        self.digits.setFixedWidth(
            self.digits.fontMetrics().horizontalAdvance(tr("{percent} %", percent=100)) + 2
        )
        name = "icons/sound-off.svg" if choice.silent else "icons/sound.svg"
        icon = QIcon()
        for ratio in (1.0, 2.0):
            icon.addPixmap(theme.drawing(name, _ICON, ratio, theme.TEXT))
        self.switch.setIcon(icon)
        name, value = tr(texts.SOUND_SWITCH), texts.sound_text(choice)
        self.switch.setAccessibleName(tr("{name}: {value}", name=name, value=value))

    def _choose(self, choice: SoundChoice) -> None:
        self.set_choice(choice)
        self.chosen.emit(choice)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.hovered = True
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered = False
        super().leaveEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.hovered = False
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # A click beside the slider is not for the game behind it.

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._turned += wheel_turn(event)[1]
        while abs(self._turned) >= _NOTCH:
            up = self._turned > 0
            self._turned -= _NOTCH if up else -_NOTCH
            self._choose(self._choice.louder() if up else self._choice.quieter())
        event.accept()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self.isVisible():
            self.set_choice(self._choice)  # drawn again, in the colour and size of now
        elif event.type() == QEvent.Type.LanguageChange:
            self.name_keys(self._shortcuts)
            self.set_choice(self._choice)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.set_choice(self._choice)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.pill_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 11, 11)
        painter.end()
