"""What a window in the background hints at, and when: once each, and never what is seen anyway."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.window_faces import LIVE, NOW, lost
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui.guest.hints import (
    Choices,
    Dropped,
    Hint,
    Hinted,
    Notify,
    Quiet,
    Seen,
    Sound,
    Withdraw,
    keeps_awake,
    next_hints,
)

FRONT = Seen(active=True, shown=True)
BEHIND = Seen(active=False, shown=True)
MINIMISED = Seen(active=False, shown=False)
ENDED = Snapshot(Stage.ENDED, ending=Ending(EndingKind.CLOSED_FOR_NOW))
DROP = lost(dropped_at=NOW, shown_deadline_at=NOW + 120.0)


class Time:
    """A game seen at one moment after the other."""

    def __init__(self, choices: Choices = Choices(sound=True)) -> None:  # noqa: B008 frozen
        self.hinted: Hinted = Quiet()
        self.choices = choices

    def at(self, after_s: float, snapshot: Snapshot, seen: Seen) -> list[str]:
        """The hints `after_s` seconds after the drop, in words."""
        self.hinted, hints = next_hints(self.hinted, snapshot, NOW + after_s, seen, self.choices)
        return [in_words(hint) for hint in hints]


def in_words(hint: Hint) -> str:
    match hint:
        case Notify(notification):
            return notification.title
        case Withdraw():
            return "withdraw"
        case Sound():
            return "sound"


def test_a_drop_in_the_background_is_notified_of_step_by_step() -> None:
    time = Time()
    assert time.at(0.0, LIVE, BEHIND) == []
    assert time.at(0.0, replace(DROP, stage=Stage.LOST), BEHIND) == []
    assert time.at(1.9, DROP, BEHIND) == []
    assert time.at(2.0, DROP, BEHIND) == ["Connection lost. Reconnecting..."]
    assert time.at(2.1, DROP, BEHIND) == []
    assert time.at(89.9, DROP, MINIMISED) == []
    assert time.at(90.0, DROP, MINIMISED) == ["At least 0:30 to get back"]
    assert time.at(104.9, DROP, BEHIND) == []
    assert time.at(105.0, DROP, BEHIND) == ["sound"]
    assert time.at(110.0, DROP, BEHIND) == []
    assert time.at(111.0, LIVE, BEHIND) == ["You're back"]
    assert time.at(112.0, LIVE, BEHIND) == []
    assert time.at(113.0, LIVE, FRONT) == ["withdraw"]
    assert time.at(114.0, LIVE, BEHIND) == []
    assert time.hinted == Quiet()


def test_a_reconnect_that_is_quick_says_nothing() -> None:
    time = Time()
    assert time.at(0.0, DROP, BEHIND) == []
    assert time.at(1.9, LIVE, BEHIND) == []
    assert time.at(50.0, LIVE, BEHIND) == []


def test_what_the_player_sees_is_not_notified_of() -> None:
    time = Time()
    assert time.at(0.0, DROP, FRONT) == []
    assert time.at(5.0, DROP, FRONT) == []
    assert time.at(6.0, DROP, BEHIND) == []  # known: it was in front
    assert time.at(91.0, DROP, BEHIND) == ["At least 0:29 to get back"]
    assert time.at(92.0, DROP, FRONT) == ["withdraw"]
    assert time.at(93.0, DROP, BEHIND) == []
    assert time.at(105.0, DROP, FRONT) == ["sound"]
    assert time.at(106.0, LIVE, FRONT) == []


def test_an_end_in_the_background_is_said() -> None:
    time = Time()
    time.at(0.0, DROP, BEHIND)
    time.at(3.0, DROP, BEHIND)
    (said,) = time.at(130.0, ENDED, BEHIND)
    assert said
    assert time.at(131.0, ENDED, FRONT) == ["withdraw"]


def test_an_outcome_waits_until_it_is_known() -> None:
    time = Time()
    time.at(0.0, DROP, BEHIND)
    time.at(3.0, DROP, BEHIND)
    assert time.at(4.0, Snapshot(Stage.ENDING), BEHIND) == []
    assert time.at(5.0, LIVE, BEHIND) == ["You're back"]


def test_the_next_drop_is_another_one() -> None:
    time = Time()
    time.at(0.0, DROP, BEHIND)
    time.at(3.0, DROP, BEHIND)
    time.at(4.0, LIVE, BEHIND)
    assert time.at(5.0, DROP, BEHIND) == ["withdraw"]
    assert time.at(7.0, DROP, BEHIND) == ["Connection lost. Reconnecting..."]


def test_a_short_time_is_one_notification() -> None:
    time = Time()
    short = lost(dropped_at=NOW, shown_deadline_at=NOW + 20.0)
    assert time.at(0.0, short, BEHIND) == ["At least 0:20 to get back"]
    assert time.at(3.0, short, BEHIND) == []


@pytest.mark.parametrize(
    "snapshot",
    [
        lost(dropped_at=NOW, shown_deadline_at=None),
        lost(dropped_at=NOW, shown_deadline_at=NOW + 10.0, deadline_checking=True),
        lost(
            dropped_at=NOW,
            shown_deadline_at=NOW + 10.0,
            unnoticed_until_at=NOW + 60.0,
            connection_timeout_s=120.0,
        ),
    ],
    ids=["unknown", "checking", "not noticed yet"],
)
def test_a_time_that_does_not_run_yet_has_no_last_seconds(snapshot: Snapshot) -> None:
    time = Time()
    assert time.at(0.0, snapshot, BEHIND) == []
    assert time.at(5.0, snapshot, BEHIND) == ["Connection lost. Reconnecting..."]
    assert time.at(6.0, snapshot, FRONT) == ["withdraw"]


def test_what_was_not_chosen_is_not_done() -> None:
    time = Time(Choices(background=False, sound=False))
    for after_s in (0.0, 3.0, 91.0, 106.0, 119.0):
        assert time.at(after_s, DROP, BEHIND) == []
    assert time.at(120.0, LIVE, BEHIND) == []


def test_a_sound_that_comes_too_late_is_not_played() -> None:
    time = Time()
    assert "sound" not in time.at(121.0, DROP, BEHIND)  # as after sleep
    assert isinstance(time.hinted, Dropped)


@pytest.mark.parametrize(
    ("stage", "seen", "awake"),
    [
        (Stage.LIVE, FRONT, True),
        (Stage.LIVE, BEHIND, True),
        (Stage.LIVE, MINIMISED, False),
        (Stage.LOST, FRONT, True),
        (Stage.RECONNECTING, FRONT, True),
        (Stage.RECONNECTING, MINIMISED, False),
        (Stage.IDLE, FRONT, False),
        (Stage.STARTING, FRONT, False),
        (Stage.ENDING, FRONT, False),
        (Stage.ENDED, FRONT, False),
    ],
)
def test_the_screen_stays_on_while_a_game_can_be_seen(
    stage: Stage, seen: Seen, awake: bool
) -> None:
    assert keeps_awake(Snapshot(stage), seen) == awake
