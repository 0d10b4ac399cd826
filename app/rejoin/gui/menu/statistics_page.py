"""The page of charts: the stream's numbers over the last minute, refreshed with each sample."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.labels import label
from rejoin.gui.menu import texts
from rejoin.gui.menu.chart_view import ChartView
from rejoin.gui.menu.charts import SERIES, chart
from rejoin.gui.menu.history import History
from rejoin.gui.menu.painted_once import PaintedOnce
from rejoin.gui.settings import sections
from rejoin.gui.settings.controls import action_button
from rejoin.language import sentences, tr

_GAP_PX = 12
_TWO_COLUMNS_PX = 620
_RADIUS_PX = 11.0


class _Legend(QFrame):
    """On a ground of its own, as pills have: a line, and a second one for testers."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._painted = PaintedOnce()
        self.line = label("hint")
        self.tested = label("hint")
        self.tested.hide()
        self._name()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 7)
        column.setSpacing(2)
        column.addWidget(self.line)
        column.addWidget(self.tested)

    def show_tested(self, tested: bool) -> None:
        """Whether the charts have anything of a tester."""
        if tested == self.tested.isHidden():
            self.tested.setVisible(tested)

    def _name(self) -> None:
        """In the language of now."""
        self.line.setText(sentences(tr(texts.LAST_MINUTE), tr(texts.DROPS_MARKED)))
        self.tested.setText(tr(texts.TESTED_MARKED))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._name()

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted.draw(self, None, self._paint)

    def _paint(self, painter: QPainter) -> None:
        painter.setBrush(theme.pill_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        inside = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inside, _RADIUS_PX, _RADIUS_PX)


class StatisticsPage(QWidget):
    """Beside the panel, or alone where there is no room for both: then it has a *Back*."""

    left = Signal()
    """The player goes back, where it is alone."""

    def __init__(self, history: History, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._clock = clock
        self._name()
        self.back = action_button(sections.BACK)
        self.back.clicked.connect(self.left)
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP_PX)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._area = QScrollArea(self)
        ground = QWidget(self._area)
        self._area.setWidget(ground)
        # Theirs from the start: in the grid they are only once the page has a size.
        self.charts = [ChartView(ground) for _ in SERIES]
        inside = QVBoxLayout(ground)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(_GAP_PX)
        inside.addLayout(self._grid, 1)
        self.legend = _Legend(ground)
        inside.addWidget(self.legend)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP_PX)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._area, 1)
        self._columns = 0
        self.hide()

    def _name(self) -> None:
        """In the language of now."""
        self.setAccessibleName(tr(texts.STATISTICS_TITLE))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._name()

    def refresh(self) -> None:
        """Show the last minute, as it is now."""
        now = self._clock()
        samples, drops = self._history.samples(now), self._history.drops(now)
        tested = self._history.tested(now)
        for view, series in zip(self.charts, SERIES, strict=True):
            view.show_chart(chart(series, samples, drops, now, tested))
        self.legend.show_tested(bool(tested.faults or tested.markers))

    def set_alone(self, alone: bool) -> None:
        """There is no room for the panel beside it."""
        self.back.setVisible(alone)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = 2 if self.width() >= theme.scaled(_TWO_COLUMNS_PX) else 1
        if columns != self._columns:
            self._columns = columns
            for at, view in enumerate(self.charts):
                self._grid.addWidget(view, at // columns, at % columns)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self._area.verticalScrollBar()
        steps = {
            Qt.Key.Key_Up: -bar.singleStep() * 2,
            Qt.Key.Key_Down: bar.singleStep() * 2,
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            bar.setValue(bar.value() + step)
