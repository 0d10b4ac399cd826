"""What nobody would miss otherwise: rows that are too old, and stream sessions without a row.

A clock alone never deletes a session that may live: it only says which ones to ask about. A start
whose answer was lost, or could not be stored, is found in the service's list by its tag: the
UserId that it was started with. Sessions with the tags of another database are left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from typing import Final

from rejoin.backend.audit import note_own
from rejoin.backend.budgets import CallTurns
from rejoin.backend.service import (
    ServiceFault,
    StreamId,
    StreamService,
    StreamServiceError,
)
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.reports import ReportStore
from rejoin.backend.store.session_rows import SessionForgottenError, StoredSession
from rejoin.backend.store.sessions import (
    SessionStore,
    StreamTakenError,
)
from rejoin.backend.stream_lists import Lists
from rejoin.clock import boot_s
from rejoin.signaling.wire import ENDED_STATUSES

_log = logging.getLogger("rejoin.backend")

EVERY_S: Final = 60.0
_ASK_S: Final = 5.0
_STORE_S: Final = 5.0
GONE: Final = "TERMINATED"
"""The status of a stream session that the service no longer knows."""


def new_tag(server_key: bytes) -> str:
    """The UserId of a new stream session: whose database it is in, and a number of chance."""
    return _prefix_of(server_key) + secrets.token_hex(16)


def _prefix_of(server_key: bytes) -> str:
    return f"rejoin-{hashlib.sha256(server_key).hexdigest()[:12]}-"


async def sweep_for_ever(
    service: StreamService, store: SessionStore, lists: Lists, status_turns: CallTurns
) -> None:
    """One pass now, and one each minute. Each status call takes a turn of `status_turns`."""
    while True:
        try:
            await sweep_old_rows(service, store, status_turns)
            await ReportStore(store.database).sweep(within_s=_STORE_S)
            await sweep_lost_starts(service, store, lists)
        except StoreUnavailableError:
            _log.warning("the sweep could not use the database; tried again in %.0f s", EVERY_S)
        await asyncio.sleep(EVERY_S)


async def sweep_old_rows(
    service: StreamService, store: SessionStore, status_turns: CallTurns
) -> None:
    """Ask the service about each old session that may live; the next pass deletes those that have
    ended. Raises StoreUnavailableError."""
    for row in await store.sweep(within_s=_STORE_S):
        if not await status_turns.wait(boot_s() + EVERY_S):
            return  # those who wait for news go first; the next pass asks
        status = await _status_of(service, row)
        if status in ENDED_STATUSES:
            with contextlib.suppress(SessionForgottenError):  # another process has deleted it
                await store.ended(row.id, status, None, within_s=_STORE_S)


async def sweep_lost_starts(service: StreamService, store: SessionStore, lists: Lists) -> None:
    """Join sessions of ours to the row that started them; end those that have none, because
    nobody can reach them and they are paid for. Raises StoreUnavailableError."""
    prefix = _prefix_of(await store.server_key())
    try:
        listed = (await lists.recent(EVERY_S)).streams.values()
    except StreamServiceError as error:
        _log.info("the sweep could not list the stream sessions: %s", error.fault.value)
        return
    ours = [
        each
        for each in listed
        if each.user_id.startswith(prefix) and each.status not in ENDED_STATUSES
    ]
    rows = await store.by_tags([each.user_id for each in ours], within_s=_STORE_S)
    for each in ours:
        row = rows.get(each.user_id)
        if row is None:
            _log.warning("a stream session without an owner is ended")
            note_own("terminate, by the sweep: a stream session without an owner", "terminate")
            await _end(service, each.stream)
        elif row[1] is None:
            with contextlib.suppress(StreamTakenError):
                await store.started(row[0], each.stream, within_s=_STORE_S)


async def _end(service: StreamService, stream: StreamId) -> None:
    with contextlib.suppress(StreamServiceError):  # the next pass tries again
        await service.terminate(stream, budget_s=_ASK_S)


async def _status_of(service: StreamService, row: StoredSession) -> str:
    """The service's status; "" where it does not say."""
    assert row.stream is not None, "rows without a stream session are deleted at once"
    try:
        return (await service.get_status(row.stream, budget_s=_ASK_S)).status
    except StreamServiceError as error:
        return GONE if error.fault is ServiceFault.NOT_FOUND else ""
