"""A decorator for async tests of things that run in the background: they end, and leave nothing."""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from rejoin import tasks

_P = ParamSpec("_P")

TIMEOUT_S = 240.0
"""Only a hang takes this long."""


def leaves_nothing(test: Callable[_P, Awaitable[None]]) -> Callable[_P, Awaitable[None]]:
    """Fail a test that hangs, or leaves a task running or a socket open."""

    @functools.wraps(test)
    async def guarded(*args: _P.args, **kwargs: _P.kwargs) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await test(*args, **kwargs)
        assert not tasks.alive()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.sleep(0)
        assert not [task for task in left if not task.done()]
        gc.collect()  # a socket that is still open warns now, and warnings are errors

    return guarded
