"""The studio backend as an ASGI application: the contract of `signaling/wire` on a `StreamService`.

Rule 1: every call but health needs a bearer token, and a session answers only to its owner; to
everybody else it does not exist.
Rule 2: attempts are fenced by the store before the service is asked.
Rule 3: at most one create call per session is in flight; the same attempt asked again joins it,
another one waits for it or is told IN_FLIGHT. A client that hangs up does not end it.
Rule 4: no answer goes out for a SignalRequest that it does not belong to.
Rule 5: what a client sent is never in a log record or a problem.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import math
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeVar, assert_never

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rejoin.backend.service import (
    ServiceFault,
    StreamId,
    StreamLook,
    StreamService,
    StreamServiceError,
)
from rejoin.backend.store import SessionForgottenError, Store, StoredSession, secret_hash
from rejoin.clock import Clock, boot_s
from rejoin.errors import RejoinError
from rejoin.service_model.fence import Claim
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    CONTRACT_VERSION,
    ENDED_STATUSES,
    IDEMPOTENCY_HEADER,
    MAX_BODY_BYTES,
    MAX_BUDGET_MS,
    MAX_SIGNAL_BYTES,
    MAX_WAIT_S,
    PROBLEM_CONTENT_TYPE,
    SESSION_ID_PATTERN,
    TOKEN_PATTERN,
    ConnectionBody,
    HealthBody,
    ProblemBody,
    ProblemCode,
    ReconnectBody,
    RemainingBody,
    SessionViewBody,
    SignalAnswerBody,
    StartBody,
    problem,
    sha256_hex,
)
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.backend")
_Outcome = TypeVar("_Outcome")

Authenticate = Callable[[str], str | None]
"""From a bearer token to a stable name of its owner, or None. Called once per request."""

_FAST_LOOK_S: Final = 0.2
_SLOW_LOOK_S: Final = 1.0
_FAST_FOR_S: Final = 10.0
"""How the backend looks during long polls (reconnect.md, "Asking again")."""
_NEW_EPISODE_S: Final = 3.0
"""Nobody asked for this long: the next poll is looked after quickly again."""
_LOOKS_PER_S: Final = 15.0
"""Under the 20 GetStreamSession/s that AWS allows per account and Region (service.md)."""
_LOOK_BUDGET_S: Final = 7.0
_DEFAULT_BUDGET_S: Final = 9.0
_MIN_BUDGET_S: Final = 0.5
_MARGIN_S: Final = 0.1
"""Kept of the client's budget for writing the answer."""
_BODY_PATIENCE_S: Final = 10.0
_FINISH_PATIENCE_S: Final = 2.0
_REMAINING_STATUSES: Final = frozenset({"CONNECTED", "PENDING_CLIENT_RECONNECTION", "RECONNECTING"})
"""Where the window counts from the last CONNECTED; after ACTIVE a second window runs."""
_OVER_OR_ENDING: Final = ENDED_STATUSES | {"TERMINATING"}
_MAX_WATCHED: Final = 10_000


class ProblemError(RejoinError):
    """A request that ends with problem details; its text is the problem's sentence."""

    code = "problem"

    def __init__(self, body: ProblemBody, *, retry_after_s: float | None = None) -> None:
        super().__init__(body.detail)
        self.body = body
        self.retry_after_s = retry_after_s


def static_tokens(tokens: Collection[str]) -> Authenticate:
    """A fixed set of bearer tokens, each its own owner; compared in constant time."""
    known = [(secret_hash("bearer", token), token) for token in tokens]

    def authenticate(presented: str) -> str | None:
        digest = secret_hash("bearer", presented)
        owner: str | None = None
        for candidate, token in known:
            if hmac.compare_digest(candidate, digest):
                owner = token
        return owner

    return authenticate


