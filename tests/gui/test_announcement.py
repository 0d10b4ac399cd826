"""An announcement reaches Qt, with and without a screen reader."""

from __future__ import annotations

import pytest
from PySide6 import QtGui
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui import announcement


@pytest.mark.parametrize("urgent", [False, True])
def test_the_text_and_its_urgency_reach_qt(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, urgent: bool
) -> None:
    handed: list[QAccessibleEvent] = []

    class Recorder:
        AnnouncementPoliteness = QAccessible.AnnouncementPoliteness
        updateAccessibility = staticmethod(handed.append)

    monkeypatch.setattr(QtGui, "QAccessible", Recorder)  # imported when it is needed
    widget = QWidget()
    announcement.announce(widget, "You're back", urgent=urgent)
    (event,) = handed
    assert event.type() == QAccessible.Event.Announcement
    assert event.object() is widget
    politeness = QAccessible.AnnouncementPoliteness
    assert event.message() == "You're back"  # type: ignore[attr-defined]
    wanted = politeness.Assertive if urgent else politeness.Polite
    assert event.politeness() == wanted  # type: ignore[attr-defined]


def test_without_a_screen_reader_nothing_happens(application: QApplication) -> None:
    announcement.announce(QWidget(), "You're back")
