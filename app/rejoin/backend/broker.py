"""Stream sessions between clients and the streaming service: values in, values out, no HTTP.

Rule 1: a session answers only to its owner; to everybody else it does not exist.
Rule 2: attempts are fenced by the store before the service is called.
Rule 3: at most one create call per session is in flight. The same attempt sent again joins it;
        another attempt waits for it or is refused as ATTEMPT_IN_FLIGHT. A client that hangs up does
        not end the call. `create_calls` holds this over all processes.
Rule 4: no answer is returned for a SignalRequest that it does not belong to.
Rule 5: what a client sent is never in a log record or a refusal.
Rule 6: no call goes out before the store has recorded it; an answer that cannot be stored is still
        returned.

Every method raises RefusedError, with the reason.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar, assert_never

from rejoin.backend.budgets import GET, LIST, CallTurns, TurnsByOperation
from rejoin.backend.client_tokens import START, ClientTokens
from rejoin.backend.create_calls import CreateCalls, Flying
from rejoin.backend.create_turns import CreateTurns, Turn
from rejoin.backend.list_watch import ListWatch
from rejoin.backend.owner_rules import OwnerCalls, OwnerRules
from rejoin.backend.refused import (
    ENDING_STATUSES,
    Reason,
    RefusedError,
    of_service,
    outcome_of,
)
from rejoin.backend.requests import Caller, Offer, SessionReport
from rejoin.backend.service import (
    ServiceFault,
    StartedStream,
    StreamService,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.session_reports import not_ended, stream_of
from rejoin.backend.status_calls import StatusCalls
from rejoin.backend.status_polls import StatusPolls
from rejoin.backend.store.attempts import Claimed
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.proofs import ProofStore
from rejoin.backend.store.session_rows import SessionForgottenError, StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.stream_lists import Lists, StreamLists
from rejoin.clock import Clock
from rejoin.service_model.fence import Claim
from rejoin.signaling.wire import ENDED_STATUSES, MIN_BUDGET_S
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend")
_Result = TypeVar("_Result")

EXPLANATION_BUDGET_S: Final = 2.0
"""How long the status that explains a refusal may take."""
RECORD_S: Final = 2.0
"""How long the database is waited for where the service has answered already."""
RECORD_AGAIN_S: Final = 0.1
FINISH_PATIENCE_S: Final = 2.0
"""When the backend stops, calls in flight have this long to end and be recorded."""
LIVING_FOR_S: Final = 2.0
"""Where a player's games are counted, one that the service has just reported counts for this long,
so that starts one after another do not use up the status calls of all players."""
DEFAULT_APPLICATION: Final = "default"
"""In a player's list: the application that is started when a client names none."""


@dataclass(frozen=True, slots=True)
class _Started:
    """A start that the service accepted: what it reported, and when the call began."""

    row: StoredSession
    status: StreamStatus
    asked_at: float


@dataclass(frozen=True, slots=True)
class ServiceCalls:
    """What the broker calls: `service`, whose calls pay for themselves but for status calls, the
    turns of those, and the service's lists."""

    service: StreamService
    status_turns: CallTurns
    lists: Lists

    @classmethod
    def alone(cls, service: StreamService, budgets: TurnsByOperation, clock: Clock) -> ServiceCalls:
        """For a process that reads the lists for itself."""
        return cls(service, budgets.of(GET), StreamLists(service, budgets.of(LIST), clock))


