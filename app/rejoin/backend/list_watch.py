"""News from the service's lists, when there are more stream sessions than status calls.

While more sessions are watched than the budget of GetStreamSession allows a call a second for, this
process reads the service's lists over and over, and wakes those whose session is listed with
another status than before. It asks the database in the same round for newer attempts.

Rule 1: a list is a hint. `status_polls` decides what is reported from it and what needs a
        GetStreamSession first.
Rule 2: a session counts as missing when two complete passes did not list it: one may change its
        status while a pass goes by.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from rejoin.backend.budgets import CallTurns
from rejoin.backend.service import ListedStream, ServiceFault, StreamId, StreamServiceError
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.stream_lists import Lists, Pass
from rejoin.clock import Clock
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend")

ROUND_S: Final = 1.0
"""Time from the start of a pass to the start of the next, if its pages take no longer."""
UNUSABLE_S: Final = 60.0
"""After a lasting refusal (credentials, for example) the lists are not read for this long."""
MISSING: Final = ""
"""Stands for the status of a session that is in no list."""
_LASTING: Final = frozenset(
    {
        ServiceFault.ACCESS_DENIED,
        ServiceFault.MISCONFIGURED,
        ServiceFault.NOT_FOUND,
        ServiceFault.INVALID,
    }
)

NewestAttempts = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
"""The number of the newest attempt of each of these sessions, by id. Raises
StoreUnavailableError."""


class Watch:
    """A session that a client waits for news of."""

    def __init__(self, attempt: int, listed: str | None) -> None:
        self.attempt = attempt
        """The number of the newest one."""
        self.listed = listed
        """The status in the newest list, or MISSING; None: not known."""
        self.calls = 0
        self._waiting: set[asyncio.Future[None]] = set()

    async def changed(self, within_s: float) -> None:
        """Wait until something is new here, or `within_s` is over."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait((waiting,), timeout=max(0.0, within_s))
        finally:
            self._waiting.discard(waiting)

    def wake(self) -> None:
        for each in self._waiting:
            if not each.done():
                each.set_result(None)


class ListWatch:
    """The sessions that are watched in this process. `status_turns`: those of GetStreamSession,
    which decide when lists are read instead."""

    def __init__(
        self,
        lists: Lists,
        status_turns: CallTurns,
        newest_attempts: NewestAttempts,
        clock: Clock,
        stopping: asyncio.Event,
    ) -> None:
        self._lists = lists
        self._status_turns = status_turns
        self._newest_attempts = newest_attempts
        self._clock = clock
        self._stopping = stopping
        self._watches: dict[str, Watch] = {}
        """By the service's identifier."""
        self._by_session: dict[str, Watch] = {}
        self._listed: dict[str, str] = {}
        self._missed: set[str] = set()
        self._unusable_until_at = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._known_at = 0.0
        """When the newest pass began that came to its end, or else the reading itself."""

    @property
    def news_age_s(self) -> float:
        """How old a client's news may be: the age of the newest complete pass, from its start. 0
        while every session has status calls of its own."""
        return self._clock() - self._known_at if self.by_lists else 0.0

    @property
    def by_lists(self) -> bool:
        """Whether lists are read now, for everybody who is watched."""
        return self._reading is not None and not self._reading.done()

    @contextlib.contextmanager
    def watching(self, session_id: str, stream: StreamId, attempt: int) -> Iterator[Watch]:
        """Watch a session, whose newest attempt is this one, while the block lasts."""
        key = stream.stream_session
        watch = self._watches.get(key)
        if watch is None:
            watch = Watch(attempt, self._listed.get(key))
            self._watches[key] = self._by_session[session_id] = watch
        watch.attempt = max(watch.attempt, attempt)
        watch.calls += 1
        self._begin_if_needed()
        try:
            yield watch
        finally:
            watch.calls -= 1
            if watch.calls == 0:
                del self._watches[key], self._by_session[session_id]

    def attempt_made(self, session_id: str, attempt: int) -> None:
        """An attempt began; wake the watches that know only an older one."""
        watch = self._by_session.get(session_id)
        if watch is not None and attempt > watch.attempt:
            watch.attempt = attempt
            watch.wake()

    async def finish(self) -> None:
        """Read no more lists."""
        await cancel(self._reading)

    def _begin_if_needed(self) -> None:
        too_many = len(self._watches) > self._status_turns.per_s
        usable = self._clock() >= self._unusable_until_at and not self._stopping.is_set()
        if too_many and usable and not self.by_lists:
            self._known_at = self._clock()
            self._reading = spawn(self._read(), name="lists")

    async def _read(self) -> None:
        ending = spawn(self._wake_at_the_end(), name="lists: end")
        try:
            # Until there are clearly fewer: between two long polls a client watches nothing.
            while len(self._watches) > self._status_turns.per_s / 2:
                began_at = self._clock()
                await self._round()
                if self._clock() < self._unusable_until_at or self._stopping.is_set():
                    break
                await asyncio.sleep(max(0.0, began_at + ROUND_S - self._clock()))
        finally:
            await cancel(ending)
            self._listed.clear()
            self._missed.clear()
            # The watches go on with status calls of their own, and the listed statuses age.
            asyncio.get_running_loop().call_soon(self._forget_lists)

    async def _round(self) -> None:
        began_at = self._clock()
        try:
            done = await self._lists.read(self._page_came)
            self._known_at = began_at
            if done.complete:
                self._note_missing(done)
            await self._read_attempts()
        except StreamServiceError as error:
            if error.fault in _LASTING:
                _log.warning(
                    "ListStreamSessions is refused (%s): without it, news is slow when many wait",
                    error.fault.value,
                )
                self._unusable_until_at = self._clock() + UNUSABLE_S
        except StoreUnavailableError:
            pass  # the next round asks again

    def _page_came(self, items: tuple[ListedStream, ...]) -> None:
        for each in items:
            self._note(each.stream.stream_session, each.status)

    def _note(self, key: str, status: str) -> None:
        self._listed[key] = status
        watch = self._watches.get(key)
        if watch is not None and watch.listed != status:
            watch.listed = status
            watch.wake()

    def _note_missing(self, done: Pass) -> None:
        missing = {key for key in self._watches if key not in done.streams}
        for key in missing & self._missed:
            self._note(key, MISSING)
        self._missed = missing
        self._listed = {key: self._listed[key] for key in self._listed if key in done.streams}

    async def _read_attempts(self) -> None:
        newest = await self._newest_attempts(tuple(self._by_session))
        for session_id, attempt in newest.items():
            self.attempt_made(session_id, attempt)

    async def _wake_at_the_end(self) -> None:
        await self._stopping.wait()
        self._wake_all()

    def _wake_all(self) -> None:
        for watch in self._watches.values():
            watch.wake()

    def _forget_lists(self) -> None:
        for watch in self._watches.values():
            watch.listed = None
        self._wake_all()
