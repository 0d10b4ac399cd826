"""Turns for create calls: each reconnect waits here for its turn, in the order of `create_order`.

In a quiet moment it takes a turn that this process holds, without a round trip to the database.
When more players reconnect than the service allows calls, all wait in one queue over all processes
(`store/turns`). A client whose turn does not come within its call gets its place as the answer, and
calls again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from rejoin.backend.budgets import HOLD_AFTER_S, OperationBudget
from rejoin.backend.create_order import (
    Believed,
    Doubt,
    Forecast,
    Waiting,
    have_time_to_spare,
)
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.store.database import LONGEST_S, StoreUnavailableError
from rejoin.backend.store.turns import Arrival, Exchanged, Lost, TurnStore
from rejoin.backend.window_ends import CreateOutcome, WindowEnds
from rejoin.clock import Clock
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend")

TICK_S: Final = 0.05
"""The shortest pause between two exchanges of turns: AWS allows a call each 50 ms."""
SLOWEST_TICK_S: Final = 0.5
FAILED_TICK_S: Final = 0.2
PATIENCE_S: Final = 2.0
"""If the database fails for longer, waiting clients are refused."""
FORECAST_S: Final = 1.0
"""How often places are estimated, with up to 2,000 waiting; less often with more."""
_FORECAST_EACH_S: Final = FORECAST_S / 2000
ASK_AGAIN_S: Final = 1.0
CALL_TAKES_S: Final = 0.25
"""Kept of the client's time for the call itself."""
SPREAD_S: Final = 2.0
SPREAD_SHARE: Final = 0.25
"""The most, as a share of the call's time. A client gets its place a random time, up to SPREAD_S,
before its call would time out. Otherwise clients that dropped together would all be between two
calls at the same moment, and that second's turns would go unused."""
_DELIVERED_IN_S: Final = 0.15
"""A turn granted by another process is found this much later, at the next exchange."""
SWEEP_S: Final = 5.0
LEAPT_S: Final = 2 * LONGEST_S
"""The database's clock has jumped if it is this far from where it was; no exchange takes as
long."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn after a wait. `shown_at`, `latest_at`: the deadlines, on the boot clock."""

    shown_at: float
    latest_at: float

    def outcome(self, began_at: float, took_s: float, *, taken: bool) -> CreateOutcome:
        """The outcome of the create call with this turn, which began at `began_at` (boot clock)."""
        shown_s, latest_s = self.shown_at - began_at, self.latest_at - began_at
        return CreateOutcome(shown_s, latest_s, took_s, taken)


@dataclass(slots=True)
class _Asking:
    """A session whose clients wait in this process. `is_new`: not in the store yet."""

    attempt: int
    belief: Believed
    asked_at: float
    until_at: float
    is_released: Callable[[float], bool]
    released: bool
    turn: asyncio.Future[None]
    clients: int = 0
    is_new: bool = True

    def arrival(self, session_id: str, now: float) -> Arrival:
        since_s = now - self.asked_at
        belief = self.belief
        return Arrival(
            session_id,
            belief.shown_s - since_s,
            belief.latest_s - since_s,
            belief.guessed,
            self.released,
            max(0.0, self.until_at - now - _DELIVERED_IN_S),
        )

    def waiting(self, session_id: str, at: float) -> Waiting:
        """`at`: `asked_at` on the forecast's clock."""
        belief = self.belief
        return Waiting(at + belief.shown_s, at + belief.latest_s, self.released, session_id)

    def as_turn(self) -> Turn:
        belief, at = self.belief, self.asked_at
        return Turn(at + belief.shown_s, at + belief.latest_s)

    def refuse(self, error: Exception) -> None:
        """Refuse it, unless it has its turn."""
        if not self.turn.done():
            self.turn.set_exception(error)
            self.turn.exception()  # nobody may be waiting any more


def forecast_every_s(waiting: int) -> float:
    """How often places are estimated with this many waiting."""
    return max(FORECAST_S, waiting * _FORECAST_EACH_S)


