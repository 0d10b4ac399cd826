"""Saves and deletes tickets one after the other, in the order of the engine's commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from rejoin.core.model import SessionId
from rejoin.core.ticket import RejoinState
from rejoin.runtime.ports import TicketStore
from rejoin.tasks import spawn

_log = logging.getLogger("rejoin.ticket_writer")

WRITTEN_WITHIN_S = 1.0
"""A create call waits no longer than this for its ticket: a hanging disk must not cost the game."""


class TicketWriter:
    """Use it on the engine's loop. Without a store it does nothing."""

    def __init__(self, store: TicketStore | None) -> None:
        self._store = store
        self._newest: asyncio.Task[None] | None = None

    def save(self, rejoin_state: RejoinState) -> None:
        self._start(lambda store: store.save(rejoin_state))

    def delete(self, session_id: SessionId) -> None:
        self._start(lambda store: store.delete(session_id))

    async def written(self) -> None:
        """Wait until all writes so far are on the disk, for WRITTEN_WITHIN_S at most."""
        if self._newest is not None:
            await asyncio.wait({self._newest}, timeout=WRITTEN_WITHIN_S)

    @property
    def pending(self) -> frozenset[asyncio.Task[None]]:
        """The task that ends with the last write; empty when everything is written."""
        return frozenset() if self._newest is None else frozenset({self._newest})

    def _start(self, write: Callable[[TicketStore], Coroutine[Any, Any, None]]) -> None:
        store, before = self._store, self._newest
        if store is None:
            return

        async def write_after_the_previous() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await write(store)
            except Exception:
                _log.exception("a ticket could not be written")

        self._newest = task = spawn(write_after_the_previous(), name="ticket")
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        if self._newest is task:
            self._newest = None
