"""The options of a game: nothing secret shows, and limits are numbers in a range or none."""

from __future__ import annotations

import pytest

from helpers.command_line import PLAY, FakePlayer, Rejoin
from rejoin.cli import game_options, options
from rejoin.runtime import setting_kinds


def test_a_token_is_not_shown() -> None:
    assert "CANARY" not in repr(game_options.GameOptions(token="CANARY"))


def test_the_word_for_no_limit_is_the_same() -> None:
    assert options.NONE == setting_kinds.NONE


@pytest.mark.parametrize("option", ["--max-bitrate", "--max-height"])
@pytest.mark.parametrize("wrong", ["99", "many", "", "100001"])
def test_a_limit_that_cannot_be_is_refused(rejoin: Rejoin, option: str, wrong: str) -> None:
    code, _, err = rejoin(*PLAY, option, wrong, token="CANARY-token")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(("text", "value"), [("none", None), ("100", 100), ("100000", 100_000)])
def test_a_limit_is_a_number_or_none(
    rejoin: Rejoin, fake_player: type[FakePlayer], text: str, value: int | None
) -> None:
    assert rejoin(*PLAY, "--max-bitrate", text, token="CANARY-token")[0] == 0
    assert [made.input for made in fake_player.made] == [(True, value, None)]
