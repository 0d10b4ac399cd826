"""What is painted once: not again for a new picture beneath, but for everything that changes it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from helpers.settings_page import usual_theme
from helpers.window_faces import delete
from rejoin.gui import theme
from rejoin.gui.menu.painted_once import PaintedOnce
from rejoin.gui.roles import Appearance, ThemeChoice


class Painted(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.shown = "one"
        self.paints = 0
        self._once = PaintedOnce()
        self.resize(40, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._once.draw(self, self.shown, self._paint)

    def _paint(self, painter: QPainter) -> None:
        self.paints += 1
        painter.fillRect(self.rect(), theme.colour(theme.ACCENT))


def test_it_is_painted_again_only_when_something_has_changed(application: QApplication) -> None:
    with usual_theme(application):
        widget = Painted()
        found = []
        changes: tuple[Callable[[], None], ...] = (
            lambda: None,
            lambda: None,
            lambda: setattr(widget, "shown", "another"),
            lambda: widget.resize(50, 30),
            lambda: theme.apply(application, Appearance(ThemeChoice.LIGHT)),
            lambda: None,
        )
        for change in changes:
            change()
            shown = widget.grab().toImage()
            assert shown.pixelColor(20, 15) == theme.colour(theme.ACCENT)
            found.append(widget.paints)
        assert found == [1, 1, 2, 3, 4, 4]
        delete(widget)
