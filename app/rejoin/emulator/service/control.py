"""The emulator's own control API: look inside, put faults in, change settings while it runs.

It is for the demo, the tester's panel and tests; the real service has nothing like it. It listens
on loopback and asks for a random bearer token. Times are boot time in seconds.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rejoin.emulator.service.api import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    Fault,
    FaultDirection,
    FaultKind,
    FaultScope,
)
from rejoin.emulator.service.timers import AdvancedTimers
from rejoin.errors import BadInputError, RejoinError, ServiceError

_BODY_LIMIT_BYTES: Final = 64 * 1024
_TIMEOUT_S: Final = 10.0

BackendDown = Callable[[float], Awaitable[None]]
"""Take the studio's backend down for so many seconds; returns once it is down."""


def new_token() -> str:
    """A control token that cannot be guessed."""
    return secrets.token_urlsafe(24)


# --- the server side ------------------------------------------------------------------------------


def build_control(
    service: StreamSessions,
    token: str,
    *,
    api_faults: ApiFaults | None = None,
    backend_down: BackendDown | None = None,
    backend_faults: BackendFaults | None = None,
) -> Starlette:
    """The control API as an ASGI application; `token` is what callers must bear."""
    control = _Control(service, token, api_faults, backend_down, backend_faults)
    return Starlette(
        routes=[
            Route("/state", control.state, methods=["GET"]),
            Route("/faults", control.faults, methods=["POST"]),
            Route("/settings", control.settings, methods=["POST"]),
            Route("/api-faults", control.api_faults, methods=["POST"]),
            Route("/backend", control.backend, methods=["POST"]),
            Route("/backend-faults", control.backend_faults, methods=["POST"]),
            Route("/end", control.end, methods=["POST"]),
            Route("/advance", control.advance, methods=["POST"]),
        ]
    )


class _Control:
    def __init__(
        self,
        service: StreamSessions,
        token: str,
        api_faults: ApiFaults | None,
        backend_down: BackendDown | None,
        backend_faults: BackendFaults | None,
    ) -> None:
        self._service = service
        self._token = token
        self._api_faults = api_faults
        self._backend_down = backend_down
        self._backend_faults = backend_faults

    async def state(self, request: Request) -> Response:
        return await self._guarded(request, self._state)

    async def faults(self, request: Request) -> Response:
        return await self._guarded(request, self._faults)

    async def settings(self, request: Request) -> Response:
        return await self._guarded(request, self._settings)

    async def api_faults(self, request: Request) -> Response:
        return await self._guarded(request, self._arm)

    async def backend(self, request: Request) -> Response:
        return await self._guarded(request, self._backend)

    async def backend_faults(self, request: Request) -> Response:
        return await self._guarded(request, self._arm_backend)

    async def end(self, request: Request) -> Response:
        return await self._guarded(request, self._end)

    async def advance(self, request: Request) -> Response:
        return await self._guarded(request, self._advance)

    async def _guarded(
        self,
        request: Request,
        act: Callable[[dict[str, Any]], Awaitable[dict[str, object]]],
    ) -> Response:
        bearer = f"Bearer {self._token}".encode()
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, bearer):
            return _told(401, "The control token is missing or wrong.")
        try:
            return JSONResponse(await act(await _document(request)))
        except BadInputError as error:
            return _told(400, str(error))
        except RejoinError as error:
            return _told(500, str(error))

    async def _state(self, body: dict[str, Any]) -> dict[str, object]:
        del body
        calls = {} if self._api_faults is None else self._api_faults.describe()
        front = [] if self._backend_faults is None else self._backend_faults.describe()
        return {**self._service.describe(), **calls, "backend_faults": front}

    async def _faults(self, body: dict[str, Any]) -> dict[str, object]:
        kind = FaultKind(_word(body, "kind", [one.value for one in FaultKind]))
        seed = _number(body, "seed")
        fault = Fault(
            kind,
            _number(body, "duration_s"),
            # What is neither of the two is refused by the fault itself.
            cast("FaultScope | None", _text(body, "scope")),
            profile=_text(body, "profile"),
            direction=cast("FaultDirection", _text(body, "direction") or "both"),
            seed=1 if seed is None else int(seed),
            window_s=_number(body, "window_s"),
        )
        return {"at": await self._service.inject(fault, _text(body, "session"))}

    async def _settings(self, body: dict[str, Any]) -> dict[str, object]:
        settings = dataclasses.asdict(self._service.change_settings(body))
        del settings["secret_access_key"]
        return settings

    async def _arm(self, body: dict[str, Any]) -> dict[str, object]:
        if self._api_faults is None:
            raise BadInputError("This emulator was started without API faults.")
        times = _number(body, "times")
        self._api_faults.arm(
            ApiFault(
                ApiFaultKind(_word(body, "kind", [one.value for one in ApiFaultKind])),
                operation=_text(body, "operation"),
                times=None if times is None else int(times),
                delay_s=_number(body, "delay_s") or 0.0,
                retry_after_s=_number(body, "retry_after_s"),
            )
        )
        return {"at": self._service.timers.now()}

    async def _backend(self, body: dict[str, Any]) -> dict[str, object]:
        if self._backend_down is None:
            raise BadInputError("There is no backend here that could be taken down.")
        down_s = _number(body, "down_s")
        if down_s is None or not 0 < down_s <= 3600:
            raise BadInputError("down_s is above 0 and at most 3600 seconds.")
        await self._backend_down(down_s)
        return {"at": self._service.timers.now()}

    async def _arm_backend(self, body: dict[str, Any]) -> dict[str, object]:
        if self._backend_faults is None:
            raise BadInputError("There is no backend here to put a fault in front of.")
        times = _number(body, "times")
        kind = BackendFaultKind(_word(body, "kind", [one.value for one in BackendFaultKind]))
        self._backend_faults.arm(BackendFault(kind, None if times is None else int(times)))
        if kind is BackendFaultKind.BAD_CERTIFICATE and self._backend_down is not None:
            await self._backend_down(0.0)  # who is connected has to shake hands again
        return {"at": self._service.timers.now()}

    async def _end(self, body: dict[str, Any]) -> dict[str, object]:
        reason = _text(body, "reason") or ""
        return {"at": self._service.end_session(reason, _text(body, "session"))}

    async def _advance(self, body: dict[str, Any]) -> dict[str, object]:
        timers: object = self._service.timers
        if not isinstance(timers, AdvancedTimers):
            # Clients, media and the backend go by the real clock: they would all be told lies.
            raise BadInputError("This emulator runs on the real clock, which cannot be advanced.")
        by_s = _number(body, "by_s")
        if by_s is None or not 0 < by_s <= 10 * 86400:
            raise BadInputError("by_s is above 0 and at most 864000 seconds.")
        await timers.advance(by_s)
        return {"at": self._service.timers.now()}