def build_app(
    service: StreamService,
    store: Store,
    tokens: Collection[str] | Authenticate,
    *,
    clock: Clock = boot_s,
    looks_per_s: float = _LOOKS_PER_S,
) -> FastAPI:
    """The application. Whoever made `service` and `store` closes them, after the application."""
    backend = _Backend(service, store, clock, _Pace(clock, looks_per_s))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await backend.finish()

    app = FastAPI(
        title="Rejoin studio backend",
        version=str(CONTRACT_VERSION),
        description="Dialect 1: how a Rejoin client starts, watches, rejoins and ends a stream "
        "session. Every call but health needs a bearer token.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        # Spans and exception records could carry what a request held.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.include_router(_router(backend))
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    authenticate = tokens if callable(tokens) else static_tokens(tokens)
    app.add_middleware(_Gate, authenticate=authenticate, clock=clock)
    return app


# --- the routes ----------------------------------------------------------------------------------

_Token = Annotated[
    str,
    Header(
        alias=IDEMPOTENCY_HEADER,
        pattern=TOKEN_PATTERN,
        description="One per attempt; the same on a retry of the same bytes.",
    ),
]
_BudgetMs = Annotated[
    int | None,
    Header(
        alias=BUDGET_HEADER,
        ge=1,
        le=MAX_BUDGET_MS,
        description="How long the client will wait for this answer, in milliseconds.",
    ),
]
_Id = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]
_WaitS = Annotated[
    float,
    Query(ge=0, allow_inf_nan=False, description=f"Longest wait; more than {MAX_WAIT_S:g} is cut."),
]
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {PROBLEM_CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
}


