"""The emulator's own control API: read its state, inject faults, change settings while it runs.

For the demo, the tester's panel and tests; the real service has nothing like it. It listens on
loopback and requires a random bearer token. Times are boot time in seconds. Its client is
`service/control`.
"""

from __future__ import annotations

import dataclasses
import enum
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.faults import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    Fault,
    FaultDirection,
    FaultKind,
    FaultScope,
    ScriptFault,
    ScriptFaultKind,
)
from rejoin.emulator.service.script_faults import ScriptFaults
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.timers import AdvanceableTimers
from rejoin.errors import BadInputError, RejoinError

_BODY_LIMIT_BYTES: Final = 64 * 1024
_Kind = TypeVar("_Kind", bound=enum.StrEnum)

TakeBackendDown = Callable[[float], Awaitable[None]]
"""Take the studio's backend down for a number of seconds; returns once it is down."""

Document = dict[str, Any]
"""A JSON object."""


def new_token() -> str:
    """A control token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def build_control(
    service: StreamSessions,
    token: str,
    *,
    api_faults: ApiFaults | None = None,
    backend_down: TakeBackendDown | None = None,
    backend_faults: BackendFaults | None = None,
    script_faults: ScriptFaults | None = None,
) -> Starlette:
    """The control API as an ASGI application; callers must send `token`.

    Requests about a part that is None are refused.
    """
    control = _Control(service, api_faults, backend_down, backend_faults, script_faults)
    actions: dict[str, tuple[str, Callable[[Document], Awaitable[dict[str, object]]]]] = {
        "/state": ("GET", control.state),
        "/faults": ("POST", control.inject),
        "/settings": ("POST", control.change_settings),
        "/api-faults": ("POST", control.arm_api_fault),
        "/backend": ("POST", control.take_backend_down),
        "/backend-faults": ("POST", control.arm_backend_fault),
        "/script-faults": ("POST", control.arm_script_fault),
        "/end": ("POST", control.end_session),
        "/advance": ("POST", control.advance),
    }
    return Starlette(
        routes=[
            Route(path, _endpoint(action, token), methods=[method])
            for path, (method, action) in actions.items()
        ]
    )


def _endpoint(
    action: Callable[[Document], Awaitable[dict[str, object]]], token: str
) -> Callable[[Request], Awaitable[Response]]:
    """The action behind the check of the token; errors become responses."""
    bearer = f"Bearer {token}".encode()

    async def respond(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, bearer):
            return _error(401, "The control token is missing or wrong.")
        try:
            return JSONResponse(await action(await _document(request)))
        except BadInputError as error:
            return _error(400, str(error))
        except RejoinError as error:
            return _error(500, str(error))

    return respond


class _Control:
    """One method per path: from the request's JSON object to the response's."""

    def __init__(
        self,
        service: StreamSessions,
        api_faults: ApiFaults | None,
        backend_down: TakeBackendDown | None,
        backend_faults: BackendFaults | None,
        script_faults: ScriptFaults | None,
    ) -> None:
        self._service = service
        self._api_faults = api_faults
        self._backend_down = backend_down
        self._backend_faults = backend_faults
        self._script_faults = script_faults

    async def state(self, body: Document) -> dict[str, object]:
        del body
        calls = {} if self._api_faults is None else self._api_faults.describe()
        armed = [] if self._backend_faults is None else self._backend_faults.describe()
        scripts = [] if self._script_faults is None else self._script_faults.describe()
        return {
            **self._service.describe(),
            **calls,
            "backend_faults": armed,
            "script_faults": scripts,
        }

    async def inject(self, body: Document) -> dict[str, object]:
        kind = _kind(body, FaultKind)
        seed = _number(body, "seed")
        fault = Fault(
            kind,
            _number(body, "duration_s"),
            # `Fault` itself refuses any other scope or direction.
            cast("FaultScope | None", _text(body, "scope")),
            profile=_text(body, "profile"),
            direction=cast("FaultDirection", _text(body, "direction") or "both"),
            seed=1 if seed is None else int(seed),
            window_s=_number(body, "window_s"),
        )
        return {"at": await self._service.inject(fault, _text(body, "session"))}

    async def change_settings(self, body: Document) -> dict[str, object]:
        settings = dataclasses.asdict(self._service.change_settings(body))
        del settings["secret_access_key"]
        return settings

    async def arm_api_fault(self, body: Document) -> dict[str, object]:
        if self._api_faults is None:
            raise BadInputError("This emulator was started without API faults.")
        self._api_faults.arm(
            ApiFault(
                _kind(body, ApiFaultKind),
                operation=_text(body, "operation"),
                times=_times(body),
                delay_s=_number(body, "delay_s") or 0.0,
                retry_after_s=_number(body, "retry_after_s"),
            )
        )
        return {"at": self._service.timers.now()}

    async def take_backend_down(self, body: Document) -> dict[str, object]:
        if self._backend_down is None:
            raise BadInputError("There is no backend here that could be taken down.")
        down_s = _number(body, "down_s")
        if down_s is None or not 0 < down_s <= 3600:
            raise BadInputError("down_s is above 0 and at most 3600 seconds.")
        await self._backend_down(down_s)
        return {"at": self._service.timers.now()}

    async def arm_backend_fault(self, body: Document) -> dict[str, object]:
        if self._backend_faults is None:
            raise BadInputError("There is no backend here to arm a fault for.")
        kind = _kind(body, BackendFaultKind)
        self._backend_faults.arm(BackendFault(kind, _times(body)))
        if kind is BackendFaultKind.BAD_CERTIFICATE and self._backend_down is not None:
            await self._backend_down(0.0)  # connected clients have to repeat the TLS handshake
        return {"at": self._service.timers.now()}

    async def arm_script_fault(self, body: Document) -> dict[str, object]:
        if self._script_faults is None:
            raise BadInputError("There is no script here to arm a fault for.")
        self._script_faults.arm(ScriptFault(_kind(body, ScriptFaultKind), _times(body)))
        return {"at": self._service.timers.now()}

    async def end_session(self, body: Document) -> dict[str, object]:
        reason = _text(body, "reason") or ""
        return {"at": self._service.end_session(reason, _text(body, "session"))}

    async def advance(self, body: Document) -> dict[str, object]:
        timers: object = self._service.timers
        if not isinstance(timers, AdvanceableTimers):
            # Clients, media and the backend use the real clock, and would no longer agree with this
            # one.
            raise BadInputError("This emulator runs on the real clock, which cannot be advanced.")
        by_s = _number(body, "by_s")
        if by_s is None or not 0 < by_s <= 10 * 86400:
            raise BadInputError("by_s is above 0 and at most 864000 seconds.")
        await timers.advance(by_s)
        return {"at": self._service.timers.now()}


# --- reading a request ----------------------------------------------------------------------------


async def _document(request: Request) -> Document:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT_BYTES:
            raise BadInputError("The request is too large.")
    if not body:
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInputError("The request body is not JSON.") from None
    if not isinstance(document, dict):
        raise BadInputError("The request body is not a JSON object.")
    return document


def _kind(body: Mapping[str, Any], kinds: type[_Kind]) -> _Kind:
    value = body.get("kind")
    if not isinstance(value, str) or value not in list(kinds):
        raise BadInputError(f"kind is one of {', '.join(kinds)}.")
    return kinds(value)


def _times(body: Mapping[str, Any]) -> int | None:
    times = _number(body, "times")
    return None if times is None else int(times)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInputError(f"{name} is a text.")
    return value


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInputError(f"{name} is a number.")
    if not -1e15 < value < 1e15:
        raise BadInputError(f"{name} is out of range.")
    return float(value)


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)
