"""The streaming service's REST API without streams: many sessions, quotas, delays and windows.

It answers StartStreamSession, GetStreamSession, ListStreamSessions, TerminateStreamSession and
CreateStreamSessionConnection as `emulator/service` does, as far as a backend can tell, and records
what it was asked. A session that waits for its player ends when its window is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ARN = "arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/sg-1/"
SLOW_MARK = "slow"
"""A SignalRequest with this in it is subject to `slow_start_s`."""

_ACCEPTS = ("ACTIVE", "PENDING_CLIENT_RECONNECTION")
_OVER = ("TERMINATED", "ERROR")


def arn_of(number: int) -> str:
    """The ARN of a session that `seed` made."""
    return f"{ARN}seed{number:09d}"


def digest(signal_request: str) -> str:
    """How `StreamlessService.served_s` names a call."""
    return hashlib.sha256(signal_request.encode()).hexdigest()


@dataclass(slots=True)
class Session:
    """`ends_at`: when its window is over (time.monotonic). `saved_at`: when a player came back."""

    status: str
    request: str = field(default="", repr=False)
    response: str = field(default="", repr=False)
    user_id: str = ""
    ends_at: float | None = None
    saved_at: float | None = None


@dataclass(slots=True)
class Quota:
    """Calls a second, and how many at once after a quiet moment."""

    per_s: float
    burst: float
    left: float = 0.0
    at: float = 0.0

    def takes(self, now: float) -> bool:
        self.left = min(self.burst, self.left + (now - self.at) * self.per_s)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


@dataclass
class StreamlessService:
    """All sessions of one account. Times are seconds; `delay_s`: operation -> how long it takes."""

    sessions: dict[str, Session] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    delay_s: dict[str, float] = field(default_factory=dict)
    slow_start_s: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    """ "operation code" -> how many."""
    creates: list[tuple[str, str]] = field(default_factory=list)
    """(ARN, SignalRequest) of every create call that was accepted, in this order."""
    served_s: dict[str, float] = field(default_factory=dict)
    """SHA-256 of a SignalRequest -> how long all create calls with it were here."""
    _starts: dict[str, str] = field(default_factory=dict)

    def seed(self, count: int, status: str = "CONNECTED") -> None:
        """Sessions that are there from the beginning; `arn_of` names them."""
        for number in range(count):
            self.sessions[arn_of(number)] = Session(status, "seed", "seed")

    def drop(self, number: int, window_s: float) -> float:
        """A seeded session loses its player and waits for this long; when that was."""
        return self.drop_arn(arn_of(number), window_s)

    def drop_arn(self, arn: str, window_s: float) -> float:
        """The same for any session."""
        now = time.monotonic()
        session = self.sessions[arn]
        session.status, session.ends_at = "PENDING_CLIENT_RECONNECTION", now + window_s
        session.saved_at = None
        return now

    @staticmethod
    def answer_to(signal_request: str) -> str:
        """The SignalResponse to this SignalRequest."""
        return f"answer to {digest(signal_request)}"

    def app(self) -> Starlette:
        base = "/streamgroups/{group}/streamsessions"
        return Starlette(
            routes=[
                Route(base, self._route("StartStreamSession", self._start), methods=["POST"]),
                Route(base, self._route("ListStreamSessions", self._list), methods=["GET"]),
                Route(
                    base + "/{session:path}/connections",
                    self._route("CreateStreamSessionConnection", self._create),
                    methods=["POST"],
                ),
                Route(
                    base + "/{session:path}",
                    self._route("GetStreamSession", self._get),
                    methods=["GET"],
                ),
                Route(
                    base + "/{session:path}",
                    self._route("TerminateStreamSession", self._terminate),
                    methods=["DELETE"],
                ),
            ]
        )

    def _route(
        self, operation: str, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def counted(request: Request) -> Response:
            quota = self.quotas.get(operation)
            if quota is not None and not quota.takes(time.monotonic()):
                response = _refusal(429, "ThrottlingException")
            else:
                response = await answer(request)
            self.calls[f"{operation} {response.status_code}"] += 1
            return response

        return counted

    def _found(self, request: Request) -> Session | None:
        session = self.sessions.get(request.path_params["session"])
        if session is not None and session.ends_at is not None:
            waits = session.status == "PENDING_CLIENT_RECONNECTION"
            if waits and time.monotonic() > session.ends_at:
                session.status = "TERMINATED"
        return session

    async def _start(self, request: Request) -> Response:
        body = await request.json()
        slow_s = self.slow_start_s if SLOW_MARK in body["SignalRequest"] else 0.0
        await asyncio.sleep(slow_s + self.delay_s.get("StartStreamSession", 0.0))
        arn = self._starts.setdefault(body["ClientToken"], f"{ARN}start{len(self._starts):08d}")
        if arn not in self.sessions:
            self.sessions[arn] = Session(
                "ACTIVE", body["SignalRequest"], "answer", body.get("UserId", "")
            )
        return JSONResponse({"Arn": arn, "Status": "ACTIVATING"}, 201)

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        first, most = int(query.get("NextToken", "0")), int(query.get("MaxResults", "25"))
        wanted = query.get("Status")
        found = [
            (arn, session)
            for arn, session in self.sessions.items()
            if wanted is None or session.status == wanted
        ]
        page: dict[str, Any] = {
            "Items": [
                {"Arn": arn, "Status": session.status, "UserId": session.user_id}
                for arn, session in found[first : first + most]
            ]
        }
        if first + most < len(found):
            page["NextToken"] = str(first + most)
        return JSONResponse(page)

    async def _get(self, request: Request) -> Response:
        await asyncio.sleep(self.delay_s.get("GetStreamSession", 0.0))
        session = self._found(request)
        if session is None:
            return _refusal(404, "ResourceNotFoundException")
        return JSONResponse(
            {
                "Arn": request.path_params["session"],
                "Status": session.status,
                "SignalRequest": session.request,
                "SignalResponse": session.response,
            }
        )

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        asked_at = time.monotonic()
        await asyncio.sleep(self.delay_s.get("CreateStreamSessionConnection", 0.0))
        session = self._found(request)
        if session is None:
            return _refusal(404, "ResourceNotFoundException")
        if session.status not in _ACCEPTS:
            return _refusal(409, "ConflictException")
        offer = body["SignalRequest"]
        session.status, session.request = "ACTIVE", offer
        session.response = self.answer_to(offer)
        session.saved_at = time.monotonic()
        self.creates.append((request.path_params["session"], offer))
        name = digest(offer)
        self.served_s[name] = self.served_s.get(name, 0.0) + session.saved_at - asked_at
        return JSONResponse({"SignalResponse": session.response})

    async def _terminate(self, request: Request) -> Response:
        session = self._found(request)
        if session is None:
            return _refusal(404, "ResourceNotFoundException")
        if session.status not in _OVER:
            session.status = "TERMINATED"
        return Response(status_code=204)


def _refusal(status: int, code: str) -> Response:
    return JSONResponse({"Message": "no"}, status, {"x-amzn-ErrorType": code})
