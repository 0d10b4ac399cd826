"""Our own dialect over HTTP: the routes of the contract in `signaling/wire`, on the broker."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response, Security
from fastapi.security import HTTPBearer

from rejoin.backend import problems
from rejoin.backend.audit import Audit
from rejoin.backend.broker import ServiceCalls, SessionBroker
from rejoin.backend.budgeted_service import BudgetedService
from rejoin.backend.budgets import CREATE, GET, LIST, Budgets
from rejoin.backend.call_rate import Quota
from rejoin.backend.create_order import Claimed
from rejoin.backend.create_turns import CreateTurns
from rejoin.backend.gate import ADMITTED, Admitted, Gate, Observers
from rejoin.backend.json_bodies import JsonRoute
from rejoin.backend.metrics import Metrics
from rejoin.backend.observed_service import ObservedService
from rejoin.backend.owner_rules import OwnerCalls, OwnerRules
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.readiness import Readiness
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.report_intake import ReportIntake
from rejoin.backend.report_reading import reports_route
from rejoin.backend.requests import Caller, Offer, SessionReport
from rejoin.backend.service import CallsMoreThanOnce, StreamService
from rejoin.backend.shared_lists import SharedLists
from rejoin.backend.sign_in import Authenticate, static_tokens
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.list_pages import ListPages
from rejoin.backend.store.reports import ReportStore
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.store.turns import TurnStore
from rejoin.backend.stream_lists import Lists, StreamLists
from rejoin.backend.sweep import sweep_for_ever
from rejoin.backend.tracing import Tracing
from rejoin.clock import Clock, boot_s
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    CONTRACT_MINOR,
    CONTRACT_VERSION,
    IDEMPOTENCY_HEADER,
    LATEST_HEADER,
    MAX_BUDGET_MS,
    MAX_REPORT_BYTES,
    MAX_WAIT_S,
    MAX_WINDOW_MS,
    MIN_BUDGET_S,
    PROBLEM_CONTENT_TYPE,
    REPORTS_PATH,
    SESSION_ID_PATTERN,
    TOKEN_PATTERN,
    WINDOW_HEADER,
    AboutBody,
    ConnectionBody,
    HealthBody,
    ReadyBody,
    ReconnectBody,
    RemainingBody,
    ReportBody,
    SessionViewBody,
    SignalAnswerBody,
    SignInBody,
    StartBody,
    sha256_hex,
)
from rejoin.tasks import cancel, spawn

DEFAULT_BUDGET_S: Final = 9.0
"""For a client that names no budget."""
MARGIN_S: Final = 0.1
"""Kept of the client's budget for writing the answer."""
_QUOTA: Final = Quota()


@dataclass(frozen=True, slots=True)
class AppRules:
    """`quota`: what the account may do with each operation. `shard`: its name and Region, for which
    all processes of the database share the quota. `stream_group`: the one whose sessions are
    listed; processes with the same one share what they read. `hosts`: the names and addresses that
    a Host header may have; none: any. `owners`: what one player may hold. `tracing`: where spans
    go. `about`: the answer to `GET /v1/about`."""

    quota: Quota = _QUOTA
    shard: str = "default"
    stream_group: str = ""
    hosts: tuple[str, ...] = ()
    owners: OwnerRules = field(default_factory=OwnerRules)
    tracing: Tracing = field(default_factory=Tracing)
    about: AboutBody = field(
        default_factory=lambda: AboutBody(sign_in=[SignInBody(kind="static")], applications=[])
    )


_RULES: Final = AppRules()


