"""From an answer to its first picture and to open input, with the input module and without

A first start, and rejoins of the same game, where the module's process and script are ready. Games
with and without the module are played in turn at one studio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from statistics import median

from bench.live_game import STREAM, play_game, run_on_client_loop, running_studio
from bench.measure import Measurement, percentile
from rejoin.core.trace import Record
from rejoin.emulator.service.faults import FaultKind

ROUNDS = 8
REJOINS = 3
PLAYED_S = 1.2

PICTURE, INPUT = "FirstFrameDecoded", ("InputOpened", "InputModuleKnown")


def run(quick: bool) -> Iterator[Measurement]:
    found = run_on_client_loop(_played(2 if quick else ROUNDS, 1 if quick else REJOINS))
    for (case, to, module), took_ms in found.items():
        name = f"{case}: answer to {to}, {'with the module' if module else 'without'}"
        conditions = f"of {len(took_ms)}; {STREAM}"
        yield Measurement(f"{name}, median", median(took_ms), "ms", conditions)
        yield Measurement(f"{name}, p95", percentile(took_ms, 95), "ms", conditions)


Figures = dict[tuple[str, str, bool], list[float]]
"""By case, step, and whether there was a module: milliseconds."""


async def _played(rounds: int, rejoins: int) -> Figures:
    found: Figures = {}
    async with running_studio(notice_s=0.0) as studio:
        for _ in range(rounds):
            for module in (True, False):
                async with play_game(studio, input_module=module) as game:
                    for _ in range(rejoins):
                        await asyncio.sleep(PLAYED_S)
                        await game.drop(FaultKind.GRACEFUL_CLOSE)
                    await asyncio.sleep(PLAYED_S)
                    _add(found, game.records(), module)
    return found


def _add(found: Figures, records: Sequence[Record], module: bool) -> None:
    """The first connection, and each later one that had a picture."""
    answers = {each.data["connection"]: each.at for each in records if each.name == "ApplyAnswer"}
    for number, (connection, answered_at) in enumerate(sorted(answers.items())):
        case = "rejoin" if number else "first start"
        at = {
            each.name: each.at
            for each in records
            if each.name in (PICTURE, *INPUT) and each.data.get("connection") == connection
        }
        if PICTURE in at:
            took_ms = (at[PICTURE] - answered_at) * 1000
            found.setdefault((case, "picture", module), []).append(took_ms)
        if module and all(name in at for name in INPUT):
            took_ms = (max(at[name] for name in INPUT) - answered_at) * 1000
            found.setdefault((case, "open input", module), []).append(took_ms)
        if not module and INPUT[0] in at:
            took_ms = (at[INPUT[0]] - answered_at) * 1000
            found.setdefault((case, "open channel", module), []).append(took_ms)
