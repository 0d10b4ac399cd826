"""Has a screen reader say a text; a module of its own, so that a window without a game loads
nothing else."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

SPOKEN_TIMES_S = (60, 30, 10, 0)
"""The time left is announced when it falls to these values."""


def announce(widget: QWidget, text: str, *, urgent: bool = False) -> None:
    """Have a running screen reader say `text`; without one this does nothing.

    Screen readers are only known to do so for the window in front (Qt 6.8 and later).
    """
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # 2 ms

    event = QAccessibleAnnouncementEvent(widget, text)
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if urgent else politeness.Polite)
    QAccessible.updateAccessibility(event)