def build_app(
    service: StreamService,
    store: SessionStore,
    tokens: Collection[str] | Authenticate,
    *,
    clock: Clock = boot_s,
    rules: AppRules = _RULES,
) -> FastAPI:
    """The application. The caller opens `store` before it, and closes `service` and `store` after.

    Two asyncio.Events: `app.state.draining` makes it not ready, while it still does its work;
    `app.state.stopping` ends long polls with their view: set it when the server is to end.
    `app.state.operators_app` serves metrics and reports to the operator alone.

    Each application is one owner of flights, also where several share a process.
    """
    flights = FlightStore(store.database, secrets.token_hex(16))
    stopping = asyncio.Event()
    readiness, metrics = Readiness(clock, stopping), Metrics()
    budgets = Budgets(BudgetStore(store.database, rules.shard, rules.quota, clock), clock)
    if isinstance(service, CallsMoreThanOnce):
        service.pays_with(budgets)
    observed = ObservedService(service, metrics, readiness, clock, rules.tracing)
    service = BudgetedService(observed, budgets, clock)
    turns = CreateTurns(TurnStore(budgets.store, CREATE, flights.owner), budgets.of(CREATE), clock)
    store.database.on_outcome = readiness.of_database
    owners = OwnerCalls(rules.owners, clock)
    audit, owner_tags = Audit(clock), OwnerTags(store)
    intake = ReportIntake(ReportStore(store.database), owner_tags, metrics, clock)
    own_lists = StreamLists(service, budgets.of(LIST), clock)
    lists: Lists = own_lists
    if store.database.is_shared:
        which = secret_hash("lists", f"{rules.shard}\0{rules.stream_group}")
        lists = SharedLists(own_lists, ListPages(budgets.store, which, flights.owner), clock)
    calls = ServiceCalls(service, budgets.of(GET), lists)
    broker = SessionBroker(calls, store, flights, clock, stopping, owners)
    broker.turns = turns
    metrics.watch(budgets, turns, lambda: broker.watch.news_age_s)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(StoreUnavailableError):  # logs have no tags of players then
            await owner_tags.read_key()
        sweeping = spawn(sweep_for_ever(service, store, lists, budgets.of(GET)), name="sweep")
        reading = spawn(broker.proofs.read_clock_for_ever(), name="database's clock")
        await turns.start()
        yield
        await cancel(sweeping, reading)
        await turns.finish()
        await broker.finish()
        await budgets.finish()
        audit.close()

    app = FastAPI(
        title="Rejoin studio backend",
        version=str(CONTRACT_VERSION),
        description="Dialect 1: how a Rejoin client starts, polls, rejoins and ends a stream "
        "session. Every call but health, ready and about needs a bearer token.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        # Spans and exception records could hold parts of a request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.stopping, app.state.draining = stopping, readiness.draining
    app.state.metrics = metrics
    app.state.operators_app = metrics.app(reports_route(ReportStore(store.database)))
    app.include_router(_router(broker, rules.about, readiness, intake))
    problems.install(app)
    authenticate = tokens if callable(tokens) else static_tokens(tokens)
    app.add_middleware(
        Gate,
        authenticate=authenticate,
        clock=clock,
        owners=owners,
        hosts=rules.hosts,
        observers=Observers(audit, metrics, owner_tags, rules.tracing),
    )
    return app


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
_WindowMs = Annotated[
    int | None,
    Header(
        alias=WINDOW_HEADER,
        ge=0,
        le=MAX_WINDOW_MS,
        description="At least so long the service still takes the client back, in milliseconds: "
        "its shown deadline. The nearest one is let in first. From contract 1.2 on.",
    ),
]
_LatestMs = Annotated[
    int | None,
    Header(
        alias=LATEST_HEADER,
        ge=0,
        le=MAX_WINDOW_MS,
        description="At most so long: its latest deadline. Whoever cannot meet it any more comes "
        "after those who can.",
    ),
]
_Id = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]
_WaitS = Annotated[
    float,
    Query(ge=0, allow_inf_nan=False, description=f"Longest wait; more than {MAX_WAIT_S:g} is cut."),
]


@dataclass(frozen=True, slots=True)
class _Claims:
    """The client's time limits, from headers."""

    budget_ms: int | None
    window_ms: int | None
    latest_ms: int | None

    def claimed(self) -> Claimed:
        return Claimed(_seconds(self.window_ms), _seconds(self.latest_ms))


async def _claims(
    budget_ms: _BudgetMs = None, window_ms: _WindowMs = None, latest_ms: _LatestMs = None
) -> _Claims:
    """A coroutine, because FastAPI runs a plain function on a thread."""
    return _Claims(budget_ms, window_ms, latest_ms)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {PROBLEM_CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
}


