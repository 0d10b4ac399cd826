"""The budgets of calls to the streaming service: every call takes a turn first.

AWS limits each operation separately, over all programs of an account in a Region. So our second
tries, each page of a list and the status calls that explain a refusal take a turn too. The store
holds the turns, for all processes; a process takes them in small blocks and holds a few, so that in
a quiet moment no call waits for the database. Waiting calls get their turns in order of arrival;
`create_turns` has another order for reconnects.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Final, Protocol

from rejoin.backend.call_rate import CallRate, Quota, Turns, full
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import LONGEST_S, StoreUnavailableError
from rejoin.clock import Clock
from rejoin.tasks import cancel, spawn

CREATE: Final = "CreateStreamSessionConnection"
START: Final = "StartStreamSession"
GET: Final = "GetStreamSession"
LIST: Final = "ListStreamSessions"
TERMINATE: Final = "TerminateStreamSession"
OPERATIONS: Final = (CREATE, START, GET, LIST, TERMINATE)
"""The names of AWS's API."""

HELD: Final = 2
"""Turns that a process keeps in advance of each operation that it has used."""
HOLD_AFTER_S: Final = 0.025
"""While nobody waits, turns to hold are taken this much later, so that they do not compete with the
call that has just got its turn. With 0.25 s no turn was held at 20 reconnects a second, and each
took two thirds longer."""
_BLOCK_S: Final = 0.25
"""While calls wait, a process takes the turns of this many seconds at once."""
_UNCOUNTED: Final = (GET, TERMINATE)
"""Operations that are called now and then even while the store cannot count calls (a full disk):
statuses can still be read, and a paid game can be ended."""
_UNCOUNTED_EVERY_S: Final = 1.0
"""Pause between two such calls of a process. Twenty processes stay within AWS's rate."""


class CallTurns(Protocol):
    """Turns to call one operation of the service."""

    @property
    def per_s(self) -> float:
        """Turns a second."""
        ...

    def in_time(self, deadline_at: float) -> bool:
        """Whether a turn requested now would come before the deadline."""
        ...

    async def wait(self, deadline_at: float) -> bool:
        """Wait for a turn; False if none comes before the deadline. If the waiting is cancelled,
        the turn is free again. May raise StoreUnavailableError."""
        ...


class TurnsByOperation(Protocol):
    """The turns of each operation."""

    def of(self, operation: str) -> CallTurns: ...


