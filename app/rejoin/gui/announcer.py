"""Announces changes of the window to screen readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from rejoin.core.model import Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.notes import Notes

SPOKEN_TIMES_S = (60, 30, 10, 0)
"""The time left is announced when it falls to these values."""


def announce(widget: QWidget, text: str, *, urgent: bool = False) -> None:
    """Have a running screen reader say `text`; without one this does nothing.

    Screen readers are only known to do so for the window in front (Qt 6.8 and later).
    """
    event = QAccessibleAnnouncementEvent(widget, text)
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if urgent else politeness.Polite)
    QAccessible.updateAccessibility(event)


@dataclass(frozen=True, slots=True)
class Said:
    """What was announced last, and which of `SPOKEN_TIMES_S` are still to come."""

    key: str = ""
    times_s: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """`urgent`: it may interrupt what is being said."""

    text: str
    urgent: bool = False


def next_announcement(
    said: Said, snapshot: Snapshot, notes: Notes, now: float
) -> tuple[Said, Announcement | None]:
    """What to announce now, if anything: each change once, and the time left at certain values."""
    live = snapshot.stage is Stage.LIVE
    text = (notes.spoken if live else "") or texts.announcement(snapshot, now)
    key = f"live {text}" if live else _key(snapshot)
    deadline_at = snapshot.shown_deadline_at
    left_s = None if deadline_at is None else deadline_at - now
    if key != said.key:
        # The announcement includes the time left; only lower values are still to come.
        times_s = tuple(time for time in SPOKEN_TIMES_S if left_s is not None and left_s > time)
        return Said(key, times_s), Announcement(text, urgent=not live) if text else None
    counting = snapshot.stage in (Stage.LOST, Stage.RECONNECTING)
    if left_s is None or not counting or snapshot.deadline_checking:
        return said, None
    times_s = tuple(time for time in said.times_s if left_s > time)
    if times_s == said.times_s:
        return said, None
    return Said(key, times_s), Announcement(texts.time_left(snapshot, now).sentence)


def _key(snapshot: Snapshot) -> str:
    """The same while there is nothing new to announce."""
    why = f"{snapshot.offline} {snapshot.portal} {snapshot.stranger} {snapshot.firewall}"
    return f"{snapshot.stage} {snapshot.doing} {why}"


class Announcer:
    """Announces the changes of one window."""

    def __init__(self, widget: QWidget, on_announced: Callable[[str], None]) -> None:
        """`on_announced` is called with each announced text."""
        self._widget = widget
        self._on_announced = on_announced
        self._said = Said()

    def say(self, text: str, *, urgent: bool = False) -> None:
        announce(self._widget, text, urgent=urgent)
        self._on_announced(text)

    def update(self, snapshot: Snapshot, notes: Notes, now: float) -> None:
        """Announce what is new at `now`."""
        self._said, announcement = next_announcement(self._said, snapshot, notes, now)
        if announcement is not None:
            self.say(announcement.text, urgent=announcement.urgent)
