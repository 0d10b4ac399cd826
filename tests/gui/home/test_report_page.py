"""The report of a game that was closed for now: shown on the home, and saved as it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rejoin.gui import saving
from rejoin.gui.home.report_page import HomeReportPage

REPORT = "Rejoin report\nCode: RJ-CLOSED-FOR-NOW\n"


@pytest.fixture(params=[False, True], ids=["open", "streamer mode"])
def page(
    application: QApplication,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[HomeReportPage]:
    monkeypatch.setattr(saving, "documents_folder", lambda: tmp_path / "documents")
    made = HomeReportPage(REPORT, hides_folders=request.param)
    made.resize(900, 600)
    made.show()
    application.processEvents()
    yield made
    made.leave()
    made.close()


def test_it_is_saved_as_it_is_shown_and_says_where(
    page: HomeReportPage, application: QApplication, tmp_path: Path
) -> None:
    assert page.text.text() == REPORT
    assert page.focusWidget() is page.copy_button
    QTest.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    until_at = time.monotonic() + 60.0
    while not page.outcome.text():
        assert time.monotonic() < until_at
        application.processEvents()
        time.sleep(0.01)
    [file] = (tmp_path / "documents").rglob("*.txt")
    assert file.read_text(encoding="utf-8") == REPORT
    assert file.name in page.outcome.text()
    assert ("documents/" in page.outcome.text()) is not page._hides_folders
