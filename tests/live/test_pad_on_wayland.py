"""By a pad alone on a Wayland desktop: a game, a drop, back in it, the menu, and its end.

The whole program (`rejoin play`) on sway without a screen.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from helpers.buttons_of_program import ButtonsOfProgram, Eyes
from helpers.headless_scene import until
from helpers.played_program import PadHand, PadOfProgram, Play, open_menu_and_end, playing
from helpers.sway import AVAILABLE, sway
from helpers.virtual_pads import DPAD_DOWN

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not AVAILABLE, reason="sway is not installed"),
]


def test_by_a_pad_alone_a_game_is_played_dropped_and_ended(tmp_path: Path) -> None:
    pad, sees = PadOfProgram(tmp_path), ButtonsOfProgram(tmp_path)
    ended: list[int] = []

    async def script(play: Play) -> None:
        await pad.plugged()
        hand = PadHand(pad, Eyes(sees, play.program))
        await asyncio.to_thread(hand.eyes.until, takes_input=True)
        await play.until_presses(1, lambda: hand.hold(DPAD_DOWN))
        first = await play.session()
        await play.drop()

        async def back() -> bool:
            return bool((await play.session())["connection"] > first["connection"])

        await until(back)
        await asyncio.to_thread(hand.eyes.until, stage="live", takes_input=True)
        await play.until_presses(await play.presses() + 1, lambda: hand.hold(DPAD_DOWN))
        assert (await play.session())["session"] == first["session"], "it is the same game"
        ended.append(await open_menu_and_end(play, hand))
        pad.close()

    # Not pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="sw") as folder, sway(Path(folder)) as environment:
        playing(tmp_path, script, {**environment, **sees.environment, **pad.environment})
    assert ended == [0]
