"""The page of charts: all six, in a layout that fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.menu_scene import fill
from helpers.window_faces import NOW, delete
from rejoin.gui.menu.charts import SERIES
from rejoin.gui.menu.history import History
from rejoin.gui.menu.statistics_page import StatisticsPage


@pytest.fixture
def page(application: QApplication) -> Iterator[StatisticsPage]:
    history = History()
    fill(history)
    made = StatisticsPage(history, lambda: NOW)
    made.resize(840, 640)
    made.show()
    QCoreApplication.processEvents()
    yield made
    delete(made)


def columns(page: StatisticsPage) -> int:
    return len({view.x() for view in page.charts})


def test_every_series_has_a_chart_with_its_numbers(page: StatisticsPage) -> None:
    shown = [view.chart.series.name for view in page.charts if view.chart is not None]
    assert shown == [series.name for series in SERIES]
    assert all(view.chart is not None and view.chart.now is not None for view in page.charts)
    assert all("lost once" in view.accessibleName() for view in page.charts)


def test_two_columns_where_there_is_room_else_one(page: StatisticsPage) -> None:
    assert columns(page) == 2
    page.resize(420, 640)
    QCoreApplication.processEvents()
    assert columns(page) == 1


def test_alone_it_has_a_way_back_and_scrolls_by_the_arrows(page: StatisticsPage) -> None:
    left: list[bool] = []
    page.left.connect(lambda: left.append(True))
    page.resize(420, 300)
    page.set_alone(True)
    QCoreApplication.processEvents()
    before = page.charts[0].mapTo(page, page.charts[0].rect().topLeft()).y()
    QTest.keyClick(page, Qt.Key.Key_PageDown)
    QCoreApplication.processEvents()
    assert page.charts[0].mapTo(page, page.charts[0].rect().topLeft()).y() < before
    page.back.click()
    assert left == [True]
    page.set_alone(False)
    assert page.back.isHidden()


def test_the_legend_names_what_is_a_testers_only_where_there_is_any(
    application: QApplication,
) -> None:
    history = History()
    fill(history)
    page = StatisticsPage(history, lambda: NOW)
    page.resize(840, 640)
    page.show()
    QCoreApplication.processEvents()
    assert page.legend.tested.isHidden()
    history.mark(NOW - 1.0)
    page.refresh()
    QCoreApplication.processEvents()
    assert page.legend.tested.isVisible()
    lines = page.legend.tested
    assert lines.height() >= lines.heightForWidth(lines.width()), "not cut off"
    delete(page)
