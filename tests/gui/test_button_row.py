"""A row of buttons that becomes several where it has to."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from helpers.window_faces import delete, wait_until
from rejoin.gui.button_row import ButtonRow


@pytest.fixture(name="buttons")
def _buttons(application: QApplication) -> list[QPushButton]:
    return [QPushButton(text) for text in ("Back", "Copy report", "Test with a game")]


def shown(row: ButtonRow, width: int) -> QWidget:
    window = QWidget()
    column = QVBoxLayout(window)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(row)
    column.addStretch()
    window.resize(width, 400)
    window.show()
    QCoreApplication.processEvents()
    return window


def test_one_row_where_there_is_room_with_what_belongs_to_the_right(
    buttons: list[QPushButton],
) -> None:
    row = ButtonRow()
    row.add(buttons[0])
    row.add_stretch()
    row.add(*buttons[1:])
    window = shown(row, 800)
    assert len({button.y() for button in buttons}) == 1
    assert buttons[0].x() == 0
    assert buttons[2].geometry().right() == 799
    assert row.height() == buttons[0].sizeHint().height()
    delete(window)


def test_rows_as_few_as_there_can_be_and_no_button_is_cut(buttons: list[QPushButton]) -> None:
    row = ButtonRow()
    row.add(*buttons)
    width = buttons[0].sizeHint().width() + buttons[1].sizeHint().width() + 12
    window = shown(row, width)
    assert buttons[0].y() == buttons[1].y() < buttons[2].y()
    for button in buttons:
        assert button.width() >= button.sizeHint().width()
        assert button.height() >= button.sizeHint().height()
    assert row.height() == 2 * buttons[0].height() + 12
    window.resize(buttons[2].sizeHint().width(), 400)
    QCoreApplication.processEvents()
    assert len({button.y() for button in buttons}) == 3
    delete(window)


def test_what_is_hidden_takes_no_room(buttons: list[QPushButton]) -> None:
    row = ButtonRow()
    row.add(*buttons)
    window = shown(row, buttons[0].sizeHint().width() + buttons[1].sizeHint().width() + 12)
    buttons[1].hide()
    buttons[2].hide()
    assert wait_until(lambda: row.height() == buttons[0].sizeHint().height(), 30.0)
    delete(window)
