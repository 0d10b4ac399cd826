"""Limits are announced at ten, five and one minute, and with what is known of them."""

from __future__ import annotations

import pytest

from rejoin.gui import note_texts
from rejoin.gui.limits import (
    IDLE_LIMIT_S,
    WARNING_FOR_S,
    LimitKind,
    Limits,
    Warned,
    warning,
)

AT = 50_000.0
LENGTH = Limits(live_at=AT - 60, length_ends_at=AT)


def over(limits: Limits, seconds: list[float]) -> list[tuple[float, LimitKind, int]]:
    """What is announced, and how long before `AT`, at these times before it."""
    found: list[tuple[float, LimitKind, int]] = []
    warned: Warned | None = None
    for left_s in seconds:
        before, warned = warned, warning(limits, warned, AT - left_s)
        if warned is not None and warned != before:
            found.append((left_s, warned.kind, warned.minutes))
    return found


def test_the_length_of_a_session_is_announced_three_times() -> None:
    ticks = [tenths / 10 for tenths in range(7000, 0, -1)]
    assert over(LENGTH, ticks) == [
        (600.0, LimitKind.LENGTH, 10),
        (300.0, LimitKind.LENGTH, 5),
        (60.0, LimitKind.LENGTH, 1),
    ]


def test_what_is_known_late_or_missed_is_announced_with_the_minutes_that_are_left() -> None:
    assert over(LENGTH, [430.0, 429.0, 200.0, 30.0, -5.0]) == [
        (430.0, LimitKind.LENGTH, 7),
        (200.0, LimitKind.LENGTH, 3),
        (30.0, LimitKind.LENGTH, 1),
    ]


def test_without_input_for_an_hour_the_service_ends_a_game() -> None:
    assert IDLE_LIMIT_S == 3600.0
    idle = Limits(live_at=AT - 4000, input_at=AT - IDLE_LIMIT_S)
    assert over(idle, [601.0, 599.9, 299.9, 59.9]) == [
        (599.9, LimitKind.IDLE, 10),
        (299.9, LimitKind.IDLE, 5),
        (59.9, LimitKind.IDLE, 1),
    ]


def test_whoever_never_did_anything_is_counted_from_the_first_picture() -> None:
    assert over(Limits(live_at=AT - IDLE_LIMIT_S), [700.0, 600.0]) == [(600.0, LimitKind.IDLE, 10)]
    assert over(Limits(), [600.0, 60.0]) == []


def test_input_takes_the_announcement_back() -> None:
    idle = Limits(live_at=AT - IDLE_LIMIT_S)
    warned = warning(idle, None, AT - 300)
    assert warned is not None
    active = Limits(live_at=AT - IDLE_LIMIT_S, input_at=AT - 200)
    assert warning(active, warned, AT - 199) is None


def test_the_limit_that_comes_first_is_announced() -> None:
    both = Limits(live_at=AT - IDLE_LIMIT_S, length_ends_at=AT + 100)
    warned = warning(both, None, AT - 400)
    assert warned is not None
    assert warned.kind is LimitKind.IDLE
    moved = warning(Limits(AT - 400, AT - 401, AT + 100), warned, AT - 399)
    assert moved is not None
    assert (moved.kind, moved.minutes) == (LimitKind.LENGTH, 8)


def test_an_announcement_stays_a_while_and_the_last_one_to_the_end() -> None:
    first, last = warning(LENGTH, None, AT - 600), warning(LENGTH, None, AT - 60)
    assert first is not None
    assert last is not None
    assert first.shows(AT - 600 + WARNING_FOR_S - 0.1)
    assert not first.shows(AT - 600 + WARNING_FOR_S)
    assert last.shows(AT + 500)


@pytest.mark.parametrize(
    ("limits", "left_s", "takes_input", "lines"),
    [
        (
            LENGTH,
            600.0,
            True,
            (
                "In about 10 minutes the game reaches its maximum length and ends",
                "Save your progress.",
            ),
        ),
        (
            LENGTH,
            59.0,
            True,
            ("The game reaches its maximum length and ends within a minute", "Save your progress."),
        ),
        (
            Limits(live_at=AT - IDLE_LIMIT_S),
            299.0,
            True,
            (
                "No input for 55 minutes: the service ends a game after 60",
                "Press a key or move the mouse to go on.",
            ),
        ),
        (
            Limits(live_at=AT - IDLE_LIMIT_S),
            60.0,
            False,
            ("No input for 59 minutes: the service ends a game after 60", ""),
        ),
    ],
)
def test_it_says_no_more_than_is_known(
    limits: Limits, left_s: float, takes_input: bool, lines: tuple[str, str]
) -> None:
    warned = warning(limits, None, AT - left_s)
    assert warned is not None
    assert note_texts.limit_text(warned, takes_input=takes_input) == lines
