"""One row of the settings: texts, and beside them its control, or below where there is no room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rejoin.gui import theme
from rejoin.gui.settings.controls import ChoiceBox, NumberSlider
from rejoin.gui.settings.rows import RowText

_CONTROL_PX = 236
_PAD_PX = 11


def text_label(kind: str = "") -> QLabel:
    """A label whose text wraps."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setProperty("kind", kind)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return made


class RowView(QWidget):
    """The row; `controls` are in the order of the keyboard. The first is named after the row."""

    def __init__(self, controls: Sequence[QWidget], *, last: bool = False) -> None:
        """`last`: no line below it."""
        super().__init__()
        self.controls = tuple(controls)
        self.title, self.now, self.notice = (
            text_label(kind) for kind in ("strong", "hint", "trouble")
        )
        self.notice.hide()
        if self.controls:
            # On Linux Qt names a choice by its value alone: a screen reader asks what labels it.
            self.title.setBuddy(self.controls[0])
        texts = QVBoxLayout()
        texts.setSpacing(3)
        for line in (self.title, self.now, self.notice):
            texts.addWidget(line)
        self._side = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._side.setSpacing(8)
        for control in self.controls:
            self._side.addWidget(control)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setContentsMargins(0, _PAD_PX, 0, _PAD_PX)
        self._row.addLayout(texts, 1)
        self._row.addLayout(self._side)
        separator = QFrame()
        separator.setProperty("kind", "separator")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._row)
        if not last:
            column.addWidget(separator)
        self._narrow = False
        self._place()

    def show_text(self, text: RowText) -> None:
        """Show it; a notice is announced with the control."""
        for line, words in (
            (self.title, text.title),
            (self.now, text.now),
            (self.notice, text.notice),
        ):
            if line.text() != words:
                line.setText(words)
            line.setVisible(bool(words))
        for control in self.controls:
            _describe(control.slider if isinstance(control, NumberSlider) else control, text)

    def set_narrow(self, narrow: bool) -> None:
        """Controls below the texts."""
        if narrow != self._narrow:
            self._narrow = narrow
            self._place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._place()

    def _place(self) -> None:
        across = QBoxLayout.Direction.LeftToRight
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if self._narrow else across)
        self._row.setSpacing(8 if self._narrow else 24)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        self._side.setAlignment((left if self._narrow else right) | Qt.AlignmentFlag.AlignVCenter)
        for control in self.controls:
            if isinstance(control, ChoiceBox | NumberSlider):
                control.setFixedWidth(theme.scaled(_CONTROL_PX))


def _describe(control: QWidget, text: RowText) -> None:
    """For screen readers. A button is named by what it does; what for is its description."""
    name, description = text.title, text.spoken
    if isinstance(control, QPushButton):
        name, description = control.accessibleName(), text.title or text.spoken
    if control.accessibleName() != name:
        control.setAccessibleName(name)
    if control.accessibleDescription() != description:
        control.setAccessibleDescription(description)
