"""Dialect `aws-react`: AWS's React starter, its functions and the API Gateway in front of them.

It has the sample's weaknesses: every failure of the service is a 500 with `{message}`; after 29 s
the gateway answers 504 while the function continues, so that a success is lost; there is a status
but no reason, no connection timeout and no way to end a session; each call to the service has a new
ClientToken; anybody who is signed in may use every session whose ARN they know.

Unlike the sample, Regions and UserId are accepted and ignored: `StreamService` has no place for
them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from typing import Any, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rejoin.backend.aws_samples import (
    CALL_BUDGET_S,
    BadBodyError,
    OfferedApplications,
    client_token,
    json_body,
    text_of,
)
from rejoin.backend.refused import RefusedError, outcome_of
from rejoin.backend.service import (
    ServiceFault,
    StreamId,
    StreamService,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.sign_in import (
    Authenticate,
    SignInUnavailableError,
    signed_in,
    static_tokens,
)
from rejoin.signaling.wire import MAX_BODY_BYTES
from rejoin.tasks import cancel, spawn

GATEWAY_S: Final = 29.0
"""The gateway's time-out for a function (API Gateway's default for an integration)."""
_FINISH_PATIENCE_S: Final = 2.0
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "*",
}

_Function = Callable[[Any], Coroutine[Any, Any, dict[str, str]]]
"""One of the starter's functions: from the request's body to the answer's."""


def build_react(
    service: StreamService,
    offered: OfferedApplications,
    region: str,
    tokens: Collection[str] | Authenticate,
    *,
    gateway_s: float = GATEWAY_S,
) -> Starlette:
    """The application. The caller closes `service`, after the application."""
    authenticate = tokens if callable(tokens) else static_tokens(tokens)
    backend = _React(service, offered, region, authenticate, gateway_s)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await backend.finish()

    return Starlette(
        routes=[
            Route("/", backend.start, methods=["POST"]),
            Route("/reconnect", backend.reconnect, methods=["POST"]),
            Route("/session/{rest:path}", backend.session, methods=["GET"]),
            Route("/{rest:path}", _preflight, methods=["OPTIONS"]),
        ],
        exception_handlers={HTTPException: _no_route, BadBodyError: _bad_body},
        lifespan=lifespan,
    )


class _React:
    def __init__(
        self,
        service: StreamService,
        offered: OfferedApplications,
        region: str,
        authenticate: Authenticate,
        gateway_s: float,
    ) -> None:
        self._service = service
        self._offered = offered
        self._region = region
        self._authenticate = authenticate
        self._gateway_s = gateway_s
        self._running: set[asyncio.Task[Response]] = set()

    async def finish(self) -> None:
        """Wait a moment for functions that run on after their gateway time-out."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=_FINISH_PATIENCE_S)
            await cancel(*late)

    # --- the gateway ---

    async def start(self, request: Request) -> Response:
        return await self._integrated(request, self._start)

    async def reconnect(self, request: Request) -> Response:
        return await self._integrated(request, self._reconnect)

    async def session(self, request: Request) -> Response:
        # The slashes of the ARN arrive as %2F: only the raw path shows which ones are its own.
        path = request.scope["raw_path"].decode("ascii", "replace").removeprefix("/session/")
        parts = path.split("/")
        if len(parts) != 2 or not all(parts):
            return await _no_route(request, HTTPException(404))
        stream = StreamId(unquote(parts[0]), unquote(parts[1]))
        return await self._integrated(request, lambda _: self._session(stream))

    async def _integrated(self, request: Request, function: _Function) -> Response:
        """What the gateway does around a function."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        try:
            player = await signed_in(self._authenticate, token) if token else None
        except SignInUnavailableError:
            return _message(500, "Internal Server Error")
        if player is None:
            return _message(401, "Unauthorized")
        body = await json_body(request, MAX_BODY_BYTES) if request.method == "POST" else None
        task = spawn(_replied(function(body)), name="react function")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _pending = await asyncio.wait({task}, timeout=self._gateway_s)
        return task.result() if done else _message(504, "Endpoint request timed out")

    # --- the functions ---

    async def _start(self, body: Any) -> dict[str, str]:
        started = await self._service.start(
            token=client_token(),
            signal_request=text_of(body, "SignalRequest"),
            application=self._offered.application_name(
                text_of(body, "SGIdentifier"), text_of(body, "AppIdentifier")
            ),
            user_id=None,
            budget_s=CALL_BUDGET_S,
        )
        return self._shown(started.stream.stream_session, started.status)

    async def _session(self, stream: StreamId) -> dict[str, str]:
        status = await self._service.get_status(stream, budget_s=CALL_BUDGET_S)
        return self._shown(stream.stream_session, status)

    async def _reconnect(self, body: Any) -> dict[str, str]:
        arn = text_of(body, "SessionIdentifier")
        parts = arn.split("/")
        if len(parts) < 2:
            raise StreamServiceError(ServiceFault.INVALID, "SessionIdentifier is not an ARN.")
        answer = await self._service.create_connection(
            StreamId(parts[-2], arn),
            token=client_token(),
            signal_request=text_of(body, "SignalRequest"),
            budget_s=CALL_BUDGET_S,
        )
        return {"signalResponse": answer}

    def _shown(self, arn: str, seen: StreamStatus) -> dict[str, str]:
        return {
            "signalResponse": seen.signal_response or "",
            "arn": arn,
            "region": self._region,
            "status": seen.status,
        }


async def _replied(work: Coroutine[Any, Any, dict[str, str]]) -> Response:
    outcome = await outcome_of(work)
    if isinstance(outcome, RefusedError):
        return _message(500, str(outcome))
    return JSONResponse(outcome, headers={**_CORS, "Cache-Control": "no-store"})


def _message(status: int, sentence: str) -> Response:
    return JSONResponse({"message": sentence}, status, headers=_CORS)


async def _preflight(_: Request) -> Response:
    return Response(status_code=204, headers=_CORS)


async def _no_route(_: Request, __: Exception) -> Response:
    return _message(403, "Missing Authentication Token")


async def _bad_body(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadBodyError)
    # A function that cannot read its body ends in an exception, which the gateway calls this.
    return _message(413 if error.http_status == 413 else 502, "Internal server error")
