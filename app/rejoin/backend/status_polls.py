"""Statuses of stream sessions for their owners: one status call, or a long poll until there is
news.

With few sessions watched each long poll calls GetStreamSession over and over. With more than the
budget allows (`list_watch`) it waits for the service's lists instead, by these rules:

Rule 1: a listed status that differs from what the client knows is a hint. One GetStreamSession
        confirms it, if its turn comes within CONFIRM_WITHIN_S.
Rule 2: else PENDING_CLIENT_RECONNECTION is reported as it is listed, because the client's create
        call confirms it; but not within SETTLED_S after a status call or an answer that may be
        newer than the list. Every other hint waits for its turn.
Rule 3: a listed status proves no time: `remaining` counts from status calls alone, and ACTIVATING,
        from which a client concludes that no window has begun, is never reported from a list.
Rule 4: a long poll whose time is over is answered with the known status. It costs no call.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from rejoin.backend.list_watch import MISSING, ListWatch, Watch
from rejoin.backend.owner_rules import OwnerCalls
from rejoin.backend.refused import PASSING, Reason, RefusedError, refused_by
from rejoin.backend.requests import Caller, SessionReport
from rejoin.backend.service import StreamStatus
from rejoin.backend.session_memory import SessionMemories, SessionMemory
from rejoin.backend.session_reports import REMAINING_STATUSES, answer_held, report_of, stream_of
from rejoin.backend.status_calls import StatusCalls
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.proofs import ProofStore, WantedProof
from rejoin.backend.store.session_rows import StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import Clock
from rejoin.signaling.wire import ENDED_STATUSES, MAX_WAIT_S
from rejoin.tasks import spawn

FAST_POLL_S: Final = 0.2
SLOW_POLL_S: Final = 1.0
FAST_FOR_S: Final = 10.0
"""How often the service is polled during a client's long poll (design/reconnect.md, "Retries")."""
CONFIRM_WITHIN_S: Final = 1.0
SETTLED_S: Final = 30.0
"""The assumed age of lists where a client gets an unconfirmed status; an older list costs a healthy
client one needless reconnect."""
NOTE_EVERY_S: Final = 1.0
"""A session's CONNECTED is recorded for other processes no more often than this."""
NOTE_S: Final = 1.0
"""How long work that is not part of an answer waits for the database."""
_HERE_S: Final = 5.0
"""While it waits for a list, a client that has hung up is noticed within this time."""
_ACTIVATING: Final = "ACTIVATING"
_CONNECTED: Final = "CONNECTED"
_PENDING: Final = "PENDING_CLIENT_RECONNECTION"

HasNews = Callable[[SessionReport, SessionReport], bool]
"""Of the first view of a long poll and the newest."""