class SessionBroker:
    """Starts, reconnects and terminates stream sessions for their owners; `polls` looks at them."""

    def __init__(
        self,
        calls: ServiceCalls,
        store: SessionStore,
        flights: FlightStore,
        clock: Clock,
        stopping: asyncio.Event | None = None,
        owners: OwnerCalls | None = None,
    ) -> None:
        """`stopping`: set when the backend is to end; long polls then return what they have.
        `owners`: what one player may hold; None: anything."""
        self.turns: CreateTurns | None = None
        """Where reconnects wait for their turn; None: they do not."""
        self._owners = owners or OwnerCalls(OwnerRules(outstanding={}), clock)
        self._service, self._store = calls.service, store
        self._clock = clock
        stopping = stopping or asyncio.Event()
        self._status_calls = StatusCalls(calls.service, calls.status_turns, clock)
        self.watch = ListWatch(
            calls.lists, calls.status_turns, self._newest_attempts, clock, stopping
        )
        self.proofs = ProofStore(store.database, clock)
        self.polls = StatusPolls(
            store, self.proofs, self._status_calls, self.watch, clock, stopping, self._owners
        )
        self._starts: dict[str, asyncio.Task[_Started | RefusedError]] = {}
        self._create_calls = CreateCalls(flights, clock)
        self._tokens = ClientTokens(store)

    async def finish(self) -> None:
        """Wait a moment for the calls in flight, so that their outcome is recorded."""
        tasks: list[asyncio.Task[Any]] = [
            *self._starts.values(),
            *self._create_calls.tasks(),
        ]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_PATIENCE_S)
            await cancel(*late)  # their outcome stays unknown, as it is
        await self.watch.finish()
        await self.polls.finish()
        await self._status_calls.finish()

    async def _newest_attempts(self, session_ids: Sequence[str]) -> Mapping[str, int]:
        return await self._store.newest_attempts(session_ids, within_s=RECORD_S)

    # --- start ----------------------------------------------------------------------------------

    async def start(self, caller: Caller, offer: Offer, application: str | None) -> SessionReport:
        """Start a stream session, or return the one that the same token has started already."""
        offer.check()
        if caller.applications is not None:
            name = DEFAULT_APPLICATION if application is None else application
            if name not in caller.applications:
                raise RefusedError(Reason.APPLICATION_FORBIDDEN)
        claim, row = await self._store.begin_start(
            owner_hash=caller.owner_hash,
            key=offer.token,
            offered=await self._tokens.offered(caller.owner_hash, START, offer),
            tag=await self._tokens.tag(),
            within_s=caller.left_s(self._clock()),
        )
        if claim is Claim.REUSED:
            raise RefusedError(Reason.START_TOKEN_REUSED)
        if row.stream is not None:
            row, status = await self.polls.get_status(caller, row.id)
            return self.polls.view(row, status)
        task = self._starts.get(row.id)
        if task is None:
            work = self._start_call(claim, row, offer, application, caller.deadline_at)
            task = spawn(outcome_of(work), name=f"start:{row.id[:6]}")
            self._starts[row.id] = task
            task.add_done_callback(lambda _: self._starts.pop(row.id, None))
        started = await self._result(task, caller)
        row = await self.polls.remember(started.row, started.status, started.asked_at, caller)
        return self.polls.view(row, started.status)

    async def _admit_start(self, caller: Caller, row: StoredSession) -> None:
        """Whether the player may start one more game; if not, the start is forgotten."""
        try:
            self._owners.started(caller.owner_hash)
            await self._check_room(caller, row)
        except RefusedError:
            await self._store.forget(row.id, within_s=RECORD_S)
            raise

    async def _check_room(self, caller: Caller, row: StoredSession) -> None:
        most = self._owners.rules.live_sessions
        if most is not None and not await self._has_room(caller, most, besides=row.id):
            raise RefusedError(Reason.TOO_MANY_SESSIONS)

    async def _has_room(self, caller: Caller, most: int, *, besides: str) -> bool:
        """Whether fewer than `most` of the player's stream sessions live."""
        rows = await self._store.live_of(caller.owner_hash, within_s=caller.left_s(self._clock()))
        left = [row for row in rows if row.id != besides]
        living = 0
        while left and living + len(left) >= most > living:
            living += await self._lives(caller, left.pop().id)
        return living + len(left) < most

    async def _lives(self, caller: Caller, session_id: str) -> bool:
        memory = self.polls.memory_of(session_id)
        if memory.status and self._clock() - memory.settled_at < LIVING_FOR_S:
            return memory.status not in ENDED_STATUSES
        try:
            seen, _ = await self.polls.get_status(caller, session_id)
        except RefusedError as refused:
            return refused.reason is not Reason.SESSION_UNKNOWN
        return seen.ended_status is None

    async def _start_call(
        self,
        claim: Claim,
        row: StoredSession,
        offer: Offer,
        application: str | None,
        deadline_at: float,
    ) -> _Started:
        caller = Caller(row.owner_hash, deadline_at, _never_gone)
        if claim is Claim.NEW:
            await self._admit_start(caller, row)
        else:  # sent to another process too, which may be about to refuse it
            await self._check_room(caller, row)
        asked_at = self._clock()
        try:
            started = await self._service.start(
                token=await self._tokens.of(row, START, offer),
                signal_request=offer.signal_request,
                application=application,
                user_id=row.tag,
                budget_s=deadline_at - asked_at,
            )
        except StreamServiceError as error:
            if error.fault.outcome_known:
                await self._store.forget(row.id, within_s=RECORD_S)
            if error.fault is ServiceFault.NOT_FOUND:
                raise RefusedError(Reason.APPLICATION_UNKNOWN) from None
            raise
        await self._record_start(row.id, started)
        return _Started(replace(row, stream=started.stream), started.status, asked_at)

    async def _record_start(self, session_id: str, started: StartedStream) -> None:
        """Without this record nobody could reach the game, so a database that is down for a moment
        is waited for."""
        until_at = self._clock() + RECORD_S
        while True:
            try:
                await self._store.started(
                    session_id,
                    started.stream,
                    within_s=RECORD_S,
                    connection_timeout_s=started.status.connection_timeout_s,
                )
            except StoreUnavailableError:
                if self._clock() >= until_at:
                    raise
                await asyncio.sleep(RECORD_AGAIN_S)
            else:
                return

    # --- reconnect ------------------------------------------------------------------------------

    async def reconnect(self, caller: Caller, session_id: str, offer: Offer) -> str:
        """CreateStreamSessionConnection for this attempt; the SignalResponse to its offer."""
        offer.check()
        claimed = await self._claimed_with_turn(caller, session_id, offer)
        row, has_flight = claimed.row, claimed.flies
        has_turn = self.turns is None or has_flight
        turn: Turn | None = None
        while True:
            if row.attempt != offer.attempt:
                raise RefusedError(Reason.ATTEMPT_STALE)
            if row.answer is not None:
                return row.answer
            call = self._create_calls.of(session_id)
            if call is None and not has_turn:
                has_turn = True
                turn = await self._turn(caller, row, offer)
                if turn is not None:  # the row may have changed
                    row = not_ended(await self.polls.owned(caller, session_id, urgent=True))
                continue
            if call is None:
                call = self._create_calls.begin(
                    session_id,
                    offer.attempt,
                    partial(self._create_call, row, offer, caller.deadline_at, turn),
                    caller.deadline_at,
                    has_flight=has_flight,
                )
            elif has_flight:  # of an older attempt, which waits for its flight
                await self._create_calls.end_flight(session_id, offer.attempt)
            has_flight = False
            if call.attempt == offer.attempt:
                return await self._result(call.task, caller)
            # Another attempt's call (Rule 3): it cannot be undone, so wait for its end.
            left_s = caller.deadline_at - self._clock() - MIN_BUDGET_S
            done, _pending = await asyncio.wait({call.task}, timeout=max(0.0, left_s))
            if not done:
                raise RefusedError(Reason.ATTEMPT_IN_FLIGHT, retry_after_s=1.0)
            row = not_ended(await self.polls.owned(caller, session_id))

    async def _claimed_with_turn(self, caller: Caller, session_id: str, offer: Offer) -> Claimed:
        """The session, with this attempt as its newest. In a quiet moment its flight begins with
        the claim, which saves a transaction."""
        turns = self.turns
        has_turn = turns is None or turns.take_at_once()
        claimed: Claimed | None = None
        try:
            claimed = await self._claimed(caller, session_id, offer, flies=has_turn)
        finally:
            if turns is not None and has_turn and not (claimed is not None and claimed.flies):
                turns.put_back()
        return claimed

    async def _claimed(
        self, caller: Caller, session_id: str, offer: Offer, *, flies: bool
    ) -> Claimed:
        """`flies`: begin the flight too, if no other one is in the way."""
        proof = self.polls.wanted_proof(session_id)
        flight = None
        if flies:
            flight = self._create_calls.new_flight(session_id, offer.attempt, caller.deadline_at)
        claimed = await self._store.attempts.claim(
            session_id,
            caller.owner_hash,
            key=offer.token,
            offered=await self._tokens.offered(caller.owner_hash, session_id, offer),
            within_s=caller.left_s(self._clock()),
            proof=proof,
            flight=flight,
        )
        if claimed is None:
            raise RefusedError(Reason.SESSION_UNKNOWN)
        if proof is not None:
            self.polls.memory_of(session_id).proved(proof.at)
        match claimed.claim:
            case Claim.STALE:
                raise RefusedError(Reason.ATTEMPT_STALE)
            case Claim.REUSED:
                raise RefusedError(Reason.OFFER_REUSED)
            case Claim.NEW | Claim.REPEATED | None:
                stream_of(not_ended(claimed.row))
                self.watch.attempt_made(session_id, claimed.row.attempt)
                return claimed
            case _:
                assert_never(claimed.claim)

    async def _turn(self, caller: Caller, row: StoredSession, offer: Offer) -> Turn | None:
        """Wait until this session may be called for; None: that took no time."""
        assert self.turns is not None
        memory = self.polls.memory_of(row.id)
        belief, connected_at = memory.window(offer.claimed, row.connection_timeout_s, self._clock())
        return await self.turns.wait(
            row.id,
            offer.attempt,
            belief,
            is_released=partial(memory.is_released, connected_at),
            deadline_at=caller.deadline_at,
        )

    async def _create_call(
        self,
        row: StoredSession,
        offer: Offer,
        deadline_at: float,
        turn: Turn | None,
        flying: Flying,
    ) -> str:
        """The flight is ours. While we waited for it, another process may have made this call."""
        if flying.waited:
            caller = Caller(row.owner_hash, deadline_at, _never_gone)
            row = not_ended(await self.polls.owned(caller, row.id, urgent=True))
            if row.answer is not None:
                return row.answer
        began_at = self._clock()
        try:
            answer = await self._service.create_connection(
                stream_of(row),
                token=await self._tokens.of(row, row.id, offer),
                signal_request=offer.signal_request,
                budget_s=deadline_at - self._clock(),
            )
        except StreamServiceError as error:
            took_s = self._clock() - began_at
            status = await self._explanation(row, error, deadline_at)
            if error.fault is ServiceFault.NOT_FOUND or status in ENDING_STATUSES:
                self._learn_from(turn, began_at, took_s, taken=False)
            raise of_service(error, status) from None
        self._learn_from(turn, began_at, self._clock() - began_at, taken=True)
        settles = self.polls.answered(row.id)
        try:
            await self._store.attempts.answered(
                row.id,
                attempt=row.attempt,
                request_sha256=row.request_sha256,
                answer=answer,
                within_s=RECORD_S,
                flight_of=flying.owner,
                settles=settles,
            )
            flying.landed = True
        except StoreUnavailableError:
            _log.warning("an answer could not be stored; its client gets it nevertheless")
        return answer

    def _learn_from(
        self, turn: Turn | None, began_at: float, took_s: float, *, taken: bool
    ) -> None:
        if turn is not None and self.turns is not None:
            self.turns.called(turn.outcome(began_at, took_s, taken=taken))

    async def _explanation(
        self, row: StoredSession, error: StreamServiceError, deadline_at: float
    ) -> str | None:
        """The status that explains a refusal; None if it would not, or does not arrive in time."""
        if error.fault not in (ServiceFault.CONFLICT, ServiceFault.INVALID):
            return None
        until_at = min(deadline_at, self._clock() + EXPLANATION_BUDGET_S)
        try:
            _, status = await self.polls.get_status(
                Caller(row.owner_hash, until_at, _never_gone), row.id, not_before=self._clock()
            )
        except (RefusedError, SessionForgottenError):
            return None
        return status.status

    # --- terminate ------------------------------------------------------------------------------

    async def terminate(self, caller: Caller, session_id: str) -> None:
        """End the stream session; one that has ended, or is ending, is no failure."""
        row = await self.polls.owned(caller, session_id)
        if row.ended_status is not None:
            return
        stream = stream_of(row)
        budget_s = caller.deadline_at - self._clock()
        try:
            async with asyncio.timeout(max(0.0, budget_s)):
                await self._service.terminate(stream, budget_s=budget_s)
        except TimeoutError:
            raise RefusedError(Reason.TIMED_OUT) from None
        except StreamServiceError as error:
            if error.fault is ServiceFault.NOT_FOUND:
                return  # it existed, so it has ended
            status = await self._explanation(row, error, caller.deadline_at)
            if status in ENDING_STATUSES:
                return
            if status is not None and error.fault is ServiceFault.INVALID:
                # Whatever the service calls it, the session's status (ACTIVATING) forbids it.
                error = StreamServiceError(ServiceFault.CONFLICT, str(error))
            raise of_service(error, status) from None

    # --- shared ---------------------------------------------------------------------------------

    async def _result(self, task: asyncio.Task[_Result | RefusedError], caller: Caller) -> _Result:
        """The result of a call in flight; a caller who stops waiting does not end it."""
        done, _ = await asyncio.wait({task}, timeout=caller.left_s(self._clock()))
        if not done:
            raise RefusedError(Reason.TIMED_OUT)
        outcome = task.result()
        if isinstance(outcome, RefusedError):
            raise outcome.again()
        return outcome


async def _never_gone() -> bool:
    return False
