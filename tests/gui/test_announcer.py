"""What is announced, and that it reaches Qt with and without a screen reader."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import LIVE, NOW, lost
from rejoin.core.model import Doing, Ending, EndingKind, Snapshot, Stage
from rejoin.gui import announcer
from rejoin.gui.announcer import Announcement, Announcer, Said, next_announcement
from rejoin.gui.notes import Notes


@pytest.mark.parametrize("urgent", [False, True])
def test_the_text_and_its_urgency_reach_qt(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, urgent: bool
) -> None:
    handed: list[QAccessibleEvent] = []

    class Recorder:
        AnnouncementPoliteness = QAccessible.AnnouncementPoliteness
        updateAccessibility = staticmethod(handed.append)

    monkeypatch.setattr(announcer, "QAccessible", Recorder)
    widget = QWidget()
    announcer.announce(widget, "You're back", urgent=urgent)
    (event,) = handed
    assert event.type() == QAccessible.Event.Announcement
    assert event.object() is widget
    politeness = QAccessible.AnnouncementPoliteness
    assert event.message() == "You're back"  # type: ignore[attr-defined]
    wanted = politeness.Assertive if urgent else politeness.Polite
    assert event.politeness() == wanted  # type: ignore[attr-defined]


def test_without_a_screen_reader_nothing_happens(application: QApplication) -> None:
    announcer.announce(QWidget(), "You're back")


# --- what is announced, and when ----------------------------------------------------------------

LOST_SENTENCE = (
    "Connection lost. Reconnecting... Your game may still be running. "
    "Connecting to your game... At least 1:12 to get back"
)


def test_a_change_is_announced_once() -> None:
    said, first = next_announcement(Said(), lost(), Notes(), NOW)
    assert first == Announcement(LOST_SENTENCE, urgent=True)
    assert next_announcement(said, lost(), Notes(), NOW + 5) == (said, None)


def test_the_time_left_is_announced_at_certain_values() -> None:
    said, _ = next_announcement(Said(), lost(), Notes(), NOW)
    assert said.times_s == (60, 30, 10, 0)
    heard = []
    for later_s in (12.4, 12.5, 50.0, 62.5, 72.5, 80.0):
        said, next_one = next_announcement(said, lost(), Notes(), NOW + later_s)
        heard.append(next_one.text if next_one else None)
    assert heard == [
        None,
        "At least 1:00 to get back",
        "At least 0:22 to get back",
        "At least 0:10 to get back",
        "Time may be up. Still trying...",
        None,
    ]


def test_values_above_the_time_left_are_not_announced() -> None:
    said, _ = next_announcement(Said(), lost(shown_deadline_at=NOW + 25), Notes(), NOW)
    assert said.times_s == (10, 0)
    said, _ = next_announcement(Said(), lost(shown_deadline_at=None), Notes(), NOW)
    assert said.times_s == ()


def test_while_the_time_is_being_checked_it_is_not_announced() -> None:
    checking = lost(deadline_checking=True)
    said, _ = next_announcement(Said(), checking, Notes(), NOW)
    assert next_announcement(said, checking, Notes(), NOW + 40) == (said, None)


def test_while_the_game_is_being_ended_no_time_left_is_announced() -> None:
    ending = lost(stage=Stage.ENDING, doing=Doing.TERMINATING)
    said, heard = next_announcement(Said(), ending, Notes(), NOW)
    assert heard == Announcement("Ending your game... Releasing the game server...", urgent=True)
    assert next_announcement(said, ending, Notes(), NOW + 40) == (said, None)


def test_while_playing_notes_are_announced_without_urgency() -> None:
    said, nothing = next_announcement(Said(), LIVE, Notes(), NOW)
    assert nothing is None
    said, heard = next_announcement(said, LIVE, Notes(note=("You're back", "")), NOW)
    assert heard == Announcement("You're back")
    said, heard = next_announcement(said, LIVE, Notes(), NOW)
    assert heard is None
    said, heard = next_announcement(said, replace(LIVE, view_only=True), Notes(), NOW)
    assert heard == Announcement("View only: this build cannot control this game")


def test_an_announcer_announces_a_change_once_and_every_given_text(
    application: QApplication,
) -> None:
    heard: list[str] = []
    made = Announcer(QWidget(), heard.append)
    ended = Snapshot(Stage.ENDED, ending=Ending(EndingKind.CANCELLED))
    for _ in range(2):
        made.update(ended, Notes(), NOW)
    made.say("Report copied")
    assert heard == [
        "Start cancelled. You were not in a game yet, so nothing is lost. "
        "You can start a new game.",
        "Report copied",
    ]