class Budgets:
    """The budgets of one shard, as one process uses them."""

    def __init__(self, store: BudgetStore, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._budgets = {
            operation: OperationBudget(store, operation, clock) for operation in OPERATIONS
        }
        self._halving: dict[str, asyncio.Task[None]] = {}

    def of(self, operation: str) -> OperationBudget:
        return self._budgets[operation]

    async def take(self, operation: str, deadline_at: float) -> bool:
        """Wait for a turn to call the service once; False if none comes before the deadline.
        Raises StoreUnavailableError."""
        return await self._budgets[operation].wait(deadline_at)

    async def take_within(self, operation: str, seconds: float) -> bool:
        """The same, with the time that is left."""
        return await self.take(operation, self._clock() + seconds)

    def throttled(self, operation: str) -> None:
        """The service has refused a call because there were too many."""
        if operation in self._halving:
            return
        task = spawn(self._halve(operation), name=f"halve:{operation}")
        self._halving[operation] = task
        task.add_done_callback(lambda _: self._halving.pop(operation, None))

    async def _halve(self, operation: str) -> None:
        with contextlib.suppress(StoreUnavailableError):
            rate, at = await self.store.halve(operation, within_s=LONGEST_S)
            self._budgets[operation].note_rate(rate, at)

    async def finish(self) -> None:
        """Stop; waiting callers are refused."""
        await cancel(*self._halving.values())
        for budget in self._budgets.values():
            await budget.finish()


class OperationBudget:
    """One operation's budget."""

    def __init__(self, store: BudgetStore, operation: str, clock: Clock) -> None:
        self._store = store
        self._operation = operation
        self._clock = clock
        self._held = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._taking: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._rate = full(clock(), store.quota)
        """The rate as last read from the store, on our clock; a guess before the first reading."""

    @property
    def quota(self) -> Quota:
        return self._store.quota

    def left(self) -> float:
        """About how many calls may go out now; negative: how many turns are taken in advance."""
        left = self._rate.left(self._clock(), self.quota)
        return round(left + self._held - len(self._waiting), 3)

    @property
    def per_s(self) -> float:
        """Calls a second: the quota, or less after throttled calls."""
        return self._rate.per_s_at(self._clock(), self.quota)

    def in_time(self, deadline_at: float) -> bool:
        """Whether a turn requested now would probably come before the deadline."""
        now = self._clock()
        if self._held > len(self._waiting):
            return now < deadline_at
        next_at = self._rate.next_at(now, self.quota)
        return next_at + len(self._waiting) / self.per_s < deadline_at

    async def wait(self, deadline_at: float) -> bool:
        """Wait for a turn; False, as early as that is known, if none comes before the deadline. If
        the waiting is cancelled, the turn is free again. Raises StoreUnavailableError."""
        if not self.in_time(deadline_at):
            return False
        if self._held and not self._waiting:
            self._held -= 1
            self._take()
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._asked.set()
        self._take()
        try:
            async with asyncio.timeout(max(0.0, deadline_at - self._clock())):
                return await turn
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None and turn.result():
                self._held += 1
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)

    def take_held(self) -> bool:
        """Take a turn that this process holds, without waiting; it is not replaced."""
        if not self._held:
            return False
        self._held -= 1
        return True

    def return_unused(self, count: int = 1) -> None:
        """Return turns that were not used."""
        self._held = min(self._held + count, max(HELD, self._held))

    @property
    def lacking(self) -> int:
        """How many held turns are missing."""
        return max(0, HELD - self._held)

    def note_rate(self, rate: CallRate, at: float) -> None:
        """Note the store's rate at its own time `at`."""
        shift_s = self._clock() - at
        self._rate = CallRate(rate.free_at + shift_s, rate.per_s, rate.halved_at + shift_s)

    async def finish(self) -> None:
        await cancel(self._taking)
        self._refuse(None)

    def _take(self) -> None:
        if self._taking is None or self._taking.done():
            self._taking = spawn(self._take_turns(), name=f"turns:{self._operation}")

    async def _take_turns(self) -> None:
        """Take turns until nobody waits and some are held."""
        while True:
            if not self._waiting:
                self._asked.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HOLD_AFTER_S):
                        await self._asked.wait()
            block = max(1, int(self.per_s * _BLOCK_S))
            count = min(block, len(self._waiting))
            spare = self.lacking
            if count + spare == 0:
                return
            try:
                turns, at = await self._store.take(
                    self._operation, count, ahead_s=_BLOCK_S, spare=spare, within_s=LONGEST_S
                )
            except StoreUnavailableError as error:
                if self._operation not in _UNCOUNTED:
                    self._refuse(error)
                    return
                if not self._waiting:
                    return
                self._pass_on()
                await asyncio.sleep(_UNCOUNTED_EVERY_S)
                continue
            self.note_rate(turns.rate, at)
            await self._serve_waiting(turns)
            if len(turns.delays_s) < count + spare:
                if not self._waiting:
                    return  # turns to hold are taken when there are more
                await asyncio.sleep(self._until_next_block_s())

    def _until_next_block_s(self) -> float:
        now = self._clock()
        return max(1 / self.per_s, self._rate.next_at(now, self.quota) - now - _BLOCK_S)

    async def _serve_waiting(self, turns: Turns) -> None:
        began_at = self._clock()
        for delay_s in turns.delays_s:
            pause_s = began_at + delay_s - self._clock()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            if not self._pass_on():
                self._held += 1

    def _pass_on(self) -> bool:
        """Give a turn to the longest-waiting caller; False if nobody waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return True
        return False

    def _refuse(self, error: StoreUnavailableError | None) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if turn.done():
                continue
            if error is None:
                turn.set_result(False)
            else:
                turn.set_exception(error)