class StatusPolls:
    """Looks at sessions, and remembers what it saw. Every method raises RefusedError."""

    def __init__(
        self,
        store: SessionStore,
        proofs: ProofStore,
        calls: StatusCalls,
        watch: ListWatch,
        clock: Clock,
        stopping: asyncio.Event,
        owners: OwnerCalls,
    ) -> None:
        """`stopping`: set when the backend is to end; long polls then return what they have.
        `owners`: a player's long polls share the turns of one."""
        self._store = store
        self._proofs = proofs
        self._calls = calls
        self._watch = watch
        self._clock = clock
        self._stopping = stopping
        self._owners = owners
        self._memories = SessionMemories()
        self._noting: set[asyncio.Task[None]] = set()

    async def finish(self) -> None:
        """Wait until the last statuses are recorded."""
        if self._noting:
            await asyncio.wait(self._noting, timeout=NOTE_S)

    def memory_of(self, session_id: str) -> SessionMemory:
        """What this process remembers of the session."""
        return self._memories.of(session_id)

    # --- one call ---------------------------------------------------------------------------------

    async def owned(
        self, caller: Caller, session_id: str, *, urgent: bool = False
    ) -> StoredSession:
        """The caller's session as stored. `urgent`: a create call waits for it."""
        row = await self._store.find(
            session_id, caller.owner_hash, within_s=caller.left_s(self._clock()), urgent=urgent
        )
        if row is None:
            raise RefusedError(Reason.SESSION_UNKNOWN)
        return row

    async def get_status(
        self,
        caller: Caller,
        session_id: str,
        *,
        known: StoredSession | None = None,
        not_before: float = 0.0,
    ) -> tuple[StoredSession, StreamStatus]:
        """GetStreamSession, at our poll rate; what is stored where the session has ended.

        `known`: what was stored a moment ago. `not_before`: the call began then or later, on our
        clock."""
        row = known or await self.owned(caller, session_id)
        if row.ended_status is not None:
            return row, StreamStatus(status=row.ended_status, reason=row.ended_reason)
        seen = await self._calls.get(
            session_id,
            stream_of(row),
            caller.deadline_at,
            owner=caller.owner_hash,
            not_before=not_before,
        )
        # Read again: another attempt may have arrived in the meantime.
        row = await self.owned(caller, session_id)
        return await self.remember(row, seen.status, seen.asked_at, caller), seen.status

    async def remember(
        self, row: StoredSession, status: StreamStatus, asked_at: float, caller: Caller
    ) -> StoredSession:
        """Record what the service reported: the session's end, and an answer that was lost. What
        cannot be stored is returned all the same."""
        memory = self._memories.of(row.id)
        before = memory.status
        memory.saw(status, asked_at, self._clock())
        if status.status == _CONNECTED:
            self._note_connected(row.id, memory, asked_at)
        elif status.status in REMAINING_STATUSES and status.status != before:
            await self._learn_proof(row.id, memory)
        if row.ended_status is not None:
            return row
        within_s = caller.left_s(self._clock())
        if status.status in ENDED_STATUSES:
            known = replace(row, ended_status=status.status, ended_reason=status.reason)
            recorded = self._store.ended(row.id, status.status, status.reason, within_s=within_s)
            return await _stored_or_known(recorded, known)
        request_sha256, answer = answer_held(row, status)
        if row.answer is None and answer is not None and request_sha256 == row.request_sha256:
            known = replace(row, answer=answer)
            return await _stored_or_known(self._found_answer(known, answer, within_s), known)
        return row

    async def _found_answer(
        self, known: StoredSession, answer: str, within_s: float
    ) -> StoredSession:
        """Store the answer of `known`; returns what is stored then."""
        kept = await self._store.attempts.answered(
            known.id,
            attempt=known.attempt,
            request_sha256=known.request_sha256,
            answer=answer,
            within_s=within_s,
        )
        return known if kept else await self._store.get(known.id, within_s=within_s)

    def answered(self, session_id: str) -> bool:
        """The service has just answered a create call: lists may be older. Returns whether the
        database's clock can be trusted to record that for other processes."""
        memory = self._memories.of(session_id)
        memory.settled_at = memory.noted_at = self._clock()
        return self._proofs.trusts_clock()

    def _note_connected(self, session_id: str, memory: SessionMemory, asked_at: float) -> None:
        """Record this for other processes, now and then, and while nobody waits for it."""
        if asked_at - memory.noted_at < NOTE_EVERY_S:
            return
        memory.noted_at = asked_at

        async def work() -> None:
            with contextlib.suppress(StoreUnavailableError):
                await self._proofs.note(session_id, asked_at, within_s=NOTE_S)

        task = spawn(work(), name=f"proof:{session_id[:6]}")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _learn_proof(self, session_id: str, memory: SessionMemory) -> None:
        """The newest CONNECTED may be one that another process has seen."""
        if self._has_proof(memory):
            return
        with contextlib.suppress(StoreUnavailableError):
            memory.proved(await self._proofs.connected_at(session_id, within_s=NOTE_S))

    def wanted_proof(self, session_id: str) -> WantedProof | None:
        """A proof to read together with the session's row, for `SessionMemory.proved`; None: no
        process knows more than this one."""
        memory = self._memories.known(session_id)
        has_proof = memory is not None and self._has_proof(memory)
        return None if has_proof else self._proofs.wanted()

    def _has_proof(self, memory: SessionMemory) -> bool:
        known_at = memory.connected_asked_at
        return known_at is not None and self._clock() - known_at < NOTE_EVERY_S

    def view(self, row: StoredSession, status: StreamStatus) -> SessionReport:
        """The session as its owner sees it now."""
        return report_of(row, status, self._memories.of(row.id), self._clock())

    # --- long polls -------------------------------------------------------------------------------

    async def poll(
        self,
        caller: Caller,
        session_id: str,
        wait_s: float,
        has_news: HasNews,
        *,
        known: str | None = None,
        by_lists: bool = False,
    ) -> SessionReport:
        """Poll until `has_news(first view, newest view)`, the session's end, or `wait_s`.

        A poll of the service that fails in between is tried again; one that fails first, or last,
        is raised. `by_lists`: lists will do for a client that knows the status `known`; None: that
        takes any status.
        """
        owned = await self.owned(caller, session_id)
        if owned.ended_status is not None:
            return self.view(*(await self.get_status(caller, session_id, known=owned)))
        stream = stream_of(owned)
        memory = self._memories.of(session_id)
        now = self._clock()
        until_at = min(now + min(wait_s, MAX_WAIT_S), caller.deadline_at)
        memory.client_polls(now)
        by_lists = by_lists and known != _ACTIVATING
        first: SessionReport | None = None
        with self._watch.watching(session_id, stream, owned.attempt) as watch:
            while True:
                if by_lists and self._watch.by_lists:
                    report = await self._by_lists(caller, owned, watch, known, until_at)
                    if report is not None:
                        memory.polled_at = self._clock()
                        return report
                polled_at = memory.polled_at = self._clock()
                failure: RefusedError | None = None
                try:
                    before = owned if first is None else None
                    row, status = await self.get_status(caller, session_id, known=before)
                except (RefusedError, StoreUnavailableError) as error:
                    failure = refused_by(error)
                    if first is None or failure.reason not in PASSING:
                        raise
                    pause_s = SLOW_POLL_S
                else:
                    view = self.view(row, status)
                    first = first or view
                    if view.status in ENDED_STATUSES or has_news(first, view):
                        return view
                    fast = self._clock() - memory.fast_since_at < FAST_FOR_S
                    pause_s = FAST_POLL_S if fast else SLOW_POLL_S
                pause_s *= self._owners.sharers(caller.owner_hash, "status")
                next_at = min(polled_at + pause_s, until_at)
                await self._pause(next_at - self._clock())
                memory.polled_at = self._clock()
                if next_at >= until_at or self._stopping.is_set() or await caller.gone():
                    if failure is not None and failure.reason is not Reason.POLL_RATE:
                        raise failure
                    # Made again, because `remaining` has aged.
                    return self.view(row, status)

    async def _by_lists(
        self,
        caller: Caller,
        owned: StoredSession,
        watch: Watch,
        known: str | None,
        until_at: float,
    ) -> SessionReport | None:
        """The rest of a long poll by lists; None as soon as they are read no more."""
        refuted: str | None = None
        while self._watch.by_lists:
            hint = watch.listed
            newer = watch.attempt > owned.attempt
            hinted = hint is not None and hint not in (known, refuted)
            doubtful = newer or hinted or known is None
            if doubtful:
                if self._calls.has_turn(CONFIRM_WITHIN_S, caller.deadline_at):
                    polled = await self._polled(caller, owned)
                    if polled is not None:
                        row, status = polled
                        if known is None or status.status != known or row.attempt > owned.attempt:
                            return self.view(row, status)
                        refuted, doubtful = hint, False
                else:
                    reported = await self._unconfirmed(owned.id, hint, known, newer=newer)
                    if reported is not None:
                        row = await self.owned(caller, owned.id)
                        return self.view(row, _stored_or(row, reported))
            now = self._clock()
            if now >= until_at or self._stopping.is_set() or await caller.gone():
                if known is None:
                    raise RefusedError(Reason.POLL_RATE, retry_after_s=1.0)
                return self.view(owned, StreamStatus(known))
            # Without a turn, try again after a random time, so that turns go to all alike.
            pause_s = random.uniform(1.0, 3.0) if doubtful else _HERE_S
            if watch.listed == hint and (watch.attempt > owned.attempt) == newer:
                await watch.changed(min(pause_s, until_at - now))
        if self._stopping.is_set() and known is not None:  # for a call there may be no turn
            return self.view(owned, StreamStatus(known))
        return None

    async def _polled(
        self, caller: Caller, owned: StoredSession
    ) -> tuple[StoredSession, StreamStatus] | None:
        """A status call; None if it failed for the moment."""
        try:
            # What is stored is read after the call; until it is asked for nothing may be awaited.
            return await self.get_status(caller, owned.id, known=owned)
        except (RefusedError, StoreUnavailableError) as error:
            failure = refused_by(error)
            if failure.reason not in PASSING:
                raise failure from None
            return None

    async def _unconfirmed(
        self, session_id: str, hint: str | None, known: str | None, *, newer: bool
    ) -> str | None:
        """Rules 2 and 3: what a client gets without a status call; None if there is nothing."""
        if hint == _PENDING:
            reported = hint if await self._is_settled(session_id) else None
        elif known is None and hint not in (None, MISSING, _ACTIVATING):
            reported = hint
        else:
            reported = None
        return known if reported is None and newer else reported

    async def _is_settled(self, session_id: str) -> bool:
        """Whether no process has lately had an answer of the service that lists may not show."""
        if self._clock() - self._memories.of(session_id).settled_at <= SETTLED_S:
            return False
        try:
            settled_s = await self._proofs.settled_for_s(session_id, within_s=NOTE_S)
        except StoreUnavailableError:
            return False
        return settled_s is None or settled_s > SETTLED_S

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()


async def _stored_or_known(stored: Awaitable[StoredSession], known: StoredSession) -> StoredSession:
    try:
        return await stored
    except StoreUnavailableError:
        return known


def _stored_or(row: StoredSession, status: str) -> StreamStatus:
    """What is stored of a session that has ended, else this status."""
    if row.ended_status is not None:
        return StreamStatus(row.ended_status, row.ended_reason)
    return StreamStatus(status)
