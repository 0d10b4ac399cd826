"""The API as an ASGI application: from an HTTP request to the response of the service."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import uuid
from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.api.aws_model import AwsModel, Call
from rejoin.emulator.service.api.errors import HttpError, error_response
from rejoin.emulator.service.api.operations import EMULATED_OPERATIONS, Operations
from rejoin.emulator.service.api.signature import SignedRequest, check_signature
from rejoin.emulator.service.api.throttle import Throttle
from rejoin.emulator.service.faults import ApiFault, ApiFaultKind
from rejoin.emulator.service.refusals import CallRefusedError, ErrorType
from rejoin.emulator.service.sessions import StreamSessions

BODY_LIMIT_BYTES: Final = 512 * 1024
"""Assumed: the model has no limit; ours is twice the largest SignalRequest."""

_THROTTLING: Final = "ThrottlingException"

_log = logging.getLogger("rejoin.emulator.service.api")


def build_app(service: StreamSessions, faults: ApiFaults | None = None) -> Starlette:
    """The API of this service as an ASGI application. It does not close the service."""
    api = _Api(service, faults or ApiFaults())
    every = Route("/{rest:path}", api.answer)
    every.methods = None  # Any method gets an error in the service's own form.
    return Starlette(routes=[every])


class _Api:
    def __init__(self, service: StreamSessions, faults: ApiFaults) -> None:
        self._service = service
        self._faults = faults
        self._model = AwsModel(EMULATED_OPERATIONS)
        self._operations = Operations(service, self._model)
        self._throttle = Throttle()

    async def answer(self, request: Request) -> Response:
        """The response to any request."""
        request_id = str(uuid.uuid4())
        try:
            response = await self._answer(request)
        except HttpError as error:
            response = error_response(error.status, error.code, str(error), error.headers)
        except CallRefusedError as refusal:
            response = self._modelled_error(refusal.error_type, str(refusal))
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception:
            _log.exception("a call of the emulated API failed")
            response = self._modelled_error(ErrorType.INTERNAL, "The emulator failed.")
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _answer(self, request: Request) -> Response:
        call = self._model.find_call(request.method, _raw_path(request))
        if call is None:
            raise HttpError(
                404, "UnknownOperationException", "The emulator has no such operation and path."
            )
        body = await _body(request)
        self._check_signature(request, body)
        self._check_rate(call)
        fault = self._faults.take(call.operation)
        if fault is not None:
            await self._fail_before(fault, request)
        params = self._model.read_request(call, _raw_query(request), body)
        result = await self._operations.run(call.operation, params)
        code, text = self._model.write_response(call.operation, result)
        if fault is not None:
            text = await _fail_after(fault, request, text)
        if not text:
            return Response(status_code=code)
        if code == 204:
            code = 200  # A 204 has no body to cut off.
        return Response(text, status_code=code, media_type="application/json")

    def _check_signature(self, request: Request, body: bytes) -> None:
        query = _raw_query(request)
        # Of the URL the signature covers only path and query; the host is a header.
        url = f"http://localhost{_raw_path(request)}" + (f"?{query}" if query else "")
        check_signature(
            SignedRequest(request.method, url, request.headers, body),
            self._service.settings,
            self._model.signing_name,
            self._service.wall_s(),
        )

    def _check_rate(self, call: Call) -> None:
        now, per_s = self._service.timers.now(), self._service.settings.requests_per_s
        if not self._throttle.allows(call.operation, now, per_s):
            raise self._too_many()

    def _too_many(self, headers: Mapping[str, str] | None = None) -> HttpError:
        code = self._model.http_code(_THROTTLING)
        return HttpError(code, _THROTTLING, "Rate exceeded.", headers)

    def _modelled_error(self, error_type: ErrorType, message: str) -> Response:
        return error_response(self._model.http_code(error_type.value), error_type.value, message)

    async def _fail_before(self, fault: ApiFault, request: Request) -> None:
        """An injected fault in place of the operation."""
        match fault.kind:
            case ApiFaultKind.THROTTLE:
                retry_after_s = fault.retry_after_s
                raise self._too_many(
                    None if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
                )
            case ApiFaultKind.INTERNAL:
                raise CallRefusedError(ErrorType.INTERNAL, "An injected internal error.")
            case ApiFaultKind.HANG:
                await request.receive()  # The body was read: the next message is the disconnect.
                raise ClientDisconnect
            case _:
                pass


async def _fail_after(fault: ApiFault, request: Request, text: str) -> str:
    """An injected fault after the operation was done; returns the body to send."""
    match fault.kind:
        case ApiFaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)  # Callers' time-outs are real seconds.
        case ApiFaultKind.RESET:
            await _reset(request)
        case ApiFaultKind.MALFORMED:
            return text[: len(text) // 2] or "{"
        case _:
            pass
    return text


async def _reset(request: Request) -> None:
    """Reset the request's TCP connection.

    ASGI cannot do that, so this uses uvicorn's transport; under any other server the caller gets a
    400 instead.
    """
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if isinstance(transport, asyncio.Transport):
        connection = transport.get_extra_info("socket")
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    raise ClientDisconnect


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HttpError(413, "RequestEntityTooLargeException", "The request is too large.")
    return bytes(body)


def _raw_path(request: Request) -> str:
    """The path as it was sent, still percent-encoded."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _raw_query(request: Request) -> str:
    query: bytes = request.scope.get("query_string", b"")
    return query.decode("latin-1")
