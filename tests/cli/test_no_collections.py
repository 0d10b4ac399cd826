"""Garbage is collected again once the stream's thread starts, and whatever happens before."""

from __future__ import annotations

import gc

import pytest

from helpers.command_line import PLAY, FakePlayer, Rejoin
from rejoin.cli.no_collections import no_collections
from rejoin.interpreter import freeze_startup_objects
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import PlayerOptions


def test_until_the_end_or_the_freezing_nothing_is_collected() -> None:
    with no_collections():
        assert not gc.isenabled()
        freeze_startup_objects()
        assert gc.isenabled()
    assert gc.isenabled()


def test_a_verb_that_fails_leaves_it_on() -> None:
    @no_collections()
    def verb() -> None:
        assert not gc.isenabled()
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            verb()
        assert gc.isenabled()


@pytest.mark.usefixtures("fake_player")
def test_a_game_is_loaded_without_and_played_with_it(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    make, run = fake_player.__init__, fake_player.run

    def made(self: FakePlayer, profile: NetworkRules, options: PlayerOptions) -> None:
        seen.append(gc.isenabled())
        make(self, profile, options)

    async def runs(self: FakePlayer) -> object:
        seen.append(gc.isenabled())
        return await run(self)

    monkeypatch.setattr(fake_player, "__init__", made)
    monkeypatch.setattr(fake_player, "run", runs)
    assert rejoin(*PLAY, token="CANARY-token")[0] == 0
    assert seen == [False, True]
