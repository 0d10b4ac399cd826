"""Drops of a test's player, at an emulator in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rejoin.core.model import Stage
from rejoin.core.trace import Step, Timeline
from rejoin.errors import BadInputError
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.ledger import Ledger, default_folder
from rejoin.signaling.dialects import OURS
from rejoin.testing.drops import Drop, Drops
from rejoin.testing.game_player import GamePlayer
from rejoin.testing.problems import NothingSaidError
from rejoin.testing.studios import Studios, TestedStudio

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def studio() -> Iterator[TestedStudio]:
    studios = Studios({}, None)
    with studios.studio() as found:
        yield found
    studios.close()


def test_a_drop_says_what_became_of_the_game() -> None:
    reconnected = Drop(
        fault="ip_change",
        how="",
        seed=1,
        outcome="reconnected",
        steps={"last media": -0.01, "lost": 0.4, "first frame": 0.9, "live again": 1.0},
        reconnects=1,
        same_game=True,
        proof="game",
    )
    assert repr(reconnected) == (
        "<Drop ip_change: reconnected after 1.00 s, 1 reconnects, same game (game)>"
    )
    assert reconnected.back_after_s == 1.0
    assert reconnected.lost_after_s == 0.4
    assert reconnected.frozen_s == pytest.approx(0.91)
    ended = Drop(fault="x", how="", seed=None, outcome="ended", ended_because="applicationExit")
    assert repr(ended) == "<Drop x: ended (applicationExit)>"
    assert (ended.back_after_s, ended.lost_after_s, ended.frozen_s) == (None, None, None)
    other = Drop(fault="x", how="", seed=None, outcome="healed")
    assert "NOT THE SAME GAME (session)" in repr(other)


class CrashedBefore:
    """A player whose client is another one since a crash: it counts its drops anew."""

    trace = ()
    watch: SimpleNamespace | None = None

    def __init__(self) -> None:
        steps = (Step("lost", 1.0), Step("live again", 2.0))
        self.episodes: tuple[Timeline, ...] = (
            Timeline(1, steps, "live"),
            Timeline(2, steps, "live"),
        )
        self.snapshot = SimpleNamespace(episode=1, stage=Stage.LIVE, ending=None)
        self.studio = SimpleNamespace(profile=SimpleNamespace(dialect=OURS), control=None)
        self.injector = SimpleNamespace(next_seed=1, start=lambda *faults: None, lift=lambda: None)
        self.client = SimpleNamespace(records=[], until=self._until)
        self.loop = SimpleNamespace(call=lambda make: asyncio.run(make()))

    def live(self) -> CrashedBefore:
        return self

    def game_state(self) -> None:
        return None

    def connection_timeout_s(self) -> float:
        return 120.0

    async def _until(self, reached: Callable[[Any], bool], within_s: float) -> bool:
        return reached(self.snapshot)


def test_a_game_that_began_anew_is_not_the_same() -> None:
    player = CrashedBefore()
    player.watch = SimpleNamespace(
        proof=lambda began_at, back_at: DropProof(Rests.HEARTBEAT, Says.BEGAN_ANEW)
    )
    player.snapshot = SimpleNamespace(episode=0, stage=Stage.LIVE, ending=None)
    player.episodes = ()

    def start(*_faults: object) -> None:
        player.snapshot = SimpleNamespace(episode=1, stage=Stage.LIVE, ending=None)
        player.episodes = (Timeline(1, (Step("lost", 1.0), Step("live again", 2.0)), "live"),)

    player.injector.start = start
    drop = Drops(cast("GamePlayer", player))("ip_change")
    assert (drop.outcome, drop.same_game) == ("reconnected", False)
    assert (drop.proof, drop.says) == ("heartbeat", "began anew")


def test_drops_of_before_a_crash_are_not_those_of_a_fault_after_it() -> None:
    drop = Drops(cast("GamePlayer", CrashedBefore()))("home_wifi")
    assert (drop.outcome, drop.steps) == ("played on", {})


def test_a_game_is_dropped_gets_back_and_is_killed(
    studio: TestedStudio, nothing_left_behind: None
) -> None:
    player = GamePlayer(studio)
    try:
        drops = Drops(player)
        drop = drops("ip_change")
        assert drop.outcome == "reconnected"
        assert drop.same_game
        assert (drop.proof, drop.says) == ("game", "went on")
        assert drop.reconnects >= 1
        assert drop.back_after_s is not None
        assert player.is_live
        assert [each.outcome for each in player.episodes] == ["live"]
        drops.start("home_wifi")
        active = [len(player.injector.active)]
        drops.lift()
        assert [*active, len(player.injector.active)] == [1, 0]
        with pytest.raises(BadInputError, match="There is no fault profile nonsense"):
            drops("nonsense")
        with pytest.raises(BadInputError, match=r"rejoin_player\.crash"):
            drops("crash_relaunch")
        with pytest.raises(BadInputError, match="more than 0"):
            drops(0)
        killed = drops("server_kill")
        assert killed.outcome == "ended"
        assert killed.ended_because == "applicationExit"
        assert not killed.same_game
    finally:
        player.finish()
    assert player.problem == ""


def test_at_an_own_backend_the_session_is_guarded_and_ended(
    studio: TestedStudio, nothing_left_behind: None
) -> None:
    """The emulator, as if it were a backend of which only the URL is known."""
    studios = Studios({"backend": studio.backend_url, "network": "loopback"}, studio.token)
    with studios.studio() as own:
        player = GamePlayer(own, "test_name")
        try:
            player.live()
            ledger = Ledger(default_folder())
            (entry,) = ledger.entries()
            assert entry.case == "test_name"
            assert entry.session_id is not None
            with pytest.raises(NothingSaidError, match="the emulated host causes it"):
                Drops(player)("server_freeze")
            player.play(1.5)  # a game that has just begun proves less by its counter
            drop = Drops(player)("ip_change")
            assert drop.same_game
            assert (drop.proof, drop.says) == ("strip", "went on"), "the game paints its counter"
        finally:
            player.finish()
        assert ledger.entries() == ()
    studios.close()
