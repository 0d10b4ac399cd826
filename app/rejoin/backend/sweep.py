"""Rows that are too old: deleted when the service says that their stream session is over.

A clock alone never deletes a session that may live: it only says which ones to ask about.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from rejoin.backend.service import ServiceFault, StreamService, StreamServiceError
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.sessions import SessionStore, StoredSession
from rejoin.signaling.wire import ENDED_STATUSES

_log = logging.getLogger("rejoin.backend")

EVERY_S: Final = 60.0
_ASK_S: Final = 5.0
_STORE_S: Final = 5.0
GONE: Final = "TERMINATED"
"""The status of a stream session that the service no longer knows."""


async def sweep_for_ever(service: StreamService, store: SessionStore) -> None:
    """One pass now, and one each minute."""
    while True:
        try:
            await sweep(service, store)
        except StoreUnavailableError:
            _log.warning("old sessions could not be swept; tried again in %.0f s", EVERY_S)
        await asyncio.sleep(EVERY_S)


async def sweep(service: StreamService, store: SessionStore) -> None:
    """Ask the service about each old session that may live; the next pass deletes those that have
    ended. Raises StoreUnavailableError."""
    for row in await store.sweep(within_s=_STORE_S):
        status = await _status_of(service, row)
        if status in ENDED_STATUSES:
            await store.ended(row.id, status, None, within_s=_STORE_S)


async def _status_of(service: StreamService, row: StoredSession) -> str:
    """The service's status; "" where it does not say."""
    assert row.stream is not None, "rows without a stream session are deleted at once"
    try:
        return (await service.get_status(row.stream, budget_s=_ASK_S)).status
    except StreamServiceError as error:
        return GONE if error.fault is ServiceFault.NOT_FOUND else ""
