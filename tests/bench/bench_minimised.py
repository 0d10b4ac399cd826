"""What a minimised window costs, and how soon there is a picture at the return

One client without a window, whose slot says that nobody sees its pictures; the emulator encodes in
a process of its own and answers PLI. CPU time is that of the client's process for each picture
that arrives: network, decoding and engine. A return is the time from "seen again" to the first
picture that was sent after it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import replace

from bench.live_game import LiveGame, live_game, run_on_client_loop
from bench.measure import Measurement, percentile
from helpers.waiting import eventually
from rejoin.media.video.picture import PictureSlot
from rejoin.media.video.unwatched import ANSWER_S, PAUSE_AFTER_S

SIZES = ((1280, 720), (1920, 1080))
SETTLED_S = 1.0
"""No key frame that was asked for before is still under way."""


def see(slot: PictureSlot, visible: bool) -> None:
    slot.hints = replace(slot.hints, visible=visible)


async def cpu_ms(game: LiveGame, seconds: float) -> float:
    """Processor time for each picture that arrives."""
    cpu, frames = time.process_time(), game.peer.statistics().frames_received
    await asyncio.sleep(seconds)
    arrived = game.peer.statistics().frames_received - frames
    return (time.process_time() - cpu) / arrived * 1000


async def until_paused(game: LiveGame) -> None:
    """Wait until nothing is decoded any more."""
    before = game.peer.statistics().pictures_unwatched
    until = time.monotonic() + PAUSE_AFTER_S + ANSWER_S + 10.0
    while game.peer.statistics().pictures_unwatched - before < 10:
        assert time.monotonic() < until, "decoding goes on"
        await asyncio.sleep(0.05)


async def return_ms(game: LiveGame, slot: PictureSlot) -> float:
    """From "seen again" to the next decoded picture."""
    see(slot, False)
    await until_paused(game)
    await asyncio.sleep(SETTLED_S)
    decoded = game.peer.statistics().frames_decoded
    began = time.perf_counter()
    see(slot, True)
    await eventually(lambda: game.peer.statistics().frames_decoded > decoded)
    return (time.perf_counter() - began) * 1000


async def measure(quick: bool) -> list[Measurement]:
    seconds, returns = (2.0, 2) if quick else (10.0, 10)
    found: list[Measurement] = []
    for width, height in SIZES[: 1 if quick else 2]:
        async with live_game(notice_s=5.0, width=width, height=height) as game:
            slot, name = game.slot, f"{height}p60"
            await asyncio.sleep(2.0)
            found.append(Measurement(f"{name}, seen", await cpu_ms(game, seconds), "ms a picture"))
            see(slot, False)
            await until_paused(game)
            cost_ms = await cpu_ms(game, seconds)
            found.append(Measurement(f"{name}, minimised", cost_ms, "ms a picture"))
            see(slot, True)
            await asyncio.sleep(SETTLED_S)
            times = [await return_ms(game, slot) for _ in range(returns)]
            note = f"{returns} returns over loopback"
            found += [
                Measurement(f"{name}, return, median", percentile(times, 50), "ms", note),
                Measurement(f"{name}, return, longest", max(times), "ms", note),
            ]
            assert game.episodes == 0, "nobody missed the frames"
    return found


def run(quick: bool) -> Iterator[Measurement]:
    yield from run_on_client_loop(measure(quick))


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit} {each.conditions}")
