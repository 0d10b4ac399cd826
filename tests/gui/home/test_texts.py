"""The words of the home window."""

from __future__ import annotations

import pytest

from rejoin.gui.home import texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1 second ago"),
        (41.9, "41 seconds ago"),
        (60.0, "1 minute ago"),
        (3599.0, "59 minutes ago"),
        (7300.0, "2 hours ago"),
    ],
)
def test_how_long_ago(seconds: float, text: str) -> None:
    assert texts.ago_text(seconds) == text


def test_words_of_the_engine_never_reach_a_player() -> None:
    shown = " ".join(
        value if isinstance(value, str) else " ".join(map(str, value))
        for name, value in vars(texts).items()
        if name.isupper() and isinstance(value, str | tuple)
    ).lower()
    for word in ("offer", "attempt", "episode", "ticket"):
        assert word not in shown
