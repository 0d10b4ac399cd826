"""`spawn`, the only way to start a task: tasks are named, kept alive, and never fail silently."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger("rejoin.tasks")
_alive: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, _T], *, name: str) -> asyncio.Task[_T]:
    """Start a task and keep it until it ends. If it fails, its exception is logged."""
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
    """Names of the tasks that `spawn` started and that have not ended yet."""
    return frozenset(task.get_name() for task in _alive if not task.done())


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended; None and the calling task are skipped."""
    current = asyncio.current_task()
    cancelled = [task for task in tasks if task is not None and task is not current]
    for task in cancelled:
        task.cancel()
    if cancelled:
        await asyncio.gather(*cancelled, return_exceptions=True)
