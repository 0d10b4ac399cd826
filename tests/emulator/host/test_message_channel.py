"""The reliable channel to a client."""

from __future__ import annotations

import json

from helpers.game_hosts import (
    joined,
    running,
)
from helpers.leaves_nothing import leaves_nothing
from rejoin.input_protocol import controls


@leaves_nothing
async def test_performance_statistics_are_sent_each_second_if_the_session_shares_them() -> None:
    async with running() as (host, listener):
        listener.shared = True
        player = await joined(host, 1)
        await player.until(lambda: len(player.messages) >= 2)
        for message in player.messages:
            assert isinstance(message, bytes)
            taken = controls.decode(message)
            assert isinstance(taken, controls.Performance)
            assert set(json.loads(taken.stats)) == {"application", "system"}
        await player.close()
