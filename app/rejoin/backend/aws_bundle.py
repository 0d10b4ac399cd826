"""Dialect `aws-bundle`: the routes of the sample server that comes with AWS's Web SDK.

It has the sample's weaknesses: anybody who knows a Token may use it; every failure of the service
is a bare 502 with `{}`; the status is never reported, and GetSignalResponse answers 404 in every
status but ACTIVATING and ACTIVE, and from 600 s after the start on; there is no connection timeout;
each call to the service has a new ClientToken, so that a repetition is a second call; attempts are
not fenced.

Unlike the sample's, a Token outlives the backend (the store keeps it), and AdditionalLaunchArgs,
AdditionalEnvironmentVariables, UserId and Locations are accepted and ignored: `StreamService` has
no place for them.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
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
from rejoin.backend.service import StreamId, StreamService
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import sha256_hex

SIGNAL_RESPONSE_FOR_S: Final = 600.0
"""How long after the start GetSignalResponse answers."""
TOKEN_FOR_S: Final = 86400.0
"""A Token is forgotten after the longest possible stream session."""
MAX_BODY_BYTES: Final = 100 * 1024
"""What the sample's web framework accepts by default."""

_OWNER: Final = secret_hash("owner", "anybody who knows the Token")


def build_bundle(
    service: StreamService, store: SessionStore, offered: OfferedApplications
) -> Starlette:
    """The application. The caller closes `service` and `store`, after the application."""
    backend = _Bundle(service, store, offered)
    return Starlette(
        routes=[
            Route("/api/CreateStreamSession", backend.create, methods=["POST"]),
            Route("/api/GetSignalResponse", backend.signal_response, methods=["POST"]),
            Route("/api/ReconnectStreamSession", backend.reconnect, methods=["POST"]),
            Route("/api/DestroyStreamSession", backend.destroy, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _no_route,
            BadBodyError: _bad_body,
            StoreUnavailableError: _no_store,
        },
    )


class _Bundle:
    def __init__(
        self, service: StreamService, store: SessionStore, offered: OfferedApplications
    ) -> None:
        self._service = service
        self._store = store
        self._offered = offered

    async def create(self, request: Request) -> Response:
        body = await _body(request)
        token = await outcome_of(self._create(body))
        return _failed() if isinstance(token, RefusedError) else _json({"Token": token})

    async def _create(self, body: Any) -> str:
        application = self._offered.application_name(
            text_of(body, "StreamGroupId"), text_of(body, "ApplicationIdentifier")
        )
        token, signal_request = client_token(), text_of(body, "SignalRequest")
        _, row = await self._store.begin_start(
            owner_hash=_OWNER,
            key=token,
            offered=Offered(1, sha256_hex(signal_request), token),
            tag=secrets.token_hex(16),
            within_s=CALL_BUDGET_S,
        )
        try:
            started = await self._service.start(
                token=token,
                signal_request=signal_request,
                application=application,
                user_id=None,
                budget_s=CALL_BUDGET_S,
            )
        except BaseException:
            # The Token was returned to nobody, so nobody could use a session that did start.
            await self._store.forget(row.id, within_s=CALL_BUDGET_S)
            raise
        await self._store.started(row.id, started.stream, within_s=CALL_BUDGET_S)
        return row.id

    async def signal_response(self, request: Request) -> Response:
        token, stream = await self._known(await _body(request))
        if stream is None or await self._age_s(token) > SIGNAL_RESPONSE_FOR_S:
            return _unknown()
        seen = await outcome_of(self._service.get_status(stream, budget_s=CALL_BUDGET_S))
        if isinstance(seen, RefusedError):
            return _failed()
        match seen.status:
            case "ACTIVATING":
                return _json({"SignalResponse": ""})
            case "ACTIVE":
                answer = seen.signal_response
                return _json({} if answer is None else {"SignalResponse": answer})
            case _:
                return _unknown()

    async def reconnect(self, request: Request) -> Response:
        body = await _body(request)
        _, stream = await self._known(body)
        if stream is None:
            return _unknown()
        answer = await outcome_of(
            self._service.create_connection(
                stream,
                token=client_token(),
                signal_request=text_of(body, "SignalRequest"),
                budget_s=CALL_BUDGET_S,
            )
        )
        if isinstance(answer, RefusedError):
            return _failed()
        return _json({"SignalResponse": answer})

    async def destroy(self, request: Request) -> Response:
        token, stream = await self._known(await _body(request))
        if stream is None:
            return _unknown()
        ended = await outcome_of(self._service.terminate(stream, budget_s=CALL_BUDGET_S))
        if isinstance(ended, RefusedError):
            return _failed()
        await self._store.forget(token, within_s=CALL_BUDGET_S)
        return _json({})

    async def _known(self, body: Any) -> tuple[str, StreamId | None]:
        """The Token, and its stream session; None where it is unknown or too old."""
        token = text_of(body, "Token")
        row = await self._store.find(token, _OWNER, within_s=CALL_BUDGET_S)
        if row is None or await self._age_s(token) > TOKEN_FOR_S:
            return token, None
        return token, row.stream

    async def _age_s(self, token: str) -> float:
        return await self._store.age_s(token, within_s=CALL_BUDGET_S)


async def _body(request: Request) -> Any:
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        return None
    return await json_body(request, MAX_BODY_BYTES)


def _json(content: dict[str, str]) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _failed() -> Response:
    return JSONResponse({}, 502)


def _unknown() -> Response:
    return JSONResponse({}, 404)


async def _no_route(_: Request, __: Exception) -> Response:
    return HTMLResponse("<!DOCTYPE html><title>Error</title><pre>Not Found</pre>", 404)


async def _no_store(_: Request, __: Exception) -> Response:
    return _failed()


async def _bad_body(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadBodyError)
    return HTMLResponse(f"<!DOCTYPE html><title>Error</title><pre>{error}</pre>", error.http_status)
