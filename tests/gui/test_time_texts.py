"""Times in words and digits, never rosier than they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.gui.time_texts import about_text, clock_text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (72, "1:12"),
        (7, "0:07"),
        (7.99, "0:07"),
        (0.4, "0:00"),
        (-3, "0:00"),
        (3599.9, "59:59"),
        (3600, "1:00:00"),
        (3723, "1:02:03"),
        (43200, "12:00:00"),
    ],
)
def test_times_are_rounded_down(seconds: float, shown: str) -> None:
    assert clock_text(seconds) == shown


@given(st.floats(min_value=0, max_value=200_000))
def test_a_shown_time_is_never_more_than_the_time_left(seconds: float) -> None:
    total = 0
    for part in clock_text(seconds).split(":"):
        total = total * 60 + int(part)
    assert seconds - 1 < total <= seconds


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "About 5 s"),
        (4.9, "About 5 s"),
        (5.1, "About 10 s"),
        (38.2, "About 40 s"),
        (60.0, "About 60 s"),
        (61.0, "About 70 s"),
        (150.0, "About 150 s"),
        (181.0, "About 4 min"),
        (240.0, "About 4 min"),
        (3600.0, "About 60 min"),
    ],
)
def test_an_estimate_is_rounded_up(seconds: float, shown: str) -> None:
    assert about_text(seconds) == shown


@given(st.floats(min_value=0, max_value=86_400))
def test_an_estimate_is_never_rosier_than_the_studios(seconds: float) -> None:
    number, unit = re.fullmatch(r"About (\d+) (s|min)", about_text(seconds)).groups()  # type: ignore[union-attr]
    said_s = int(number) * (60 if unit == "min" else 1)
    assert seconds <= said_s <= max(5.0, seconds * 1.34 + 5)
