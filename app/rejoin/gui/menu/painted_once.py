"""Caches a widget's painting until it changes.

A new picture of the game repaints everything that lies over it, sixty times a second: smooth lines
and round corners would cost more than the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme


class PaintedOnce:
    """Of one widget."""

    def __init__(self) -> None:
        self._made_for: tuple[object, ...] = ()
        self._pixmap = QPixmap()

    def draw(self, widget: QWidget, shown: object, paint: Callable[[QPainter], None]) -> None:
        """Draw on the whole widget, in its `paintEvent`. `shown`: the values on which `paint`
        depends, besides the widget's size and the theme."""
        ratio = widget.devicePixelRatioF()
        wanted = (shown, widget.size(), ratio, theme.appearance(), theme.shown_palette())
        if wanted != self._made_for:
            self._made_for = wanted
            self._pixmap = QPixmap(widget.size() * ratio)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint(painter)
            painter.end()
        painter = QPainter(widget)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.end()
