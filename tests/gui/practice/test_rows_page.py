"""A page for testers: where the focus begins, and how it goes back."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from rejoin.gui.keys_down import KeysDown
from rejoin.gui.practice.rows_page import RowsPage
from rejoin.gui.settings.controls import action_button
from rejoin.gui.settings.row_view import RowView


def test_the_focus_begins_where_it_is_said_and_stays_where_it_was(
    application: QApplication,
) -> None:
    page = RowsPage(KeysDown())
    one, other = action_button("One"), action_button("Other")
    page.fill([RowView([one]), RowView([other], last=True)])
    page.first = other
    page.resize(800, 600)
    page.show()
    page.activateWindow()
    QCoreApplication.processEvents()
    assert page.focusWidget() is other
    one.setFocus()
    page.hide()
    page.show()
    assert page.focusWidget() is one
    page.deleteLater()


def test_back_is_told(application: QApplication) -> None:
    page = RowsPage(KeysDown())
    left: list[int] = []
    page.left.connect(lambda: left.append(1))
    page.back.click()
    assert left == [1]
    page.deleteLater()
