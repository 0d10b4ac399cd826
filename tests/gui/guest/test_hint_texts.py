"""The title counts down while the connection is lost; notifications say what the card says."""

from __future__ import annotations

import pytest

from helpers.window_faces import LIVE, NOW, lost
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui.guest import hint_texts
from rejoin.runtime.desktop_bus import Notification


@pytest.mark.parametrize(
    ("snapshot", "title"),
    [
        (LIVE, "Rejoin"),
        (Snapshot(Stage.STARTING), "Rejoin"),
        (Snapshot(Stage.ENDING), "Rejoin"),
        (lost(), "1:12 to get back - Rejoin"),
        (lost(stage=Stage.LOST), "1:12 to get back - Rejoin"),
        (lost(shown_deadline_at=NOW + 7.9), "0:07 to get back - Rejoin"),
        (lost(shown_deadline_at=NOW - 1.0), "Time may be up - Rejoin"),
        (lost(shown_deadline_at=None), "Reconnecting - Rejoin"),
        (lost(deadline_checking=True), "Reconnecting - Rejoin"),
        (
            lost(unnoticed_until_at=NOW + 5.0, connection_timeout_s=120.0),
            "2:00 to get back - Rejoin",
        ),
    ],
)
def test_the_title_has_the_time_left_in_front(snapshot: Snapshot, title: str) -> None:
    assert hint_texts.window_title(snapshot, NOW, "Rejoin") == title


@pytest.mark.parametrize("stage", [Stage.LOST, Stage.RECONNECTING])
def test_a_drop_says_what_happened_and_how_long_there_is(stage: Stage) -> None:
    assert hint_texts.lost(lost(stage=stage), NOW) == Notification(
        "Connection lost. Reconnecting...", "At least 1:12 to get back"
    )


def test_the_last_seconds_come_first() -> None:
    assert hint_texts.last_seconds(lost(shown_deadline_at=NOW + 29.5), NOW) == Notification(
        "At least 0:29 to get back", "Connection lost. Reconnecting..."
    )


def test_an_outcome_is_said_once_it_is_known() -> None:
    assert hint_texts.outcome(LIVE) == Notification(
        "You're back", "The connection to your game is there again."
    )
    ended = hint_texts.outcome(Snapshot(Stage.ENDED, ending=Ending(EndingKind.NOT_ALLOWED)))
    assert ended is not None
    assert ended.title == "You are not allowed to play this game"
    assert hint_texts.outcome(Snapshot(Stage.ENDING)) is None
