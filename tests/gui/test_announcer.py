"""What is announced, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import LIVE, NOW, lost, troubled
from rejoin.core.model import Doing, Ending, EndingKind, NoInput, Snapshot, Stage, Trouble, Turn
from rejoin.gui.announcer import MOST, Announcement, Announcer, Said, next_announcement
from rejoin.gui.notes import Memory, Notes, WindowState, notes

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
    for later_s in (11.4, 11.6, 50.0, 61.6, 72.5, 80.0):
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
    said, heard = next_announcement(said, replace(LIVE, view_only=NoInput.NO_MODULE), Notes(), NOW)
    assert heard == Announcement("View only: the service named no input module")


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


# --- faults that flicker ------------------------------------------------------------------------


def heard_in(
    snapshots: Callable[[int], Snapshot],
    for_s: int = 120,
    shown: Callable[[int], Notes] = lambda tick: Notes(),
) -> list[tuple[float, str]]:
    """What is announced, and when, while the snapshot changes ten times a second."""
    said, heard = Said(), []
    for tick in range(10 * for_s):
        now = NOW + tick / 10
        said, announcement = next_announcement(said, snapshots(tick), shown(tick), now)
        if announcement is not None:
            heard.append((now, announcement.text))
    return heard


def most_in_30_s(heard: list[tuple[float, str]]) -> int:
    return max(sum(1 for at, _ in heard if since <= at < since + 30.0) for since, _ in heard)


def test_a_try_after_the_other_is_announced_once() -> None:
    doings = (Doing.PREPARING, Doing.ASKING_BACKEND, Doing.CONNECTING, Doing.WAITING_TO_RETRY)
    heard = heard_in(
        lambda tick: lost(
            shown_deadline_at=None,
            dropped_at=NOW,
            doing=doings[tick % 4],
            next_try_at=NOW + tick / 10 + tick % 3,
        )
    )
    assert heard[0][1].startswith(
        "Connection lost. Reconnecting... Your game may still be running."
    )
    later = [text for _, text in heard[1:]]
    assert len(later) == len(set(later)) <= 4
    assert not any("Connection lost" in text for text in later)


def test_a_queue_is_announced_once_however_often_its_estimate_changes() -> None:
    """A new one comes with each ask, about once a second, and it moves in both directions."""
    said, _ = next_announcement(Said(), lost(shown_deadline_at=None), Notes(), NOW)
    heard = []
    for tick in range(300):
        now = NOW + 4 + tick / 10
        turn = Turn(9, NOW + 40 + 7 * (tick // 10 % 3))
        waiting = lost(doing=Doing.WAITING_FOR_TURN, turn=turn, shown_deadline_at=None)
        said, announcement = next_announcement(said, waiting, Notes(), now)
        heard += [] if announcement is None else [announcement.text]
    assert heard == ["Many players are coming back. About 40 s."]


def test_a_network_that_comes_and_goes_is_not_announced_each_time() -> None:
    heard = heard_in(lambda tick: lost(offline=tick % 20 < 10))
    assert sum("Your network is gone" in text for _, text in heard) == 1
    assert most_in_30_s(heard) <= MOST


@pytest.mark.parametrize("period", [2, 7, 13, 40])
def test_whatever_flickers_there_are_at_most_nine_in_thirty_seconds(period: int) -> None:
    def flapping(tick: int) -> Snapshot:
        here = tick // period
        faces = (lost(stage=Stage.LOST), lost(doing=list(Doing)[here % len(Doing)]), LIVE)
        return faces[here % 3]

    heard = heard_in(
        flapping, shown=lambda tick: Notes(badge="Connection unstable" if tick % 3 else "")
    )
    assert heard
    assert most_in_30_s(heard) <= MOST


def test_the_end_is_announced_however_much_was_announced_before() -> None:
    ended = Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED))
    heard = heard_in(lambda tick: ended if tick > 250 else (LIVE, lost())[tick % 2], 26)
    assert heard[-1][1].startswith("The game has ended")
    assert most_in_30_s(heard) <= MOST


def test_the_time_left_is_announced_however_much_was_announced_before() -> None:
    def flapping(tick: int) -> Snapshot:
        if tick < 40:
            return (lost(shown_deadline_at=NOW + 26), LIVE)[tick % 2]
        return lost(shown_deadline_at=NOW + 26, doing=list(Doing)[tick % len(Doing)])

    times = [text for _, text in heard_in(flapping, 24) if text.startswith("At least")]
    assert times == ["At least 0:10 to get back"]


def test_what_had_to_wait_is_announced_once_there_is_room_if_it_is_still_shown() -> None:
    heard = heard_in(lambda tick: lost() if tick > 100 or tick % 2 else LIVE, 60)
    at, text = heard[-1]
    flapped = [text for when, text in heard if when <= NOW + 10]
    assert len(flapped) == 7
    assert at > NOW + 10
    assert "to get back" in text


def test_a_badge_that_flickers_is_announced_once_and_again_after_a_while() -> None:
    badge = Notes(badge="Connection unstable")
    heard = heard_in(lambda tick: LIVE, 100, lambda tick: badge if tick % 20 < 10 else Notes())
    assert [text for _, text in heard] == ["Connection unstable"]
    heard = heard_in(lambda tick: LIVE, 100, lambda tick: badge if tick % 500 < 10 else Notes())
    assert [text for _, text in heard] == ["Connection unstable"] * 2


def test_two_problems_are_two_sentences_and_each_is_announced_once() -> None:
    def problems(tick: int) -> Notes:
        return Notes(problem="No sound." if tick < 20 else "No sound.\nNo way back.")

    heard = heard_in(lambda tick: LIVE, 10, problems)
    assert [text for _, text in heard] == ["No sound.", "No way back."]


def heard_of(snapshots: Callable[[int], Snapshot], for_s: int) -> list[tuple[float, str]]:
    """As `heard_in`, with the notes that the window shows."""
    state = WindowState(takes_input=True)
    return heard_in(
        snapshots, for_s, lambda tick: notes(snapshots(tick), NOW + tick / 10, Memory(), state)
    )


def test_a_picture_that_freezes_and_the_offer_are_announced_once() -> None:
    def freezing(tick: int) -> Snapshot:
        if tick < 20:
            return troubled(Trouble.UNSTABLE, 0.0)
        return troubled(Trouble.PICTURE_STOPPED, 2.0, can_reconnect=tick >= 50)

    assert heard_of(freezing, 60) == [
        (NOW + 0.5, "Connection unstable"),
        (NOW + 2.0, "The picture is frozen. The game may be paused."),
        (NOW + 5.0, "Ctrl+Alt+R: reconnect"),
    ]


@pytest.mark.parametrize("period", [3, 25, 60])
def test_a_picture_that_freezes_again_and_again_is_announced_once(period: int) -> None:
    kinds = (Trouble.PICTURE_LOST, Trouble.UPLINK, Trouble.PICTURE_STOPPED)

    def stuttering(tick: int) -> Snapshot:
        here = tick // period
        frozen = troubled(kinds[here % 3], 5.0, can_reconnect=here % 2 == 1)
        return frozen if here % 4 else LIVE

    heard = [text for _, text in heard_of(stuttering, 120)]
    assert sorted(heard) == [
        "The picture is frozen. The game may be paused.",
        "The picture is frozen: its data is lost on the way",
        "Your input does not reach the game. Ctrl+Alt+R: reconnect",
    ]


def test_being_back_with_trouble_says_each_sentence_once() -> None:
    def shown(tick: int) -> Notes:
        return Notes(note=("You're back", ""), badge="Connection unstable" if tick > 9 else "")

    heard = heard_in(lambda tick: LIVE, 5, shown)
    assert [text for _, text in heard] == ["You're back", "Connection unstable"]
