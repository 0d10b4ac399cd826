"""One player with a window, in a process of its own, for benches that look at what is painted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from bench.clips import Clip
from bench.stage import PATIENCE_S, Premises, premises
from bench.watcher import Asked, Seen

WARM_UP_S = 4.0


@asynccontextmanager
async def watching(
    at: Premises,
    clip: Clip,
    for_s: float,
    warm_up_s: float = WARM_UP_S,
    window: tuple[int, int] | None = None,
) -> AsyncIterator[Callable[[], Any]]:
    """A watcher that is live; the call it gives waits for what it saw.

    Its window shows the game at the size of the clip, unless it is told another.
    """
    size = window or (clip.width, clip.height)
    asked = Asked(at.there.backend_url, at.there.player_token, warm_up_s, for_s, *size)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.watcher"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"QT_QPA_PLATFORM": "offscreen", **os.environ},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    out = process.stdout

    async def seen() -> Seen:
        line = await asyncio.wait_for(out.readline(), warm_up_s + for_s + PATIENCE_S)
        if not line:
            raise RuntimeError("The watcher failed; it says why above.")
        return Seen(**json.loads(line))

    try:
        process.stdin.write(json.dumps(asdict(asked)).encode() + b"\n")
        await process.stdin.drain()
        word = await asyncio.wait_for(out.readline(), PATIENCE_S)
        if word != b"live\n":
            raise RuntimeError("The watcher never came to play; it says why above.")
        yield seen
    finally:
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                try:
                    await asyncio.wait_for(process.wait(), PATIENCE_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def played_in_window(
    clip: Clip, for_s: float, window: tuple[int, int] | None = None, **settings: object
) -> Seen:
    """What one watcher saw of the clip, with these settings of the emulator."""
    async with premises(notice_s=5.0, clip=clip.path) as at:
        await at.control.change_settings(width=clip.width, height=clip.height, **settings)
        async with watching(at, clip, for_s, window=window) as seen:
            told: Seen = await seen()
            return told
