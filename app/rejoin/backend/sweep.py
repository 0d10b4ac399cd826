"""Cleans up rows that are too old, and stream sessions without a row.

Age alone never deletes a session that may live: it only decides which ones to ask the service
about. A start whose answer was lost, or could not be stored, is found in the service's list by its
tag, the UserId that it was started with. Sessions with tags of another database are left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections.abc import Iterable
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
from rejoin.backend.store.session_rows import SessionForgottenError
from rejoin.backend.store.sessions import (
    SessionStore,
    StreamTakenError,
)
from rejoin.backend.stream_lists import Lists
from rejoin.clock import Clock, boot_s
from rejoin.signaling.wire import ENDED_STATUSES

_log = logging.getLogger("rejoin.backend")

EVERY_S: Final = 60.0
_ASK_S: Final = 5.0
_STORE_S: Final = 5.0
UNSTARTED_S: Final = 3 * EVERY_S
"""Longer than a start may take, and the pass over the lists after it."""
GONE: Final = "TERMINATED"
"""The status of a stream session that the service no longer knows."""


def new_tag(server_key: bytes) -> str:
    """The UserId of a new stream session: a prefix of its database, and a random number."""
    return _prefix_of(server_key) + secrets.token_hex(16)


def _prefix_of(server_key: bytes) -> str:
    return f"rejoin-{hashlib.sha256(server_key).hexdigest()[:12]}-"


async def sweep_for_ever(
    service: StreamService, store: SessionStore, lists: Lists, status_turns: CallTurns
) -> None:
    """One pass now, and one each minute. Each status call takes a turn of `status_turns`."""
    unstarted = Unstarted(boot_s)
    while True:
        try:
            await sweep_old_rows(service, store, status_turns, unstarted)
            await ReportStore(store.database).sweep(within_s=_STORE_S)
            await sweep_lost_starts(service, store, lists)
        except StoreUnavailableError:
            _log.warning("the sweep could not use the database; tried again in %.0f s", EVERY_S)
        await asyncio.sleep(EVERY_S)


class Unstarted:
    """Old rows without a stream session, as this process has seen them one pass after another: a
    clock that leaps makes a start old that is on its way, or was lost and is still to be joined."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_at: dict[str, float] = {}

    def never_began(self) -> list[str]:
        """Rows that no call and no list has linked to a stream session for long enough."""
        now = self._clock()
        return [each for each, at in self._seen_at.items() if now - at >= UNSTARTED_S]

    def seen(self, session_ids: Iterable[str]) -> None:
        now = self._clock()
        self._seen_at = {each: self._seen_at.get(each, now) for each in session_ids}


async def sweep_old_rows(
    service: StreamService, store: SessionStore, status_turns: CallTurns, unstarted: Unstarted
) -> None:
    """Ask the service about each old session that may live; the next pass deletes those that have
    ended. Raises StoreUnavailableError."""
    old = await store.sweep(within_s=_STORE_S, never_began=unstarted.never_began())
    unstarted.seen(row.id for row in old if row.stream is None)
    for row in old:
        if row.stream is None:
            continue
        if not await status_turns.wait(boot_s() + EVERY_S):
            return  # long polls go first; the next pass asks again
        status = await _status_of(service, row.stream)
        if status in ENDED_STATUSES:
            with contextlib.suppress(SessionForgottenError):  # another process has deleted it
                await store.ended(row.id, status, None, within_s=_STORE_S)


async def sweep_lost_starts(service: StreamService, store: SessionStore, lists: Lists) -> None:
    """Link our stream sessions to the row that started them; end those without a row, because
    nobody can reach them and they cost money. Raises StoreUnavailableError."""
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
            with contextlib.suppress(StreamTakenError, SessionForgottenError):
                await store.started(row[0], each.stream, within_s=_STORE_S)


async def _end(service: StreamService, stream: StreamId) -> None:
    with contextlib.suppress(StreamServiceError):  # the next pass tries again
        await service.terminate(stream, budget_s=_ASK_S)


async def _status_of(service: StreamService, stream: StreamId) -> str:
    """The service's status; "" where it does not say."""
    try:
        return (await service.get_status(stream, budget_s=_ASK_S)).status
    except StreamServiceError as error:
        return GONE if error.fault is ServiceFault.NOT_FOUND else ""
