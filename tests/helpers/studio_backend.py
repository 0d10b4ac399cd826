"""A studio's own backend, written after docs/backend.md alone, with a streaming service in memory;
and the mistakes that it may make, which `rejoin backend check` has to find."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import hashlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from rejoin.backend.check.calls import Calls
from rejoin.backend.check.findings import Advice, Broken, Outcome
from rejoin.backend.check.probe import Patience, Probe
from rejoin.backend.check.run import HEALTH, POINTS, run
from rejoin.backend.serving import serving

TOKEN = "CANARY-token-of-a-player"
SECOND_TOKEN = "CANARY-token-of-another"
QUICK = Patience(poll_s=1.0, budget_s=0.6, late_s=20.0)
MOST_AT_ONCE = 8
"""Calls of one player for one session."""
SLOW_POINTS = ("long-poll", "budget", "many-calls")


class Bug(enum.Enum):
    """A mistake; its value is the name of the point that finds it."""

    OTHER_CONTRACT = "health"
    NO_SIGN_IN = "about"
    NOT_READY = "ready"
    ANY_HOST = "host"
    STATUS_WITHOUT_TOKEN = "no-token"
    ANY_TOKEN = "wrong-token"
    UNKNOWN_SESSION_FAILS = "unknown-session"
    REDIRECTS = "unknown-call"
    ANY_REPORT = "bad-report"
    NO_LIMIT = "too-large"
    LAX_BODY = "invalid-start"
    ANY_APPLICATION = "unknown-application"
    NOBODY_CONNECTS = "no-client-connection"
    WRITES_THE_OFFER_AGAIN = "start"
    STARTS_TWICE = "start-again"
    KEY_OF_A_START_AGAIN = "start-key"
    WINDOW_WITHOUT_CONNECTION = "view"
    ANSWER_OF_ANOTHER_OFFER = "placed"
    ANSWER_ROUTE_DIFFERS = "answer"
    ANSWERS_POLLS_AT_ONCE = "long-poll"
    KEEPS_NEWS_BACK = "long-poll "
    IGNORES_BUDGETS = "budget"
    NO_RETRY_AFTER = "many-calls"
    WRONG_ATTEMPT = "reconnect"
    MAKES_RETRIES_AGAIN = "retry"
    UNKNOWN_HEADERS_FAIL = "window"
    NO_FENCE = "older-attempt"
    NUMBER_TWICE = "same-number"
    OFFER_TWICE = "reused-offer"
    KEY_TWICE = "reused-key"
    OLDER_WINS = "same-time"
    EVERYBODYS_SESSION = "another-player"
    ENDS_ONCE = "end"
    RETRYABLE_AFTER_THE_END = "after-end"
    PLAIN_JSON_PROBLEMS = "problems"
    STATUS_MEMBER_DIFFERS = "problems "
    ECHOES = "no-echo"

    @property
    def point(self) -> str:
        return self.value.strip()


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Session:
    """A stream session and its newest attempt."""

    id: str
    owner: str
    request: str
    attempt: int
    key: str
    answer: str
    attempts: dict[int, tuple[str, str]]
    """Number -> (key, SignalRequest)."""
    status: str = "ACTIVE"
    at_once: int = 0


@dataclass
class Problem(Exception):
    """A refusal."""

    status: int
    code: str
    retryable: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    session_status: str | None = None


@dataclass
class StudioBackend:
    """It makes the mistakes in `bugs`."""

    bugs: Sequence[Bug] = ()
    sessions: dict[str, Session] = field(default_factory=dict)
    starts: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: int = 0
    newer_came: asyncio.Event = field(default_factory=asyncio.Event)

    def has(self, bug: Bug) -> bool:
        return bug in self.bugs

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None, redirect_slashes=False)
        app.add_api_route("/{path:path}", self.serve, methods=["GET", "POST", "PUT", "DELETE"])
        return app

    async def serve(self, request: Request) -> Response:
        try:
            return await self._serve(request)
        except Problem as problem:
            return await self._refused(problem, request)

    async def _refused(self, problem: Problem, request: Request) -> Response:
        body = {
            "type": "about:blank",
            "title": problem.code,
            "status": 418 if self.has(Bug.STATUS_MEMBER_DIFFERS) else problem.status,
            "detail": "",
            "code": problem.code,
            "retryable": problem.retryable,
            "session_status": problem.session_status,
        }
        if self.has(Bug.ECHOES):
            body["detail"] = (await request.body()).decode(errors="replace")
        kind = "application/problem+json"
        if self.has(Bug.PLAIN_JSON_PROBLEMS):
            kind = "application/json"
        return JSONResponse(body, problem.status, problem.headers, media_type=kind)

    async def _serve(self, request: Request) -> Response:
        if request.url.hostname != "127.0.0.1" and not self.has(Bug.ANY_HOST):
            raise Problem(421, "INVALID_REQUEST")
        match request.method, request.url.path.split("/")[1:]:
            case "GET", ["v1", "health"]:
                contract = 2 if self.has(Bug.OTHER_CONTRACT) else 1
                return JSONResponse(
                    {"service": "rejoin-backend", "contract": contract, "contract_minor": 2}
                )
            case "GET", ["v1", "about"]:
                kinds = [] if self.has(Bug.NO_SIGN_IN) else [{"kind": "static"}]
                return JSONResponse({"sign_in": kinds, "applications": []})
            case "GET", ["v1", "ready"]:
                reasons = ["database"] if self.has(Bug.NOT_READY) else []
                body = {"ready": not reasons, "reasons": reasons}
                return JSONResponse(body, 503 if reasons else 200)
            case "GET", ["v1", "sessions", ""] if self.has(Bug.REDIRECTS):
                return RedirectResponse("/v1/sessions")
            case _:
                return await self._of_player(request)

    async def _of_player(self, request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        token = given.removeprefix("Bearer ")
        known = token in (TOKEN, SECOND_TOKEN) or (self.has(Bug.ANY_TOKEN) and token)
        path = request.url.path.split("/")[1:]
        if not known and not (self.has(Bug.STATUS_WITHOUT_TOKEN) and len(path) == 3 and not given):
            raise Problem(401, "UNAUTHENTICATED")
        match request.method, path:
            case "POST", ["v1", "sessions"]:
                return await self._start(request, token)
            case "GET", ["v1", "sessions", session_id] if session_id:
                return await self._status(request, self._own(session_id, token))
            case "GET", ["v1", "sessions", session_id, "answer"]:
                session = self._own(session_id, token)
                named = "0" * 64 if self.has(Bug.ANSWER_ROUTE_DIFFERS) else sha(session.request)
                return JSONResponse(
                    {"signal_request_sha256": named, "signal_response": session.answer}
                )
            case "POST", ["v1", "reports"]:
                if not self.has(Bug.ANY_REPORT):
                    await self._report(request)
                return Response(status_code=204)
            case "POST", ["v1", "sessions", session_id, "connections"]:
                if self.has(Bug.UNKNOWN_HEADERS_FAIL) and "Rejoin-Window-Ms" in request.headers:
                    raise Problem(400, "INVALID_REQUEST")
                body, key = await self._body(request)
                return await self._reconnect(self._own(session_id, token), body, key)
            case "DELETE", ["v1", "sessions", session_id]:
                session = self._own(session_id, token)
                if session.status == "TERMINATED" and self.has(Bug.ENDS_ONCE):
                    raise Problem(409, "CONFLICT")
                session.status = "TERMINATED"
                return Response(status_code=204)
            case _:
                raise Problem(404, "INVALID_REQUEST")

    def _own(self, session_id: str, token: str) -> Session:
        session = self.sessions.get(session_id)
        if session is None and self.has(Bug.UNKNOWN_SESSION_FAILS):
            raise Problem(500, "INTERNAL", retryable=True)
        if session is None or (session.owner != token and not self.has(Bug.EVERYBODYS_SESSION)):
            raise Problem(404, "SESSION_NOT_FOUND")
        return session

    async def _body(self, request: Request) -> tuple[dict[str, Any], str]:
        content = await request.body()
        if len(content) > 320 * 1024:
            if self.has(Bug.NO_LIMIT):
                raise Problem(500, "INTERNAL", retryable=True)
            raise Problem(413, "INVALID_REQUEST")
        key = request.headers.get("Idempotency-Key", "")
        try:
            body = json.loads(content)
            good = (
                set(body) <= {"signal_request", "attempt", "application"}
                and isinstance(body["attempt"], int)
                and body["attempt"] > 0
                and len(body["signal_request"]) > 0
            )
        except (ValueError, TypeError, KeyError):
            raise Problem(400, "INVALID_REQUEST") from None
        if len(key) < 32 or (not good and not self.has(Bug.LAX_BODY)):
            raise Problem(400, "INVALID_REQUEST")
        return body, key

    async def _report(self, request: Request) -> None:
        content = await request.body()
        if len(content) > 2048:
            raise Problem(413, "INVALID_REQUEST")
        if "cause" not in json.loads(content):
            raise Problem(400, "INVALID_REQUEST")

    async def _start(self, request: Request, token: str) -> Response:
        body, key = await self._body(request)
        if body.get("application") and not self.has(Bug.ANY_APPLICATION):
            raise Problem(404, "SESSION_NOT_FOUND")
        offer = body["signal_request"]
        if offer == "NO_CLIENT_CONNECTION" and not self.has(Bug.NOBODY_CONNECTS):
            raise Problem(400, "INVALID_REQUEST")
        known = self.sessions.get(self.starts.get((token, key), ""))
        if known is not None and not self.has(Bug.STARTS_TWICE):
            if known.attempts[1][1] != offer and not self.has(Bug.KEY_OF_A_START_AGAIN):
                raise Problem(409, "REUSED_OFFER")
            return JSONResponse(self._view(known), 201)
        if known is not None and known.attempts[1][1] != offer:
            raise Problem(409, "REUSED_OFFER")
        if self.has(Bug.WRITES_THE_OFFER_AGAIN):
            offer = json.dumps(json.loads(offer), separators=(",", ":"))
        session = Session(
            f"s{len(self.sessions)}",
            token,
            offer,
            1,
            key,
            f"answer to {sha(offer)}",
            {1: (key, offer)},
        )
        self.sessions[session.id] = session
        self.starts[token, key] = session.id
        return JSONResponse(self._view(session, placed=False), 201)

    def _view(self, session: Session, *, placed: bool = True) -> dict[str, Any]:
        window = {"at_least_s": 30.0, "age_s": 0.1}
        named = "0" * 64 if self.has(Bug.ANSWER_OF_ANOTHER_OFFER) else sha(session.request)
        return {
            "session_id": session.id,
            "status": session.status if placed else "ACTIVATING",
            "attempt": session.attempt,
            "remaining": window if self.has(Bug.WINDOW_WITHOUT_CONNECTION) else None,
            "signal_request_sha256": named if placed else sha(session.request),
            "signal_response": session.answer if placed else None,
        }

    async def _status(self, request: Request, session: Session) -> Response:
        query = request.query_params
        budget_s = float(request.headers.get("Rejoin-Budget-Ms", "30000")) / 1000
        if budget_s < 0.5:
            raise Problem(400, "BUDGET_TOO_SMALL", retryable=True)
        if session.at_once >= MOST_AT_ONCE:
            headers = {} if self.has(Bug.NO_RETRY_AFTER) else {"Retry-After": "1"}
            raise Problem(429, "THROTTLED", retryable=True, headers=headers)
        wait_s = float(query.get("wait_s", "8"))
        if not self.has(Bug.IGNORES_BUDGETS):
            wait_s = min(wait_s, budget_s - 0.1)
        until = time.monotonic() + wait_s
        session.at_once += 1
        try:
            while "known" in query and not self.has(Bug.ANSWERS_POLLS_AT_ONCE):
                news = query["known"] != session.status and not self.has(Bug.KEEPS_NEWS_BACK)
                if news or time.monotonic() >= until:
                    break
                await asyncio.sleep(0.02)
        finally:
            session.at_once -= 1
        return JSONResponse(self._view(session), headers={"Cache-Control": "no-store"})

    async def _reconnect(self, session: Session, body: dict[str, Any], key: str) -> Response:
        number, offer = body["attempt"], body["signal_request"]
        if session.status == "TERMINATED":
            raise Problem(
                409,
                "CONFLICT",
                retryable=self.has(Bug.RETRYABLE_AFTER_THE_END),
                session_status="TERMINATED",
            )
        repeated = session.attempts.get(number) == (key, offer)
        if repeated and not self.has(Bug.MAKES_RETRIES_AGAIN):
            return self._connected(session, number)
        if self.has(Bug.OLDER_WINS) and number == 20:
            await self.newer_came.wait()
            session.request = offer
            return self._connected(session, number)
        self._check_fence(session, number, key, offer, repeated=repeated)
        session.attempt = max(number, session.attempt)
        session.attempts[number] = (key, offer)
        self.answers += 1
        session.request, session.answer = offer, f"answer {self.answers} to {sha(offer)}"
        if number == 21:
            self.newer_came.set()
        return self._connected(session, number, offer)

    def _check_fence(
        self, session: Session, number: int, key: str, offer: str, *, repeated: bool
    ) -> None:
        if number < session.attempt and not self.has(Bug.NO_FENCE):
            raise Problem(409, "STALE_ATTEMPT")
        if number == session.attempt and not repeated and not self.has(Bug.NUMBER_TWICE):
            raise Problem(409, "STALE_ATTEMPT")
        others = [each for of, each in session.attempts.items() if of != number]
        if any(offer == used for _, used in others) and not self.has(Bug.OFFER_TWICE):
            raise Problem(409, "REUSED_OFFER")
        if any(key == used for used, _ in others) and not self.has(Bug.KEY_TWICE):
            raise Problem(409, "REUSED_OFFER")

    def _connected(self, session: Session, number: int, offer: str = "") -> Response:
        return JSONResponse(
            {
                "attempt": number + (1 if self.has(Bug.WRONG_ATTEMPT) else 0),
                "signal_request_sha256": sha(offer or session.request),
                "signal_response": session.answer,
            }
        )


@contextlib.asynccontextmanager
async def studio_backend(*bugs: Bug) -> AsyncIterator[tuple[str, StudioBackend]]:
    """Its URL, and the backend."""
    backend = StudioBackend(bugs)
    async with serving(backend.app(), "127.0.0.1", 0, close_patience_s=0) as port:
        yield f"http://127.0.0.1:{port}", backend


def probe_of(url: str, patience: Patience = QUICK) -> Probe:
    return Probe(Calls(url), TOKEN, SECOND_TOKEN, patience=patience)


async def checked(*bugs: Bug) -> dict[str, Outcome]:
    """What the check finds in a backend with these mistakes; points that only wait are left out
    where they are not the ones that find them. Nothing is left running."""
    wanted = {bug.point for bug in bugs}
    points = [each for each in POINTS if each.name not in SLOW_POINTS or each.name in wanted]
    assert points[0] is HEALTH
    patience = QUICK
    if Bug.IGNORES_BUDGETS in bugs:
        patience = replace(QUICK, late_s=1.0)
    if Bug.ANSWERS_POLLS_AT_ONCE in bugs:  # long before that, on a slow machine too
        patience = replace(QUICK, poll_s=20.0)
    if Bug.KEEPS_NEWS_BACK in bugs:
        patience = replace(QUICK, long_poll_s=1.0)
    async with studio_backend(*bugs) as (url, backend):
        report = await run(probe_of(url, patience), may_start=True, points=points)
        assert report.left_running == 0
        assert all(session.status == "TERMINATED" for session in backend.sessions.values())
        return {finding.name: finding.outcome for finding in report.findings}


async def found_by(*bugs: Bug) -> set[str]:
    """The names of the points that see these mistakes."""
    found = await checked(*bugs)
    return {name for name, outcome in found.items() if isinstance(outcome, Broken | Advice)}


def bugs_of(*points: str) -> list[Bug]:
    """The mistakes that these points find; each has at least one."""
    found = [bug for bug in Bug if bug.point in points]
    assert {bug.point for bug in found} == set(points)
    return found