class CreateTurns:
    """The reconnects that wait in this process."""

    def __init__(self, store: TurnStore, budget: OperationBudget, clock: Clock) -> None:
        self._store = store
        self._budget = budget
        self._clock = clock
        self._asking: dict[str, _Asking] = {}
        self._others_wait = False
        self._asked = asyncio.Event()
        self._exchanging: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._failure: StoreUnavailableError | None = None
        """Of the last exchange."""
        self._ahead_s: float | None = None
        """The database's clock minus ours, at the last exchange."""
        self._forecast: Forecast | None = None
        self._shift_s = 0.0
        """From our clock to the forecast's."""
        self._forecast_due_at = 0.0
        self._ends = WindowEnds()
        self._can_spare = False
        """Whether turns for doubtful games cost nobody else a game, at the last estimate."""
        self.on_lost: Callable[[Lost], None] | None = None
        """Called with the games whose window ended while they waited."""

    @property
    def waiting(self) -> int:
        """Sessions that wait in this process."""
        return len(self._asking)

    async def start(self) -> None:
        """Hold some turns for the first reconnects, and count lost games from now on."""
        with contextlib.suppress(StoreUnavailableError):
            await self._hold()
        self._sweeping = spawn(self._sweep_for_ever(), name="sweep of turns")

    async def wait(
        self,
        session_id: str,
        attempt: int,
        belief: Believed,
        *,
        is_released: Callable[[float], bool],
        deadline_at: float,
    ) -> Turn | None:
        """Wait for this session's turn; None: it did not have to wait. `is_released(now)`: whether
        the service would probably accept a create call. `deadline_at`: of the client's call. Raises
        RefusedError (WAITS_FOR_TURN, ATTEMPT_STALE) and StoreUnavailableError."""
        deadline_at -= CALL_TAKES_S
        spread_s = SPREAD_SHARE * (deadline_at - self._clock())
        until_at = deadline_at - random.random() * min(SPREAD_S, max(0.0, spread_s))
        if self.take_at_once():
            return None
        asking = self._joined(session_id, attempt, belief, is_released, until_at)
        asking.clients += 1
        self._asked.set()
        self._exchange()
        try:
            await asyncio.wait({asking.turn}, timeout=max(0.0, until_at - self._clock()))
        finally:
            asking.clients -= 1
            if asking.clients == 0 and self._asking.get(session_id) is asking:
                del self._asking[session_id]
        if not asking.turn.done():
            if self._failure is not None:
                raise StoreUnavailableError(str(self._failure))
            raise self._waits(session_id, asking)
        asking.turn.result()
        return asking.as_turn()

    def take_at_once(self) -> bool:
        """Use a turn that this process holds. False if somebody waits, or it holds none."""
        if not (self._is_quiet() and self._budget.take_held()):
            return False
        self._exchange()
        return True

    def put_back(self) -> None:
        """A turn that was taken at once was not used."""
        self._budget.return_unused()

    def called(self, outcome: CreateOutcome) -> None:
        """A create call that had waited for its turn has ended. Calls that did not wait teach
        nothing: the lesson is for games of the same drop."""
        self._ends.saw(outcome, self._clock())

    def _is_quiet(self) -> bool:
        return not self._asking and not self._others_wait

    def _joined(
        self,
        session_id: str,
        attempt: int,
        belief: Believed,
        is_released: Callable[[float], bool],
        until_at: float,
    ) -> _Asking:
        """The session's place in this process: a newer attempt takes that of an older one."""
        now = self._clock()
        known = self._asking.get(session_id)
        if known is None or known.attempt < attempt:
            if known is not None:
                known.refuse(RefusedError(Reason.ATTEMPT_STALE))
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            released = is_released(now)
            known = _Asking(attempt, belief, now, until_at, is_released, released, turn)
            self._asking[session_id] = known
        elif known.attempt > attempt:
            raise RefusedError(Reason.ATTEMPT_STALE)
        else:
            known.belief, known.asked_at, known.is_released = belief, now, is_released
            known.until_at, known.is_new = max(known.until_at, until_at), True
        return known

    def _waits(self, session_id: str, asking: _Asking) -> RefusedError:
        """The refusal for a session that keeps its place and is to call again."""
        place = None
        if self._forecast is not None:
            waiting = asking.waiting(session_id, asking.asked_at + self._shift_s)
            place = self._forecast.place_of(waiting)
        return RefusedError(Reason.WAITS_FOR_TURN, retry_after_s=ASK_AGAIN_S, place=place)

    # --- exchange of turns ------------------------------------------------------------------------

    def _exchange(self) -> None:
        if self._exchanging is None or self._exchanging.done():
            self._exchanging = spawn(self._exchange_turns(), name="turns of reconnects")

    async def _exchange_turns(self) -> None:
        """Exchange until nobody waits here and turns are held for a quiet moment."""
        failing_since_at: float | None = None
        while True:
            try:
                await self._exchange_once()
                failing_since_at = self._failure = None
                if not self._asking:
                    await self._pause(HOLD_AFTER_S)
                    if not self._asking and (self._budget.lacking or self._others_wait):
                        await self._hold()
            except StoreUnavailableError as error:
                now = self._clock()
                failing_since_at = now if failing_since_at is None else failing_since_at
                self._failure = error
                if now - failing_since_at >= PATIENCE_S or not self._asking:
                    self._refuse(error)
                    return
                for asking in self._asking.values():
                    asking.is_new = True
                await asyncio.sleep(FAILED_TICK_S)
            else:
                if not self._asking:
                    return

    async def _exchange_once(self) -> None:
        if not self._asking:
            return
        exchanged = await self._store.exchange(
            self._arrivals(), within_s=LONGEST_S, doubt=self._doubt()
        )
        self._apply(exchanged)
        await self._estimate()
        if self._asking:
            await self._pause(self._until_next_s(exchanged))

    def _doubt(self) -> Doubt:
        return replace(self._ends.doubt(self._clock()), first=self._can_spare)

    async def _hold(self) -> None:
        """Take turns for a quiet moment, and learn whether anybody waits."""
        self._apply(await self._store.spare(self._budget.lacking, within_s=LONGEST_S))

    async def _pause(self, seconds: float) -> None:
        """Wait this long; while nobody waits here, only until a session arrives."""
        nobody = not self._asking
        self._asked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await (self._asked.wait() if nobody else asyncio.sleep(seconds))

    def _arrivals(self) -> list[Arrival]:
        """Sessions that arrived or were released since the last exchange."""
        now = self._clock()
        for each in self._asking.values():
            if not each.released and each.is_released(now):
                each.released = each.is_new = True
        new = {key: each for key, each in self._asking.items() if each.is_new}
        for each in new.values():
            each.is_new = False
        return [each.arrival(key, now) for key, each in new.items()]

    def _apply(self, exchanged: Exchanged) -> None:
        ahead_s = exchanged.now - self._clock()
        if self._ahead_s is not None and abs(ahead_s - self._ahead_s) > LEAPT_S:
            for each in self._asking.values():
                each.is_new = True  # the stored times are of the clock before its jump
        self._ahead_s = ahead_s
        self._budget.note_rate(exchanged.rate, exchanged.now)
        self._budget.return_unused(exchanged.spare)
        self._others_wait = exchanged.waits
        for session_id in exchanged.granted:
            asking = self._asking.pop(session_id, None)
            if asking is None or asking.turn.done():
                self._budget.return_unused()
            else:
                asking.turn.set_result(None)

    def _until_next_s(self, exchanged: Exchanged) -> float:
        """Seconds until the next turn is free."""
        next_at = exchanged.rate.next_at(exchanged.now, self._budget.quota)
        return min(SLOWEST_TICK_S, max(TICK_S, next_at - exchanged.now))

    async def _estimate(self) -> None:
        now = self._clock()
        if not self._asking:
            self._forecast = None
            return
        if self._forecast is not None and now < self._forecast_due_at:
            return
        queue = await self._store.queue(within_s=LONGEST_S)
        self._shift_s = queue.now - self._clock()
        doubt, per_s = self._ends.doubt(now), self._budget.per_s
        self._can_spare = have_time_to_spare(queue.waiting, queue.now, per_s, doubt)
        doubt = replace(doubt, first=self._can_spare)
        self._forecast = Forecast(queue.waiting, queue.now, per_s, doubt)
        self._forecast_due_at = now + forecast_every_s(self._forecast.waiting)

    def _refuse(self, error: StoreUnavailableError) -> None:
        """The database is down: no call goes out that it does not know of."""
        for asking in self._asking.values():
            asking.refuse(error)
        self._asking.clear()
        self._failure = None

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            with contextlib.suppress(StoreUnavailableError):
                lost = await self._store.sweep(within_s=LONGEST_S)
                if lost != Lost(0, 0) and self.on_lost is not None:
                    self.on_lost(lost)

    async def finish(self) -> None:
        """Waiting sessions keep their places; their clients call another process."""
        await cancel(self._exchanging, self._sweeping)
        for session_id, asking in self._asking.items():
            asking.refuse(self._waits(session_id, asking))
        if self._asking:
            self._asking.clear()
            with contextlib.suppress(StoreUnavailableError):
                await self._store.leave(within_s=LONGEST_S)