def _router(backend: _Backend) -> APIRouter:
    # The gate has checked the token already; this puts the scheme into the contract.
    bearer = Security(HTTPBearer(auto_error=False, scheme_name="bearer"))
    router = APIRouter(prefix="/v1", responses=_PROBLEMS)

    @router.get("/health", operation_id="health", summary="Does a Rejoin backend answer here?")
    async def health() -> HealthBody:
        return HealthBody()

    @router.post(
        "/sessions",
        operation_id="start",
        summary="Start a stream session",
        status_code=201,
        dependencies=[bearer],
    )
    async def start(
        request: Request,
        response: Response,
        body: StartBody,
        token: _Token,
        budget_ms: _BudgetMs = None,
    ) -> SessionViewBody:
        view = await backend.start(_Asked.of(request, budget_ms), body, token)
        response.headers["Location"] = f"/v1/sessions/{view.session_id}"
        return view

    @router.get(
        "/sessions/{session_id}",
        operation_id="status",
        summary="Look at a stream session; with `known` as a long poll",
        dependencies=[bearer],
    )
    async def status(
        request: Request,
        session_id: _Id,
        known: Annotated[
            str | None,
            Query(
                pattern=r"^[ -~]{1,100}$",
                description="Answer as soon as the status is another one than this, the answer "
                "to the held SignalRequest appears, a newer attempt begins, or `wait_s` is over. "
                "Absent: at once.",
            ),
        ] = None,
        wait_s: _WaitS = 8.0,
        budget_ms: _BudgetMs = None,
    ) -> SessionViewBody:
        def news(first: SessionViewBody, view: SessionViewBody) -> bool:
            answered = view.signal_response is not None and first.signal_response is None
            # Between two looks another client may have come in: the status is the same again.
            newer = view.attempt != first.attempt
            return known is None or view.status != known or answered or newer

        return await backend.watch(_Asked.of(request, budget_ms), session_id, wait_s, news)

    @router.get(
        "/sessions/{session_id}/answer",
        operation_id="answer",
        summary="The answer to the SignalRequest that the service holds; CONFLICT until it exists",
        dependencies=[bearer],
    )
    async def answer(
        request: Request, session_id: _Id, wait_s: _WaitS = 0.0, budget_ms: _BudgetMs = None
    ) -> SignalAnswerBody:
        asked = _Asked.of(request, budget_ms)
        view = await backend.watch(
            asked, session_id, wait_s, lambda _, view: view.signal_response is not None
        )
        if view.signal_request_sha256 is None or view.signal_response is None:
            raise ProblemError(
                problem(
                    ProblemCode.CONFLICT,
                    "There is no answer to this SignalRequest.",
                    retryable=view.status not in _OVER_OR_ENDING,
                    session_status=view.status,
                )
            )
        return SignalAnswerBody(
            signal_request_sha256=view.signal_request_sha256,
            signal_response=view.signal_response,
        )

    @router.post(
        "/sessions/{session_id}/connections",
        operation_id="reconnect",
        summary="Let a client in again with a fresh offer",
        dependencies=[bearer],
    )
    async def reconnect(
        request: Request,
        session_id: _Id,
        body: ReconnectBody,
        token: _Token,
        budget_ms: _BudgetMs = None,
    ) -> ConnectionBody:
        return await backend.reconnect(_Asked.of(request, budget_ms), session_id, body, token)

    @router.delete(
        "/sessions/{session_id}",
        operation_id="terminate",
        summary="End a stream session; one that has ended already is no failure",
        status_code=204,
        dependencies=[bearer],
    )
    async def terminate(request: Request, session_id: _Id, budget_ms: _BudgetMs = None) -> None:
        await backend.terminate(_Asked.of(request, budget_ms), session_id)

    return router


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks, until when an answer is of use, and whether they still listen."""

    owner_hash: str
    deadline_at: float
    gone: Callable[[], Awaitable[bool]]

    @classmethod
    def of(cls, request: Request, budget_ms: int | None) -> _Asked:
        budget_s = _DEFAULT_BUDGET_S if budget_ms is None else budget_ms / 1000
        if budget_s < _MIN_BUDGET_S:
            raise ProblemError(
                problem(
                    ProblemCode.BUDGET_TOO_SMALL,
                    f"Nothing was tried: an answer takes {_MIN_BUDGET_S:g} s or more.",
                )
            )
        came: _Came = request.scope["rejoin.came"]
        return cls(came.owner_hash, came.at + budget_s - _MARGIN_S, request.is_disconnected)


# --- what the routes do --------------------------------------------------------------------------


@dataclass(slots=True)
class _Watched:
    """What this process has seen of a session; lost on a restart, which is safe (null)."""

    status: str = ""
    fast_from_at: float = -math.inf
    polled_at: float = -math.inf
    connected_asked_at: float | None = None
    connection_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Started:
    """A start that the service accepted, with what it said and when it was asked."""

    row: StoredSession
    look: StreamLook
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Flight:
    """A create call that goes on when its client hangs up."""

    attempt: int
    task: asyncio.Task[str | ProblemError]


@dataclass(slots=True)
class _Pace:
    """At most so many looks per second over all sessions, in the order they were wanted."""

    clock: Clock
    per_s: float
    free_at: float = -math.inf

    async def wait(self, deadline_at: float) -> bool:
        """Wait for a turn; False, at once, when it would come after the deadline."""
        now = self.clock()
        # A quiet moment lets five looks go at once.
        turn_at = max(self.free_at, now - 4 / self.per_s)
        if turn_at >= deadline_at:
            return False
        self.free_at = turn_at + 1 / self.per_s
        if turn_at > now:
            await asyncio.sleep(turn_at - now)
        return True


class _Backend:
    def __init__(self, service: StreamService, store: Store, clock: Clock, pace: _Pace) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._pace = pace
        self._watched: dict[str, _Watched] = {}
        self._starts: dict[str, asyncio.Task[_Started | ProblemError]] = {}
        self._flights: dict[str, _Flight] = {}

    async def finish(self) -> None:
        """Give calls in flight a moment, so that their outcome is written down."""
        tasks: list[asyncio.Task[Any]] = [
            *self._starts.values(),
            *(flight.task for flight in self._flights.values()),
        ]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_FINISH_PATIENCE_S)
            await cancel(*late)  # their outcome stays unknown, as it is

    # --- start ---

    async def start(self, asked: _Asked, body: StartBody, token: str) -> SessionViewBody:
        claim, row = self._store.begin_start(
            owner_hash=asked.owner_hash,
            token=token,
            attempt=body.attempt,
            request_sha256=sha256_hex(body.signal_request),
        )
        if claim is Claim.REUSED:
            raise _refused(ProblemCode.REUSED_OFFER, "This token was used for another start.")
        if row.stream is not None:
            row, look = await self._look(asked, row.id)
            return self._view(row, look)
        task = self._starts.get(row.id)
        if task is None:
            task = spawn(
                self._start_call(row, body, token, asked.deadline_at), name=f"start:{row.id[:6]}"
            )
            self._starts[row.id] = task
            task.add_done_callback(lambda _: self._starts.pop(row.id, None))
        started = await self._landed(task, asked)
        row = self._note(started.row, started.look, started.asked_at)
        return self._view(row, started.look)

    async def _start_call(
        self, row: StoredSession, body: StartBody, token: str, deadline_at: float
    ) -> _Started | ProblemError:
        asked_at = self._clock()
        try:
            started = await self._service.start(
                token=token,
                signal_request=body.signal_request,
                application=body.application,
                budget_s=deadline_at - asked_at,
            )
            self._store.started(row.id, started.stream)
        except StreamServiceError as error:
            if error.fault.outcome_known:
                self._store.forget(row.id)
            if error.fault is ServiceFault.NOT_FOUND:
                return _refused(
                    ProblemCode.SESSION_NOT_FOUND,
                    "The streaming service does not know the configured stream group or "
                    "application.",
                )
            return _failed(error)
        except Exception as error:
            return _unexpected(error)
        return _Started(replace(row, stream=started.stream), started.look, asked_at)

    # --- status and answer ---

    async def watch(
        self,
        asked: _Asked,
        session_id: str,
        wait_s: float,
        news: Callable[[SessionViewBody, SessionViewBody], bool],
    ) -> SessionViewBody:
        """Look until `news(first view, newest view)`, the end of the session, or `wait_s`."""
        self._owned(asked, session_id)
        watched = self._watch(session_id)
        now = self._clock()
        until_at = min(now + min(wait_s, MAX_WAIT_S), asked.deadline_at)
        if now - watched.polled_at > _NEW_EPISODE_S:
            watched.fast_from_at = now
        first: SessionViewBody | None = None
        while True:
            looked_at = watched.polled_at = self._clock()
            failure: ProblemError | None = None
            try:
                row, look = await self._look(asked, session_id)
            except ProblemError as error:
                if first is None or not error.body.retryable:
                    raise
                failure = error
                pause_s = _SLOW_LOOK_S
            else:
                view = self._view(row, look)
                first = first or view
                if view.status in ENDED_STATUSES or news(first, view):
                    return view
                fast = self._clock() - watched.fast_from_at < _FAST_FOR_S
                pause_s = _FAST_LOOK_S if fast else _SLOW_LOOK_S
            next_at = min(looked_at + pause_s, until_at)
            await asyncio.sleep(max(0.0, next_at - self._clock()))
            watched.polled_at = self._clock()
            if next_at >= until_at or await asked.gone():
                if failure is not None:
                    raise failure
                # Again, because what it knows of the window has grown older.
                return self._view(row, look)

    async def _look(self, asked: _Asked, session_id: str) -> tuple[StoredSession, StreamLook]:
        """Ask the service once, in our turn; or tell what is known when it is over."""
        row = self._owned(asked, session_id)
        if row.ended_status is not None:
            return row, StreamLook(status=row.ended_status, reason=row.ended_reason)
        stream = _stream(row)
        if not await self._pace.wait(asked.deadline_at):
            raise ProblemError(
                problem(ProblemCode.THROTTLED, "The backend looks after too many sessions."),
                retry_after_s=1.0,
            )
        asked_at = self._clock()
        budget_s = min(_LOOK_BUDGET_S, asked.deadline_at - asked_at)
        try:
            async with asyncio.timeout(max(0.0, budget_s)):
                look = await self._service.look(stream, budget_s=budget_s)
        except TimeoutError:
            raise _refused(
                ProblemCode.SERVICE_TIMEOUT, "The streaming service did not answer in time."
            ) from None
        except StreamServiceError as error:
            raise _failed(error) from None
        # Attempts may have come while we were looking.
        return self._note(self._owned(asked, session_id), look, asked_at), look

    def _note(self, row: StoredSession, look: StreamLook, asked_at: float) -> StoredSession:
        """Keep what a look taught."""
        watched = self._watch(row.id)
        if look.status != watched.status:
            watched.status = look.status
            watched.fast_from_at = self._clock()
        if look.status == "CONNECTED":
            watched.connected_asked_at = max(asked_at, watched.connected_asked_at or asked_at)
        if look.connection_timeout_s is not None:
            watched.connection_timeout_s = look.connection_timeout_s
        if row.ended_status is not None:
            return row
        if look.status in ENDED_STATUSES:
            return self._store.ended(row.id, look.status, look.reason)
        request_sha256, answer = _held(row, look)
        if row.answer is None and answer is not None and request_sha256 == row.request_sha256:
            # A lost answer, or the one to the start: recovered.
            return self._store.answered(
                row.id, attempt=row.attempt, request_sha256=request_sha256, answer=answer
            )
        return row

    def _view(self, row: StoredSession, look: StreamLook) -> SessionViewBody:
        watched = self._watch(row.id)
        timeout_s = look.connection_timeout_s or watched.connection_timeout_s
        remaining: RemainingBody | None = None
        if (
            look.status in _REMAINING_STATUSES
            and timeout_s is not None
            and watched.connected_asked_at is not None
        ):
            remaining = RemainingBody(
                at_least_s=timeout_s, age_s=max(0.0, self._clock() - watched.connected_asked_at)
            )
        request_sha256, answer = _held(row, look)
        return SessionViewBody(
            session_id=row.id,
            status=look.status,
            reason=look.reason,
            connection_timeout_s=timeout_s,
            session_ends_in_s=look.session_ends_in_s,
            remaining=remaining,
            attempt=row.attempt,
            signal_request_sha256=request_sha256,
            signal_response=answer,
        )

    # --- reconnect ---

    async def reconnect(
        self, asked: _Asked, session_id: str, body: ReconnectBody, token: str
    ) -> ConnectionBody:
        request_sha256 = sha256_hex(body.signal_request)
        _stream(_running(self._owned(asked, session_id)))
        claim, _ = self._store.claim(
            session_id, attempt=body.attempt, token=token, request_sha256=request_sha256
        )
        match claim:
            case Claim.STALE:
                raise _stale()
            case Claim.REUSED:
                raise _refused(
                    ProblemCode.REUSED_OFFER, "An earlier attempt has sent this offer already."
                )
            case Claim.NEW | Claim.REPEATED:
                pass
            case _:
                assert_never(claim)
        while True:
            row = _running(self._owned(asked, session_id))
            if row.attempt != body.attempt:
                raise _stale()
            if row.answer is not None:
                answer = row.answer
                break
            flight = self._flights.get(session_id)
            if flight is None:
                flight = self._fly(row, _stream(row), body, token, asked.deadline_at)
            if flight.attempt == body.attempt:
                answer = await self._landed(flight.task, asked)
                break
            # Another attempt's call: there is one at a time, and it cannot be called back.
            left_s = asked.deadline_at - self._clock() - _MIN_BUDGET_S
            done, _ = await asyncio.wait({flight.task}, timeout=max(0.0, left_s))
            if not done:
                raise ProblemError(
                    problem(ProblemCode.IN_FLIGHT, "An earlier attempt has no answer yet."),
                    retry_after_s=1.0,
                )
        return ConnectionBody(
            attempt=body.attempt, signal_request_sha256=request_sha256, signal_response=answer
        )

    def _fly(
        self,
        row: StoredSession,
        stream: StreamId,
        body: ReconnectBody,
        token: str,
        deadline_at: float,
    ) -> _Flight:
        flight = _Flight(
            row.attempt,
            spawn(
                self._create_call(row, stream, body, token, deadline_at),
                name=f"create:{row.id[:6]}:{row.attempt}",
            ),
        )
        self._flights[row.id] = flight
        flight.task.add_done_callback(lambda _: self._flights.pop(row.id, None))
        return flight

    async def _create_call(
        self,
        row: StoredSession,
        stream: StreamId,
        body: ReconnectBody,
        token: str,
        deadline_at: float,
    ) -> str | ProblemError:
        try:
            answer = await self._service.create_connection(
                stream,
                token=token,
                signal_request=body.signal_request,
                budget_s=deadline_at - self._clock(),
            )
            self._store.answered(
                row.id, attempt=row.attempt, request_sha256=row.request_sha256, answer=answer
            )
        except StreamServiceError as error:
            status: str | None = None
            if error.fault in (ServiceFault.CONFLICT, ServiceFault.INVALID):
                status = await self._status_of(row, deadline_at)
            return _failed(error, status)
        except Exception as error:
            return _unexpected(error)
        return answer

    async def _status_of(self, row: StoredSession, deadline_at: float) -> str | None:
        """One cheap look that explains a refusal; None when there is no time or no answer."""
        still = _Asked(row.owner_hash, min(deadline_at, self._clock() + 2.0), _never)
        try:
            _, look = await self._look(still, row.id)
        except (ProblemError, SessionForgottenError):
            return None
        return look.status

    # --- terminate ---

    async def terminate(self, asked: _Asked, session_id: str) -> None:
        row = self._owned(asked, session_id)
        if row.ended_status is not None:
            return
        stream = _stream(row)
        budget_s = asked.deadline_at - self._clock()
        try:
            async with asyncio.timeout(max(0.0, budget_s)):
                await self._service.terminate(stream, budget_s=budget_s)
        except TimeoutError:
            raise _refused(
                ProblemCode.SERVICE_TIMEOUT, "The streaming service did not answer in time."
            ) from None
        except StreamServiceError as error:
            if error.fault is ServiceFault.NOT_FOUND:
                return  # It existed, so it has ended.
            status: str | None = None
            if error.fault in (ServiceFault.CONFLICT, ServiceFault.INVALID):
                status = await self._status_of(row, asked.deadline_at)
            if status not in _OVER_OR_ENDING:
                # Why ever it was refused, the status (ACTIVATING) is what stands against it.
                conflict = status is not None and error.fault is ServiceFault.INVALID
                if conflict:
                    error = StreamServiceError(ServiceFault.CONFLICT, str(error))
                raise _failed(error, status) from None

    # --- shared ---

    def _owned(self, asked: _Asked, session_id: str) -> StoredSession:
        row = self._store.find(session_id, asked.owner_hash)
        if row is None:
            raise _refused(
                ProblemCode.SESSION_NOT_FOUND, "This backend knows no such stream session of yours."
            )
        return row

    def _watch(self, session_id: str) -> _Watched:
        watched = self._watched.get(session_id)
        if watched is None:
            while len(self._watched) >= _MAX_WATCHED:
                # The oldest goes; forgetting costs a hint, never the truth.
                del self._watched[next(iter(self._watched))]
            watched = self._watched[session_id] = _Watched()
        return watched

    async def _landed(self, task: asyncio.Task[_Outcome | ProblemError], asked: _Asked) -> _Outcome:
        """The outcome of a call in flight; giving up on it does not end it."""
        left_s = max(0.0, asked.deadline_at - self._clock())
        done, _ = await asyncio.wait({task}, timeout=left_s)
        if not done:
            raise _refused(
                ProblemCode.SERVICE_TIMEOUT, "The streaming service did not answer in time."
            )
        outcome = task.result()
        if isinstance(outcome, ProblemError):
            raise ProblemError(outcome.body, retry_after_s=outcome.retry_after_s)
        return outcome


async def _never() -> bool:
    return False


def _held(row: StoredSession, look: StreamLook) -> tuple[str | None, str | None]:
    """Hash of the SignalRequest that the service holds, and the answer to exactly that one."""
    if row.answer is not None:
        return row.request_sha256, row.answer
    if look.signal_request is None:
        return None, None
    request_sha256 = sha256_hex(look.signal_request)
    answer = look.signal_response
    if (
        answer is not None
        and request_sha256 == row.request_sha256
        and secret_hash("answer", answer) == row.older_answer_hash
    ):
        # The service shows the new request with the answer to the one before.
        answer = None
    return request_sha256, answer


def _running(row: StoredSession) -> StoredSession:
    if row.ended_status is not None:
        raise ProblemError(
            problem(
                ProblemCode.CONFLICT,
                "The stream session has ended.",
                retryable=False,
                session_status=row.ended_status,
            )
        )
    return row


def _stream(row: StoredSession) -> StreamId:
    if row.stream is None:
        raise _refused(ProblemCode.CONFLICT, "The stream session is still being started.")
    return row.stream


# --- problems ------------------------------------------------------------------------------------


def _refused(code: ProblemCode, sentence: str) -> ProblemError:
    return ProblemError(problem(code, sentence))


def _stale() -> ProblemError:
    return _refused(ProblemCode.STALE_ATTEMPT, "A newer attempt for this stream session exists.")


def _failed(error: StreamServiceError, session_status: str | None = None) -> ProblemError:
    """What a failure of the service means to a client."""
    retryable: bool | None = None
    match error.fault:
        case ServiceFault.ACCESS_DENIED:
            code = ProblemCode.FORBIDDEN
        case ServiceFault.NOT_FOUND:
            code = ProblemCode.SESSION_NOT_FOUND
        case ServiceFault.THROTTLED:
            code = ProblemCode.THROTTLED
        case ServiceFault.CONFLICT:
            code = ProblemCode.CONFLICT
            retryable = session_status not in _OVER_OR_ENDING
        case ServiceFault.INVALID:
            code = ProblemCode.INVALID_REQUEST
        case ServiceFault.UNAVAILABLE:
            code = ProblemCode.SERVICE_UNAVAILABLE
        case ServiceFault.MISCONFIGURED:
            code = ProblemCode.SERVICE_UNAVAILABLE
            retryable = False
            _log.error("the streaming service cannot be used with this configuration")
        case ServiceFault.FAILED:
            code = ProblemCode.SERVICE_UNAVAILABLE
        case ServiceFault.TIMED_OUT:
            code = ProblemCode.SERVICE_TIMEOUT
        case _:
            assert_never(error.fault)
    return ProblemError(
        problem(
            code,
            str(error),
            # 502 tells apart "it failed" from "it was never asked"; both may be asked again.
            http_status=502 if error.fault is ServiceFault.FAILED else None,
            retryable=retryable,
            session_status=session_status,
        ),
        retry_after_s=error.retry_after_s,
    )


def _unexpected(error: Exception) -> ProblemError:
    """Our own fault. Where it happened is logged; its text is not, it may quote the request."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    _log.error("unexpected %s at %s", type(error).__name__, where)
    return _refused(ProblemCode.INTERNAL, "The backend failed; its log says where.")


