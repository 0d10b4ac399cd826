"""Pills show all of their text."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from rejoin.gui.pill import Pill


def test_it_shows_both_lines_in_full_and_hides_without_a_text(application: QApplication) -> None:
    pill = Pill(icon="icons/unstable.svg")
    pill.set_text("Connection unstable", "Second line")
    application.processEvents()
    pill.grab()
    assert pill.text() == "Connection unstable Second line"
    assert pill.accessibleName() == pill.text()
    for line in (pill.line, pill.second):
        assert line.width() >= line.sizeHint().width()
    pill.set_text("")
    assert pill.isHidden()