async def _document(request: Request) -> dict[str, Any]:
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


def _word(
    body: Mapping[str, Any], name: str, allowed: list[str], *, default: str | None = None
) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise BadInputError(f"{name} is one of {', '.join(allowed)}.")
    return value


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
        raise BadInputError(f"{name} is not a number that anybody needs.")
    return float(value)


def _told(status: int, sentence: str) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)


# --- the client side ------------------------------------------------------------------------------


class EmulatorControl:
    """Talks to a control API. Every failure is a `ServiceError` or `BadInputError` in a sentence.

    Use as `async with EmulatorControl(url, token) as control:`.
    """

    def __init__(self, url: str, token: str) -> None:
        # Loopback only: whatever proxy the environment names has no business here.
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def __aenter__(self) -> EmulatorControl:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    async def state(self) -> dict[str, Any]:
        """`now`, `settings` and `sessions` (newest first, with history and game state)."""
        return await self._ask("GET", "/state", None)

    async def inject(self, fault: Fault, session: str | None = None) -> float:
        """Put a fault into a session (None: the newest); the boot time at which it took effect."""
        return await self._when("/faults", _fault_document(fault, session))

    async def change_settings(self, **changes: object) -> dict[str, Any]:
        """Change settings by their names in `EmulatorSettings`; all settings come back."""
        return await self._ask("POST", "/settings", changes)

    async def arm(self, fault: ApiFault) -> float:
        """Arm a fault of the service's REST API."""
        return await self._when("/api-faults", dataclasses.asdict(fault))

    async def backend_down(self, down_s: float) -> float:
        """Take the studio's backend down for a while; the boot time at which it was down."""
        return await self._when("/backend", {"down_s": down_s})

    async def arm_backend(self, fault: BackendFault) -> float:
        """Arm a fault in front of the studio's backend."""
        return await self._when("/backend-faults", dataclasses.asdict(fault))

    async def end_session(self, reason: str, session: str | None = None) -> float:
        """End a session (None: the newest) as no call does: the game exits, or a failure."""
        return await self._when("/end", {"reason": reason, "session": session})

    async def advance(self, by_s: float) -> float:
        """Move time on; the new time. Only an emulator on `ManualTimers` can."""
        return await self._when("/advance", {"by_s": by_s})

    async def _when(self, path: str, document: Mapping[str, object]) -> float:
        return _time_in(await self._ask("POST", path, document))

    async def _ask(
        self, method: str, path: str, document: Mapping[str, object] | None
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, json=document)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        return _understood(response)


class BlockingEmulatorControl:
    """`EmulatorControl` for code without an event loop; one HTTP exchange per call."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    def state(self) -> dict[str, Any]:
        """As `EmulatorControl.state`."""
        return self._ask("GET", "/state", None)

    def inject(self, fault: Fault, session: str | None = None) -> float:
        """As `EmulatorControl.inject`."""
        return _time_in(self._ask("POST", "/faults", _fault_document(fault, session)))

    def change_settings(self, **changes: object) -> dict[str, Any]:
        """As `EmulatorControl.change_settings`."""
        return self._ask("POST", "/settings", changes)

    def backend_down(self, down_s: float) -> float:
        """As `EmulatorControl.backend_down`."""
        return _time_in(self._ask("POST", "/backend", {"down_s": down_s}))

    def _ask(self, method: str, path: str, document: Mapping[str, object] | None) -> dict[str, Any]:
        try:
            with httpx.Client(
                base_url=self._url, headers=self._headers, timeout=_TIMEOUT_S, trust_env=False
            ) as http:
                return _understood(http.request(method, path, json=document))
        except httpx.HTTPError as error:
            raise _unreachable(error) from None


def _fault_document(fault: Fault, session: str | None) -> dict[str, object]:
    return {**dataclasses.asdict(fault), "session": session}


def _unreachable(error: httpx.HTTPError) -> ServiceError:
    if isinstance(error, httpx.TimeoutException):
        return ServiceError("The emulator's control API did not answer in time.")
    return ServiceError("The emulator's control API cannot be reached.")


def _understood(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ServiceError("What answers is not the emulator's control API.")
    if response.status_code == httpx.codes.OK:
        return document
    sentence = str(document.get("message", "The emulator refused the request."))
    if response.status_code == httpx.codes.BAD_REQUEST:
        raise BadInputError(sentence)
    raise ServiceError(sentence)


def _time_in(document: Mapping[str, Any]) -> float:
    at = document.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ServiceError("What answers is not the emulator's control API.")
    return float(at)