def _router(
    broker: SessionBroker,
    about_body: AboutBody,
    readiness: Readiness,
    intake: ReportIntake,
) -> APIRouter:
    # The gate has checked the token already; this puts the scheme into the contract.
    bearer = Security(HTTPBearer(auto_error=False, scheme_name="bearer"))
    router = APIRouter(
        prefix="/v1", responses=_PROBLEMS, redirect_slashes=False, route_class=JsonRoute
    )

    @router.get("/health", operation_id="health", summary="Does a Rejoin backend answer here?")
    async def health() -> HealthBody:
        return HealthBody(contract_minor=CONTRACT_MINOR)

    @router.get(
        "/ready",
        operation_id="ready",
        summary="Can this process do its work? By the last real calls: asking costs none",
        responses={503: {"model": ReadyBody}},
    )
    async def ready(response: Response) -> ReadyBody:
        reasons = readiness.reasons()
        response.status_code = 503 if reasons else 200
        return ReadyBody(ready=not reasons, reasons=list(reasons))

    @router.get("/about", operation_id="about", summary="How to sign in, and what can be started")
    async def about() -> AboutBody:
        return about_body

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
        offer = Offer(body.attempt, body.signal_request, token)
        caller = _caller(request, budget_ms)
        view = await broker.start(caller, offer, body.application)
        response.headers["Location"] = f"/v1/sessions/{view.session_id}"
        return _body_of(view)

    @router.get(
        "/sessions/{session_id}",
        operation_id="status",
        summary="Status of a stream session; with `known` as a long poll",
        dependencies=[bearer],
    )
    async def status(
        request: Request,
        session_id: _Id,
        known: Annotated[
            str | None,
            Query(
                pattern=r"^[ -~]{1,100}$",
                description="Answer as soon as the status differs from this one, the answer "
                "to the held SignalRequest appears, a newer attempt begins, or `wait_s` is over. "
                "Absent: at once.",
            ),
        ] = None,
        wait_s: _WaitS = 8.0,
        budget_ms: _BudgetMs = None,
    ) -> SessionViewBody:
        def has_news(first: SessionReport, view: SessionReport) -> bool:
            answered = view.signal_response is not None and first.signal_response is None
            # Another client may have connected between two polls: the status is the same again.
            newer = view.attempt != first.attempt
            return known is None or view.status != known or answered or newer

        caller = _caller(request, budget_ms)
        view = await broker.polls.poll(
            caller, session_id, wait_s, has_news, known=known, by_lists=True
        )
        return _body_of(view)

    @router.get(
        "/sessions/{session_id}/answer",
        operation_id="answer",
        summary="The answer to the SignalRequest that the service holds; CONFLICT until it exists",
        dependencies=[bearer],
    )
    async def answer(
        request: Request, session_id: _Id, wait_s: _WaitS = 0.0, budget_ms: _BudgetMs = None
    ) -> SignalAnswerBody:
        caller = _caller(request, budget_ms)
        view = await broker.polls.poll(
            caller, session_id, wait_s, lambda _, view: view.signal_response is not None
        )
        if view.signal_request_sha256 is None or view.signal_response is None:
            raise RefusedError(Reason.NO_ANSWER, session_status=view.status)
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
        claims: Annotated[_Claims, Depends(_claims)],
    ) -> ConnectionBody:
        offer = Offer(body.attempt, body.signal_request, token, claims.claimed())
        caller = _caller(request, claims.budget_ms)
        signal_response = await broker.reconnect(caller, session_id, offer)
        return ConnectionBody(
            attempt=offer.attempt,
            signal_request_sha256=sha256_hex(offer.signal_request),
            signal_response=signal_response,
        )

    @router.delete(
        "/sessions/{session_id}",
        operation_id="terminate",
        summary="End a stream session; one that has ended already is no failure",
        status_code=204,
        dependencies=[bearer],
    )
    async def terminate(request: Request, session_id: _Id, budget_ms: _BudgetMs = None) -> None:
        await broker.terminate(_caller(request, budget_ms), session_id)

    @router.post(
        REPORTS_PATH.removeprefix("/v1"),
        operation_id="report",
        summary="What became of one dropped connection; from contract 1.2 on",
        description=f"At most {MAX_REPORT_BYTES} bytes. A client sends it while a game runs, never "
        "during a reconnect. 404: this backend takes none, and the report is dropped.",
        status_code=204,
        dependencies=[bearer],
    )
    async def report(request: Request, body: ReportBody, budget_ms: _BudgetMs = None) -> None:
        await intake.take(_caller(request, budget_ms), body)

    return router


def _caller(request: Request, budget_ms: int | None) -> Caller:
    """The player whom the gate has admitted, and how long their client waits."""
    budget_s = DEFAULT_BUDGET_S if budget_ms is None else budget_ms / 1000
    if budget_s < MIN_BUDGET_S:
        raise RefusedError(Reason.BUDGET_TOO_SMALL)
    admitted: Admitted = request.scope[ADMITTED]
    deadline_at = admitted.at + budget_s - MARGIN_S
    return Caller(admitted.owner_hash, deadline_at, request.is_disconnected, admitted.applications)


def _body_of(view: SessionReport) -> SessionViewBody:
    remaining = view.remaining
    return SessionViewBody(
        session_id=view.session_id,
        status=view.status,
        reason=view.reason,
        connection_timeout_s=view.connection_timeout_s,
        session_ends_in_s=view.session_ends_in_s,
        remaining=(
            None
            if remaining is None
            else RemainingBody(at_least_s=remaining.at_least_s, age_s=remaining.age_s)
        ),
        attempt=view.attempt,
        signal_request_sha256=view.signal_request_sha256,
        signal_response=view.signal_response,
    )
