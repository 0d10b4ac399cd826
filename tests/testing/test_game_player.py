"""A player whose game does not start; one that plays is in `test_drops`."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.ports import free_port
from rejoin.errors import BadInputError
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.testing.game_player import GamePlayer
from rejoin.testing.problems import GameFailedError, NothingSaidError
from rejoin.testing.studios import TestedStudio


def nobody_there() -> TestedStudio:
    url = f"http://127.0.0.1:{free_port()}"
    return TestedStudio(StudioProfile(url, "token", NetworkRules(loopback_only=True)))


def test_a_start_without_a_backend_says_nothing(
    tmp_path: Path, nothing_left_behind: None, expected_logs: object
) -> None:
    player = GamePlayer(nobody_there())
    try:
        with pytest.raises(
            NothingSaidError, match=r"inconclusive \(network\): The backend was not"
        ):
            player.live()
        with pytest.raises(GameFailedError, match="What was waited for did not come"):
            player.wait_until(lambda now: now.input_open, 0.1)
        assert not player.is_live
        assert player.game_state() is None
        assert player.connection_timeout_s() == 120.0
    finally:
        player.finish()
    player.finish()
    assert player.problem == ""
    assert repr(player).startswith("<player ended, backend_unreachable")
    assert '"name":"StartRequested"' in player.report()
    file = tmp_path / "folder" / "trace.jsonl"
    player.write_trace(file)
    assert len(file.read_text().splitlines()) == len(player.trace)
    assert str(file) in player.report(file)


def test_a_profile_that_cannot_be_used_leaves_nothing_behind(nothing_left_behind: None) -> None:
    with pytest.raises(BadInputError):
        GamePlayer(TestedStudio(StudioProfile("ftp://nowhere", "token")))
