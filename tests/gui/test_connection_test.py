"""The page *Test my connection*: by keyboard alone, cancelled at once, and read aloud."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from helpers.fake_port import FakeClock
from rejoin.gui.connection_test import ConnectionTestPage, Done, Idle, Running
from rejoin.runtime.doctor.findings import Began, OnUpdate, Report, failed, ok

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

PROXY = ok("proxy", "No proxy is used.")
DEAD = failed("dns", "There is no host x.", "Check the address.")
REPORT = Report((PROXY, DEAD))


class FakeTest:
    """Reports a check and a finding; ends when it is allowed to, or cancelled."""

    def __init__(self) -> None:
        self.go_on, self.cancelled = threading.Event(), threading.Event()

    def run(self, on_update: OnUpdate) -> Report:
        on_update(Began("proxy", 10.0))
        on_update(PROXY)
        on_update(Began("dns", 8.0))
        self.go_on.wait(60)
        on_update(DEAD)
        return Report((PROXY,), cancelled=True) if self.cancelled.is_set() else REPORT

    def cancel(self) -> None:
        self.cancelled.set()


class Shown:
    """A page with the tests that it made."""

    def __init__(self, backend_url: str | None, *, hides_hosts: bool = False) -> None:
        self.clock = FakeClock()
        self.tests: list[FakeTest] = []
        self.played: list[bool] = []
        self.left = 0
        self.page = ConnectionTestPage(
            backend_url, self._make, hides_hosts=hides_hosts, clock=self.clock
        )
        self.page.left.connect(self._count_left)
        self.page.resize(1024, 600)
        self.page.show()
        self.page.activateWindow()

    def _make(self, play: bool) -> FakeTest:
        self.played.append(play)
        self.tests.append(FakeTest())
        return self.tests[-1]

    def _count_left(self) -> None:
        self.left += 1

    def rows(self) -> list[str]:
        """What a screen reader reads of each row."""
        page = self.page
        found = []
        for row in range(page.rows.rowCount()):
            item = page.rows.itemAtPosition(row, 2)
            widget = None if item is None else item.widget()
            if isinstance(widget, QLabel):
                found.append(widget.accessibleName())
        return found

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(6000):
            QApplication.processEvents()
            if condition():
                return
            QTest.qWait(5)
        raise AssertionError("timed out")

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.page.focusWidget(), key)

    def is_running(self) -> bool:
        return isinstance(self.page.state, Running)


@pytest.fixture
def shown(application: QApplication) -> Iterator[Shown]:
    made = Shown("https://studio.example")
    yield made
    for test in made.tests:
        test.go_on.set()
    made.page.close()
    made.page.deleteLater()
    QApplication.processEvents()


def test_a_test_by_keyboard_alone(shown: Shown) -> None:
    page = shown.page
    assert page.focusWidget() is page.start_button
    assert page.address.text() == "https://studio.example"
    shown.press(Qt.Key.Key_Space)
    assert isinstance(page.state, Running)
    assert shown.played == [False]
    assert page.focusWidget() is page.cancel_button
    shown.until(lambda: page.awaited.text() == "Name (DNS) ... about 8 s left")
    assert page.bar.value() == 200
    shown.tests[0].go_on.set()
    shown.until(lambda: isinstance(page.state, Done))
    assert shown.rows() == [
        "Proxy: good. No proxy is used.",
        "Name (DNS): does not work. There is no host x.",
    ]
    assert page.title.text() == "Something does not work"
    assert page.advice.text() == "Check the address."
    assert page.focusWidget() is page.copy_button
    shown.press(Qt.Key.Key_Return)
    assert "There is no host x." in QGuiApplication.clipboard().text()
    assert page.copy_button.text() == "Report copied"
    reached = []
    for _ in range(8):
        shown.press(Qt.Key.Key_Tab)
        reached.append(page.focusWidget())
    for each in (page.back_button, page.game_button, page.start_button, page.scroll_area):
        assert each in reached
    shown.press(Qt.Key.Key_Escape)
    assert shown.left == 1


def test_in_streamer_mode_no_host_is_seen_and_the_copied_report_has_it(
    application: QApplication,
) -> None:
    shown = Shown("http://x", hides_hosts=True)
    page = shown.page
    assert page.address.text() == "[hidden]"
    page.start(play=False)
    shown.tests[0].go_on.set()
    shown.until(lambda: isinstance(page.state, Done))
    assert shown.rows()[1] == "Name (DNS): does not work. There is no host [hidden]."
    page.copy_button.click()
    assert "There is no host x." in QGuiApplication.clipboard().text()
    page.close()
    page.deleteLater()
    QApplication.processEvents()


def test_time_goes_on_between_two_updates(shown: Shown) -> None:
    page = shown.page
    page.start(play=True)
    assert shown.played == [True]
    shown.until(lambda: page.bar.value() == 200)
    shown.clock.now += 4.0
    shown.until(lambda: page.awaited.text() == "Name (DNS) ... about 4 s left")
    assert page.bar.value() == 600


@pytest.mark.parametrize("how", ["escape", "button", "hidden"])
def test_cancelling_ends_it_at_once(shown: Shown, how: str) -> None:
    page = shown.page
    page.start(play=True)
    shown.until(lambda: shown.rows() == ["Proxy: good. No proxy is used."])
    if how == "escape":
        shown.press(Qt.Key.Key_Escape)
    elif how == "button":
        QTest.mouseClick(page.cancel_button, Qt.MouseButton.LeftButton)
    else:
        page.hide()
    assert isinstance(page.state, Done)
    assert page.state.report.cancelled
    assert shown.tests[0].cancelled.is_set()
    assert page.title.text() == "The test was cancelled."
    assert shown.left == 0
    shown.tests[0].go_on.set()  # what the old test still says is nobody's business
    page.start(play=False)
    shown.until(lambda: shown.rows() == ["Proxy: good. No proxy is used."])
    assert shown.is_running()


def test_a_second_start_does_nothing(shown: Shown) -> None:
    shown.page.start(play=False)
    shown.page.start(play=False)
    assert len(shown.tests) == 1


def test_without_a_studio_there_is_nothing_to_test(application: QApplication) -> None:
    shown = Shown(None)
    page = shown.page
    assert page.address.text().startswith("Choose a studio first")
    assert not page.start_button.isVisible()
    assert page.focusWidget() is page.back_button
    page.start(play=False)
    assert isinstance(page.state, Idle)
    assert shown.tests == []
    page.close()
    page.deleteLater()


def test_a_long_address_makes_nothing_wider(application: QApplication) -> None:
    shown = Shown(f"https://{'very-long-name.' * 16}example/")
    page = shown.page
    page.resize(640, 400)
    QApplication.processEvents()
    assert page.minimumSizeHint().width() <= 640
    page.close()
    page.deleteLater()


@pytest.mark.parametrize("size", [(1280, 720), (1024, 600), (640, 400)])
def test_everything_fits(shown: Shown, size: tuple[int, int]) -> None:
    page = shown.page
    page.resize(*size)
    page.start(play=False)
    shown.tests[0].go_on.set()
    shown.until(lambda: isinstance(page.state, Done))
    QApplication.processEvents()
    buttons = (page.back_button, page.copy_button, page.game_button, page.start_button)
    for each in (page.title, page.advice, *buttons):
        assert each.isVisible()
        assert page.rect().contains(each.geometry().translated(page.panel.pos()))
        assert each.width() >= each.minimumSizeHint().width()


def test_the_next_button_takes_the_focus_when_the_page_is_shown(shown: Shown) -> None:
    shown.page.scroll_area.setFocus()
    shown.page.take_focus()
    assert shown.page.focusWidget() is shown.page.start_button
