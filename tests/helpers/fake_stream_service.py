"""A `StreamService` in memory; a test sets its statuses and failures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from helpers.stores import opened
from rejoin.backend.call_rate import Quota
from rejoin.backend.owner_rules import OwnerRules
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import (
    ListedPage,
    ListedStream,
    ServiceFault,
    StartedStream,
    StreamId,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.serving import serving
from rejoin.backend.sign_in import Authenticate
from rejoin.backend.store.sessions import SessionStore

GOOD_TOKEN = "canary-bearer-token-of-a-player"
OTHER_TOKEN = "canary-bearer-token-of-another"


PLENTY = Quota(per_s=200.0, burst=20)
"""So many calls that no test waits for its turn."""

FIRST_STREAM = StreamId("sg-1", "arn:of:the:session")
"""The first stream session that is started, and one that runs before any start."""


def new_token() -> str:
    """A new idempotency token, as for one attempt."""
    return "canary-token-" + secrets.token_hex(16)


def new_offer() -> str:
    """A new, unique SignalRequest."""
    sdp = f"v=0\r\na=ice-pwd:canary-password-{secrets.token_hex(8)}\r\n"
    return json.dumps({"type": "offer", "sdp": sdp})


def answer_to(signal_request: str) -> str:
    """The SignalResponse of the fake service to this SignalRequest."""
    return json.dumps({"type": "answer", "sdp": "canary-answer", "to": hash(signal_request)})


@dataclass
class FakeStreamService:
    """A service with one stream session; `calls` records every call."""

    status: str = "ACTIVE"
    reason: str | None = None
    connection_timeout_s: float | None = 30.0
    held_request: str | None = None
    held_response: str | None = None
    shows_first_only: bool = False
    """GetStreamSession always returns the request and response of the start."""
    lags: bool = False
    """GetStreamSession returns the new request with the old response."""
    faults: dict[str, deque[ServiceFault | Exception]] = field(default_factory=dict)
    retry_after_s: float | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    """(operation, idempotency token or an empty string)."""
    create_gate: asyncio.Event | None = None
    """If set, create calls wait for it *after* the service has accepted them."""
    creating: int = 0
    most_creating: int = 0
    answers_by_token: dict[str, str] = field(default_factory=dict)
    streams: dict[str, StreamId] = field(default_factory=dict)
    """ClientToken of a start -> its stream session."""
    listed: dict[StreamId, ListedStream] = field(default_factory=dict)
    page_size: int = 100
    pages: list[str] = field(default_factory=list)
    """The status of every page of a list that was asked for."""
    ended: list[StreamId] = field(default_factory=list)
    loses_starts: bool = False
    """A start takes place, and its answer is lost."""

    def fail(self, operation: str, *faults: ServiceFault | Exception) -> None:
        """Make the next calls of this operation fail, one fault per call."""
        self.faults.setdefault(operation, deque()).extend(faults)

    def count(self, operation: str) -> int:
        return sum(1 for name, _ in self.calls if name == operation)

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        self.pages.append(status)
        self._fail("list_page")  # not in `calls`: none of a player's
        assert budget_s > 0
        items = [each for each in self.listed.values() if each.status == status]
        begin = int(page or 0)
        following = begin + self.page_size
        return ListedPage(
            tuple(items[begin:following]), str(following) if following < len(items) else None
        )

    def _next_arn(self) -> str:
        number = len(self.streams)
        return FIRST_STREAM.stream_session + (f":{number + 1}" if number else "")

    def _begin(self, operation: str, token: str = "") -> None:
        self.calls.append((operation, token))
        self._fail(operation)

    def _fail(self, operation: str) -> None:
        waiting = self.faults.get(operation)
        if waiting:
            fault = waiting.popleft()
            if isinstance(fault, ServiceFault):
                raise StreamServiceError(
                    fault, f"The service said {fault.value}.", retry_after_s=self.retry_after_s
                )
            raise fault

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        self._begin("start", token)
        assert budget_s > 0
        self.held_request = signal_request
        known = self.streams.setdefault(token, StreamId("sg-1", self._next_arn()))
        self.listed[known] = ListedStream(known, "ACTIVATING", user_id or "")
        if self.loses_starts:
            raise StreamServiceError(ServiceFault.TIMED_OUT, "The answer was lost.")
        return StartedStream(
            known,
            StreamStatus("ACTIVATING", connection_timeout_s=self.connection_timeout_s),
        )

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        self._begin("get_status")
        assert stream == FIRST_STREAM or stream in self.streams.values()
        assert budget_s > 0
        return StreamStatus(
            status=self.status,
            reason=self.reason,
            connection_timeout_s=self.connection_timeout_s,
            session_ends_in_s=1000.0,
            signal_request=self.held_request,
            signal_response=self.held_response,
        )

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        assert budget_s > 0
        self.creating += 1
        self.most_creating = max(self.most_creating, self.creating)
        try:
            self._begin("create", token)
            answer = answer_to(signal_request)
            self.answers_by_token[token] = answer
            if not self.shows_first_only:
                self.held_request = signal_request
                if not self.lags:
                    self.held_response = answer
            self.status = "ACTIVE"
            if self.create_gate is not None:
                await self.create_gate.wait()
            self._begin("create answer", token)
            return answer
        finally:
            self.creating -= 1

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        self._begin("terminate")
        self.ended.append(stream)
        self.status, self.reason = "TERMINATED", "apiTerminated"

    def place(self) -> None:
        """The session becomes ACTIVE, with the response to the start."""
        assert self.held_request is not None
        self.status = "ACTIVE"
        self.held_response = answer_to(self.held_request)


@contextlib.asynccontextmanager
async def live_backend(
    service: FakeStreamService,
    *,
    store: SessionStore | None = None,
    tokens: Collection[str] | Authenticate = (GOOD_TOKEN, OTHER_TOKEN),
    owners: OwnerRules | None = None,
) -> AsyncIterator[str]:
    """The real application on a real port; yields its base URL."""
    async with contextlib.AsyncExitStack() as stack:
        kept = store if store is not None else await stack.enter_async_context(opened())
        rules = AppRules(quota=PLENTY, owners=owners or OwnerRules())
        app = build_app(service, kept, tokens, rules=rules)
        async with serving(app, "127.0.0.1", 0, close_patience_s=1) as port:
            yield f"http://127.0.0.1:{port}"
