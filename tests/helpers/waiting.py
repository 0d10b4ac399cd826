"""Waiting in tests for something that comes about by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(true: Callable[[], bool]) -> None:
    """Wait until `true()` is true; fails after 20 s."""
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never became true")
