"""A client with a window in a separate process, for benches that measure what is painted."""

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
from bench.live_game import TIMEOUT_S, RunningStudio, running_studio
from bench.windowed_client_process import ClientFigures, ClientRequest

WARM_UP_S = 4.0


@asynccontextmanager
async def windowed_client(
    studio: RunningStudio,
    clip: Clip,
    for_s: float,
    warm_up_s: float = WARM_UP_S,
    window: tuple[int, int] | None = None,
) -> AsyncIterator[Callable[[], Any]]:
    """Start a client with a window; yields, once it is live, a function that awaits its figures.

    The window shows the game at the size of the clip unless `window` gives another size.
    """
    size = window or (clip.width, clip.height)
    request = ClientRequest(
        studio.access.backend_url, studio.access.player_token, warm_up_s, for_s, *size
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.windowed_client_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"QT_QPA_PLATFORM": "offscreen", **os.environ},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    out = process.stdout

    async def figures() -> ClientFigures:
        line = await asyncio.wait_for(out.readline(), warm_up_s + for_s + TIMEOUT_S)
        if not line:
            raise RuntimeError("The client failed; its error is above.")
        return ClientFigures(**json.loads(line))

    try:
        process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        await process.stdin.drain()
        line = await asyncio.wait_for(out.readline(), TIMEOUT_S)
        if line != b"live\n":
            raise RuntimeError("The client did not become live; its error is above.")
        yield figures
    finally:
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                try:
                    await asyncio.wait_for(process.wait(), TIMEOUT_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def measure_in_window(
    clip: Clip, for_s: float, window: tuple[int, int] | None = None, **settings: object
) -> ClientFigures:
    """Play the clip in one client with a window, with these settings of the emulator."""
    async with running_studio(notice_s=5.0, clip=clip.path) as studio:
        await studio.control.change_settings(width=clip.width, height=clip.height, **settings)
        async with windowed_client(studio, clip, for_s, window=window) as figures:
            measured: ClientFigures = await figures()
            return measured
