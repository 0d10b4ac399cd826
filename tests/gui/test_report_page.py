"""The page of a report: what it shows is what is copied and saved; the keyboard reads it all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock
from rejoin.gui.card import SETTLED_S, UNARMED_S
from rejoin.gui.report_page import ReportPage

REPORT = "Rejoin report\n" + "".join(f"Line {number}: <b>plain</b>\n" for number in range(60))


@pytest.fixture
def page(application: QApplication) -> Iterator[ReportPage]:
    clock = FakeClock()
    made = ReportPage(clock)
    made.resize(640, 400)
    made.open(REPORT)
    made.appear()
    clock.now += UNARMED_S + SETTLED_S
    application.processEvents()
    yield made
    made.close()


def test_what_is_copied_is_what_is_shown(page: ReportPage) -> None:
    heard: list[str] = []
    page.copied.connect(lambda: heard.append("copied"))
    page.save_wanted.connect(heard.append)
    assert page.text.text() == REPORT
    assert page.focusWidget() is page.copy_button
    QTest.keyClick(page.copy_button, Qt.Key.Key_Return)
    assert QGuiApplication.clipboard().text() == REPORT
    assert page.outcome.text() == "Copied."
    QTest.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    assert heard == ["copied", REPORT]


def test_the_keyboard_reads_to_the_end_whichever_button_has_the_focus(page: ReportPage) -> None:
    bar = page.area.verticalScrollBar()
    assert bar.maximum() > 0, "the text is longer than its place"
    for button in (page.copy_button, page.back_button):
        button.setFocus()
        for key, reached in (
            (Qt.Key.Key_End, bar.maximum()),
            (Qt.Key.Key_Home, 0),
            (Qt.Key.Key_PageDown, min(bar.maximum(), bar.pageStep())),
            (Qt.Key.Key_PageUp, 0),
        ):
            QTest.keyClick(button, key)
            assert bar.value() == reached
    QTest.keyClick(page.back_button, Qt.Key.Key_End)
    page.open("another")
    assert bar.value() == 0


@pytest.mark.parametrize("by_key", [True, False])
def test_it_leads_back(page: ReportPage, by_key: bool) -> None:
    left: list[int] = []
    page.left.connect(lambda: left.append(1))
    assert page.is_open
    if by_key:
        QTest.keyClick(page.save_button, Qt.Key.Key_Escape)
    else:
        QTest.mouseClick(page.back_button, Qt.MouseButton.LeftButton)
    assert (left, page.is_open) == ([1], False)


def test_what_became_of_saving_is_shown_until_it_is_opened_again(page: ReportPage) -> None:
    page.show_outcome("Saved: Documents/a.txt")
    assert page.outcome.text() == "Saved: Documents/a.txt"
    page.open(REPORT)
    assert not page.outcome.isVisible()