def _response(error: ProblemError) -> JSONResponse:
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if error.body.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        error.body.model_dump(mode="json"),
        status_code=error.body.status,
        headers=headers,
        media_type=PROBLEM_CONTENT_TYPE,
    )


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return _response(error)


_FIELDS: Final = frozenset(
    {"signal_request", "attempt", "application", "known", "wait_s"}
    | {IDEMPOTENCY_HEADER, BUDGET_HEADER}
)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [entry["loc"] for entry in error.errors()]
    if any(place[0] == "path" for place in places):
        return _response(
            _refused(
                ProblemCode.SESSION_NOT_FOUND, "This backend knows no such stream session of yours."
            )
        )
    # Only names of the contract: an unknown field's name is the sender's text.
    named = sorted({str(place[-1]) for place in places} & _FIELDS)
    wrong = ", ".join(named) if named else "The body"
    return _response(_refused(ProblemCode.INVALID_REQUEST, f"{wrong}: not as the contract says."))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _response(
        ProblemError(
            problem(
                ProblemCode.INVALID_REQUEST,
                "The contract has no such call."
                if error.status_code in (404, 405)
                else "The request cannot be read.",
                http_status=error.status_code,
            )
        )
    )
    if error.headers and "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


# --- the gate ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Came:
    """A request that was let in."""

    owner_hash: str
    at: float


