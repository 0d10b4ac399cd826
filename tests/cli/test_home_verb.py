"""`rejoin home` with options, which click reads."""

from __future__ import annotations

import pytest

from helpers.command_line import Rejoin
from rejoin.cli import home_verb


@pytest.mark.parametrize(
    ("arguments", "link"),
    [
        (("-v", "home"), None),
        (("-v", "home", "rejoin://play?x"), "rejoin://play?x"),
        (("home", "--", "rejoin://play?x"), "rejoin://play?x"),
    ],
)
def test_the_window_is_shown_with_the_link(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], link: str | None
) -> None:
    shown: list[str | None] = []

    def show(link: str | None) -> int:
        shown.append(link)
        return 0

    monkeypatch.setattr(home_verb, "show_home", show)
    assert rejoin(*arguments) == (0, "", "")
    assert shown == [link]


def test_its_help_needs_no_display(rejoin: Rejoin) -> None:
    code, out, _ = rejoin("home", "--help")
    assert code == 0
    assert "LINK" in out
