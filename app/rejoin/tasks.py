"""`spawn`: the only way to start a task. Tasks are named, kept alive, and never die silently."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger("rejoin.tasks")
_alive: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, _T], *, name: str) -> asyncio.Task[_T]:
    """Start a task that is kept until it ends; an exception nobody awaits for is logged."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _alive.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    _alive.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        _log.error("task %s failed", task.get_name(), exc_info=error)


def alive() -> frozenset[str]:
    """Names of the tasks that `spawn` started and that have not ended."""
    return frozenset(task.get_name() for task in _alive)


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they are gone; None and the calling task are passed over."""
    me = asyncio.current_task()
    going = [task for task in tasks if task is not None and task is not me]
    for task in going:
        task.cancel()
    if going:
        await asyncio.gather(*going, return_exceptions=True)