class _Gate:
    """Around everything: who asks, how much they send, and what they see when we fail."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate, clock: Clock) -> None:
        self._app = app
        self._authenticate = authenticate
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            if scope["path"] != "/v1/health":
                scope["rejoin.came"] = self._let_in(Headers(scope=scope))
            if scope["method"] in ("POST", "PUT", "PATCH"):
                receive = await _with_whole_body(Headers(scope=scope), receive)
            await self._app(scope, receive, sending)
        except Exception as error:
            shown = error if isinstance(error, ProblemError) else _unexpected(error)
            if not begun:
                await _response(shown)(scope, receive, sending)

    def _let_in(self, headers: Headers) -> _Came:
        at = self._clock()
        given = headers.getlist("Authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = token.strip()
        owner = self._authenticate(token) if scheme.lower() == "bearer" and token else None
        if owner is None:
            raise _refused(ProblemCode.UNAUTHENTICATED, "This call needs a valid bearer token.")
        return _Came(secret_hash("owner", owner), at)


async def _with_whole_body(headers: Headers, receive: Receive) -> Receive:
    """Read the body, at most MAX_BODY_BYTES of it, and hand it on in one piece."""
    too_big = ProblemError(
        problem(
            ProblemCode.INVALID_REQUEST,
            f"A body has at most {MAX_BODY_BYTES} bytes, a SignalRequest {MAX_SIGNAL_BYTES}.",
            http_status=413,
        )
    )
    length = headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
        raise too_big
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(_BODY_PATIENCE_S):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY_BYTES:
                    raise too_big
    except TimeoutError:
        raise ProblemError(
            problem(
                ProblemCode.INVALID_REQUEST,
                "The body took too long.",
                http_status=408,
                retryable=True,
            )
        ) from None
    whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def replay() -> Message:
        return whole.pop() if whole else await receive()

    return replay
