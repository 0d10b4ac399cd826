"""The page that asks for a marker's note."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rejoin.gui.keys_down import KeysDown
from rejoin.gui.practice.marker_page import MarkerPage
from rejoin.runtime.practice_port import MOST_NOTE


def test_enter_saves_the_note(application: QApplication) -> None:
    page = MarkerPage(KeysDown(), keeps_picture=True)
    saved: list[str] = []
    page.saved.connect(saved.append)
    QTest.keyClicks(page.note, "  it stutters ")
    QTest.keyClick(page.note, Qt.Key.Key_Return)
    assert saved == ["it stutters"]
    page.deleteLater()


def test_a_note_may_be_empty_and_is_short(application: QApplication) -> None:
    page = MarkerPage(KeysDown(), keeps_picture=False)
    saved: list[str] = []
    page.saved.connect(saved.append)
    page.save.click()
    page.note.setText("x" * 1000)
    page.save.click()
    assert saved == ["", "x" * MOST_NOTE]
    assert "picture" not in page.explained.text()
    page.deleteLater()
