"""One chart of the last minute: its name, the value of now, a line, and the drops in stripes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from rejoin.gui import theme
from rejoin.gui.menu.charts import Chart
from rejoin.gui.menu.painted_once import PaintedOnce
from rejoin.gui.roles import Role
from rejoin.language import tr

_PAD_PX = 14
_LINE_PX = 2.0
_DOT_PX = 3.0
_FILL = 0.14
_DROP_FILL = 0.22
_LEAST_DROP_PX = 3.0
"""A drop of a few tenths of a second is seen, too."""
_VALUE_PX = 20
_FAULT_PX = 3.0
_FLAG_PX = 9.0


class ChartView(QWidget):
    """Repaints when it is shown another chart, and at no other time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chart: Chart | None = None
        self._painted = PaintedOnce()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def chart(self) -> Chart | None:
        """What is shown."""
        return self._chart

    def show_chart(self, chart: Chart) -> None:
        if chart == self._chart:
            return
        self._chart = chart
        if self.accessibleName() != chart.spoken:
            self.setAccessibleName(chart.spoken)
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and self._chart is not None:
            self._painted = PaintedOnce()
            self.setAccessibleName(self._chart.spoken)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(300), theme.scaled(130))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(200), theme.scaled(104))

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted.draw(self, self._chart, self._paint)

    def _paint(self, painter: QPainter) -> None:
        painter.setBrush(theme.card_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        radius = theme.CARD_RADIUS - 4
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        if self._chart is not None:
            self._paint_texts(painter, self._chart)
            self._paint_drops(painter, self._chart)
            self._paint_tested(painter, self._chart)
            self._paint_lines(painter, self._chart)

    def _heading(self) -> QRectF:
        """Name and value."""
        inside = QRectF(self.rect()).adjusted(_PAD_PX, 8, -_PAD_PX, 0)
        inside.setHeight(theme.scaled(_VALUE_PX + 8))
        return inside

    def _plot(self) -> QRectF:
        plot = QRectF(self.rect()).adjusted(_PAD_PX, 0, -_PAD_PX, -10)
        plot.setTop(self._heading().bottom() + theme.scaled(theme.SMALL_PX) + 4)
        return plot

    def _paint_texts(self, painter: QPainter, chart: Chart) -> None:
        heading, middle = self._heading(), Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.text_font(theme.SMALL_PX))
        painter.setPen(theme.colour(Role.QUIET))
        painter.drawText(heading, Qt.AlignmentFlag.AlignLeft | middle, tr(chart.series.name))
        unit = f" {chart.series.unit}" if chart.series.unit and chart.now is not None else ""
        width = painter.fontMetrics().horizontalAdvance(unit)
        painter.drawText(heading, Qt.AlignmentFlag.AlignRight | middle, unit)
        painter.setFont(theme.digit_font(theme.scaled(_VALUE_PX)))
        painter.setPen(theme.colour(Role.TEXT))
        value = heading.adjusted(0, 0, -width, 0)
        now = chart.series.text(chart.now)
        painter.drawText(value, Qt.AlignmentFlag.AlignRight | middle, now)
        plot = self._plot()
        painter.setPen(QPen(theme.colour(Role.FAINT), 1.0))
        for y in (plot.top(), plot.bottom()):
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        small = QFont(theme.text_font(theme.SMALL_PX - 2))
        painter.setFont(small)
        painter.setPen(theme.colour(Role.QUIET))
        above = QRectF(plot.left(), heading.bottom(), plot.width(), plot.top() - heading.bottom())
        painter.drawText(
            above,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom,
            chart.top_text,
        )

    def _paint_drops(self, painter: QPainter, chart: Chart) -> None:
        """Striped, so that they are no matter of colour alone."""
        plot = self._plot()
        for begin, end in chart.drops:
            left, right = (plot.left() + along * plot.width() for along in (begin, end))
            band = QRectF(left, plot.top(), max(_LEAST_DROP_PX, right - left), plot.height())
            band = band.intersected(plot)
            painter.fillRect(band, theme.colour(Role.DANGER, _DROP_FILL))
            stripes = QBrush(theme.colour(Role.DANGER), Qt.BrushStyle.BDiagPattern)
            painter.fillRect(band, stripes)

    def _paint_tested(self, painter: QPainter, chart: Chart) -> None:
        """Faults of a tester between dashed lines, with a line along the top; markers as flags."""
        plot = self._plot()
        dashed = QPen(theme.colour(Role.DANGER), _LINE_PX, Qt.PenStyle.DashLine)
        along = QPen(theme.colour(Role.DANGER), _FAULT_PX)
        for begin, end in chart.faults:
            left, right = (plot.left() + each * plot.width() for each in (begin, end))
            painter.setPen(dashed)
            for x in (left, right):
                painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            painter.setPen(along)
            painter.drawLine(QPointF(left, plot.top()), QPointF(max(left + 1, right), plot.top()))
        for marker in chart.markers:
            top = QPointF(plot.left() + marker * plot.width(), plot.top())
            painter.setPen(QPen(theme.colour(Role.TEXT), _LINE_PX))
            painter.setBrush(theme.colour(Role.TEXT))
            painter.drawLine(top, QPointF(top.x(), plot.bottom()))
            away = -_FLAG_PX if marker > 0.5 else _FLAG_PX
            flag = [top, top + QPointF(away, _FLAG_PX / 2), top + QPointF(0, _FLAG_PX)]
            painter.drawPolygon(QPolygonF(flag))

    def _paint_lines(self, painter: QPainter, chart: Chart) -> None:
        plot = self._plot()
        accent = theme.colour(Role.ACCENT)
        for line in chart.lines:
            points = [
                QPointF(plot.left() + x * plot.width(), plot.bottom() - y * plot.height())
                for x, y in line
            ]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            if len(points) == 1:
                painter.drawEllipse(points[0], _DOT_PX / 2, _DOT_PX / 2)
                continue
            below = [QPointF(points[-1].x(), plot.bottom()), QPointF(points[0].x(), plot.bottom())]
            painter.setBrush(theme.colour(Role.ACCENT, _FILL))
            painter.drawPolygon(QPolygonF([*points, *below]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(accent, _LINE_PX))
            painter.drawPolyline(QPolygonF(points))
