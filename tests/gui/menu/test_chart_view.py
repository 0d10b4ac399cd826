"""A chart as it is painted: a line in the accent, stripes where the connection was lost."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from helpers.menu_scene import fill
from helpers.window_faces import NOW, delete
from rejoin.gui import theme
from rejoin.gui.menu.chart_view import ChartView
from rejoin.gui.menu.charts import SERIES, chart
from rejoin.gui.menu.history import Drop, History, PracticeMarks
from rejoin.gui.roles import Role

pytestmark = pytest.mark.usefixtures("application")


def near(image: QImage, role: Role, x: int) -> int:
    """How many pixels of a column are nearly of this role's colour."""
    wanted = theme.colour(role)

    def is_near(colour: QColor) -> bool:
        parts = ((colour.red(), wanted.red()), (colour.green(), wanted.green()))
        return all(abs(one - other) < 40 for one, other in (*parts,)) and (
            abs(colour.blue() - wanted.blue()) < 40
        )

    return sum(is_near(image.pixelColor(x, y)) for y in range(image.height()))


def painted(*, filled: bool) -> tuple[ChartView, QImage]:
    history = History()
    if filled:
        fill(history)
    view = ChartView()
    view.resize(600, 200)
    view.show_chart(chart(SERIES[0], history.samples(NOW), history.drops(NOW), NOW))
    return view, view.grab().toImage()


def test_a_line_is_drawn_and_drops_are_striped(application: QApplication) -> None:
    view, image = painted(filled=True)
    along = {ago: 14 + round((600 - 28) * (1 - ago / 60)) for ago in (45, 20, 5)}
    assert near(image, Role.ACCENT, along[45]) > 0
    assert near(image, Role.ACCENT, along[5]) > 0
    striped = [near(image, Role.DANGER, along[20] + step) for step in range(4)]
    assert max(striped) > 2, "stripes of full colour"
    assert max(near(image, Role.DANGER, along[45] + step) for step in range(4)) == 0
    delete(view)


def test_without_numbers_there_is_no_line_and_the_name_says_so(application: QApplication) -> None:
    view, image = painted(filled=False)
    assert sum(near(image, Role.ACCENT, x) for x in range(0, 600, 7)) == 0
    assert view.accessibleName() == "Bitrate: No numbers yet."
    delete(view)


def test_the_same_chart_again_repaints_nothing(application: QApplication) -> None:
    paints = 0

    class Counting(ChartView):
        def update(self) -> None:  # type: ignore[override]
            nonlocal paints
            paints += 1

    view, history = Counting(), History()
    fill(history)
    for now in (NOW, NOW, NOW + 1.0):
        view.show_chart(chart(SERIES[0], history.samples(now), history.drops(now), now))
    assert paints == 2
    delete(view)


def test_a_testers_fault_is_between_lines_and_a_marker_is_a_flag(
    application: QApplication,
) -> None:
    tested = PracticeMarks((Drop(NOW - 45.0, NOW - 30.0),), (NOW - 15.0,))
    view = ChartView()
    view.resize(600, 200)
    view.show_chart(chart(SERIES[0], (), (), NOW, tested))
    image = view.grab().toImage()
    along = {ago: 14 + round((600 - 28) * (1 - ago / 60)) for ago in (45, 40, 30, 15)}
    for ago in (45, 30):
        dashed = max(near(image, Role.DANGER, along[ago] + step) for step in (-1, 0, 1))
        assert 20 < dashed < 130, "with gaps"
    assert 0 < near(image, Role.DANGER, along[40]) < 8, "the line along the top"
    flag = max(near(image, Role.TEXT, along[15] + step) for step in (-1, 0, 1))
    assert flag > 80
    delete(view)
