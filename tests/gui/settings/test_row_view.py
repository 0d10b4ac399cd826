"""A row: its texts, its control beside them or below, and what a screen reader hears."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import delete
from rejoin.gui.settings.controls import PercentSlider, Switch, action_button
from rejoin.gui.settings.row_view import RowView
from rejoin.gui.settings.rows import RowText

pytestmark = pytest.mark.usefixtures("application")

LONG = RowText("Sound device", "The system's default plays. Applies at once. " * 4, "It is gone.")


def test_the_control_says_all_of_the_row() -> None:
    switch, slider, button = Switch(), PercentSlider(), action_button("Count anew")
    rows = [RowView([control]) for control in (switch, slider, button)]
    for row in rows:
        row.show_text(LONG)
        assert row.title.text() == "Sound device"
        assert not row.notice.isHidden()
        row.show_text(RowText("Sound device", "All is well."))
        assert row.notice.isHidden()
        row.show_text(LONG)
    assert switch.accessibleName() == slider.slider.accessibleName() == "Sound device"
    assert switch.accessibleDescription() == LONG.spoken
    assert LONG.spoken.endswith("It is gone.")
    assert button.accessibleName() == "Count anew"
    for row in rows:
        delete(row)


def test_the_control_is_below_where_there_is_no_room(application: QApplication) -> None:
    switch = Switch()
    row = RowView([switch])
    row.show_text(LONG)
    row.resize(800, 100)
    row.show()
    application.processEvents()
    assert switch.x() > row.now.geometry().right()
    row.set_narrow(True)
    row.resize(300, row.heightForWidth(300))
    application.processEvents()
    assert switch.y() > row.notice.geometry().bottom()
    assert row.now.width() <= 300
    delete(row)
