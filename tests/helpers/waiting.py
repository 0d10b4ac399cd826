"""Waiting in tests for a condition that background work brings about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition()` holds; fails after 60 s."""
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("timed out")


def wait_until(condition: Callable[[], bool]) -> None:
    """As `eventually`, for what other threads bring about: blocks this one."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("timed out")
