"""A game without a strip that sends a heartbeat: the proof after a drop rests on that."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.headless_scene import Scene, scene, small
from rejoin.core.model import Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.qa import verdicts
from rejoin.qa.client_case import episodes_of
from rejoin.qa.game_proof import Rests, Says
from rejoin.qa.game_watch import GameWatch
from rejoin.qa.verdicts import Judgement, Verdict, Why

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

SETTINGS = replace(small(0.0), modelled_media=True, heartbeat_s=0.1)
"""Black pictures have no strip."""


class Watch(GameWatch):
    """Counts the messages, too."""

    beats = 0

    def on_message(self, data: bytes) -> None:
        super().on_message(data)
        self.beats += 1


def test_a_heartbeat_tells_the_same_game_from_a_new_one() -> None:
    """Messages go from the game over a data channel and through the service's input module."""
    watch = Watch()

    async def script() -> None:
        async with scene(SETTINGS, slot=watch, on_application_message=watch.on_message) as it:
            await it.live()
            await beats(it, watch)
            for fault in (FaultKind.SILENCE, FaultKind.RESTART):
                before = it.player.snapshot.episode
                await it.fault(fault)
                await it.until(lambda shown: shown.stage is not Stage.LIVE)
                await it.live(episode=before + 1)
                await beats(it, watch)
            records = sorted(it.records, key=lambda record: record.at)
            proofs = [each.proof for each in episodes_of(records, 0.0, watch)]
        first, last = proofs[0], proofs[-1]
        assert first is not None
        assert last is not None
        assert (first.rests_on, first.says) == (Rests.HEARTBEAT, Says.WENT_ON), first
        assert (last.rests_on, last.says) == (Rests.HEARTBEAT, Says.BEGAN_ANEW), last
        assert last.detail.endswith("of another start of the game")
        passed = Judgement(Verdict.PASSED, Why.AS_EXPECTED)
        assert verdicts.of_game(passed, proofs[:-1]) == passed
        judged = verdicts.of_game(passed, proofs)
        assert (judged.verdict, judged.why) == (Verdict.FAILED, Why.OTHER_GAME)

    asyncio.run(script())


async def beats(it: Scene, watch: Watch) -> None:
    """Some more heartbeats arrive."""
    until = watch.beats + 4
    await it.until(lambda _: watch.beats >= until)
