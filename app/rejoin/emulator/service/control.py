"""The client of the emulator's control API (`service/control_server`), with and without asyncio."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx

from rejoin.emulator.service.faults import ApiFault, BackendFault, Fault, ScriptFault
from rejoin.errors import BadInputError, ServiceError

_TIMEOUT_S: Final = 10.0


class EmulatorControl:
    """Calls a control API. Every failure is a `ServiceError` or `BadInputError` with a sentence.

    Use as `async with EmulatorControl(url, token) as control:`.
    """

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
            verify=_no_tls(),
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
        return await self._request("GET", "/state", None)

    async def inject(self, fault: Fault, session: str | None = None) -> float:
        """Inject a fault into a session (None: the newest that has a host).

        Returns the boot time at which it took effect.
        """
        return await self._timed("/faults", _fault_document(fault, session))

    async def change_settings(self, **changes: object) -> dict[str, Any]:
        """Change settings by their names in `EmulatorSettings`; returns all settings."""
        return await self._request("POST", "/settings", changes)

    async def arm(self, fault: ApiFault) -> float:
        """Arm a fault of the service's REST API."""
        return await self._timed("/api-faults", dataclasses.asdict(fault))

    async def backend_down(self, down_s: float) -> float:
        """Take the studio's backend down for a while; returns the boot time at which it was."""
        return await self._timed("/backend", {"down_s": down_s})

    async def arm_backend(self, fault: BackendFault) -> float:
        """Arm a fault in front of the studio's backend."""
        return await self._timed("/backend-faults", dataclasses.asdict(fault))

    async def arm_script(self, fault: ScriptFault) -> float:
        """Arm a fault of the input module's script."""
        return await self._timed("/script-faults", dataclasses.asdict(fault))

    async def end_session(self, reason: str, session: str | None = None) -> float:
        """End a session (None: the newest) as no call can: the game exits, or a failure."""
        return await self._timed("/end", {"reason": reason, "session": session})

    async def advance(self, by_s: float) -> float:
        """Move time on; returns the new time. Only for an emulator on advanceable timers."""
        return await self._timed("/advance", {"by_s": by_s})

    async def _timed(self, path: str, document: Mapping[str, object]) -> float:
        return _time_in(await self._request("POST", path, document))

    async def _request(
        self, method: str, path: str, document: Mapping[str, object] | None
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, json=document)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        return _document(response)


class BlockingEmulatorControl:
    """`EmulatorControl` for code without an event loop; one HTTP exchange per call."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    def state(self) -> dict[str, Any]:
        """As `EmulatorControl.state`."""
        return self._request("GET", "/state", None)

    def inject(self, fault: Fault, session: str | None = None) -> float:
        """As `EmulatorControl.inject`."""
        return _time_in(self._request("POST", "/faults", _fault_document(fault, session)))

    def change_settings(self, **changes: object) -> dict[str, Any]:
        """As `EmulatorControl.change_settings`."""
        return self._request("POST", "/settings", changes)

    def backend_down(self, down_s: float) -> float:
        """As `EmulatorControl.backend_down`."""
        return _time_in(self._request("POST", "/backend", {"down_s": down_s}))

    def _request(
        self, method: str, path: str, document: Mapping[str, object] | None
    ) -> dict[str, Any]:
        try:
            with httpx.Client(
                base_url=self._url,
                headers=self._headers,
                timeout=_TIMEOUT_S,
                trust_env=False,
                verify=_no_tls(),
            ) as http:
                return _document(http.request(method, path, json=document))
        except httpx.HTTPError as error:
            raise _unreachable(error) from None


def _no_tls() -> ssl.SSLContext:
    """For http on this machine. What httpx makes by default reads certificates and SSLKEYLOGFILE;
    with `trust_env` off nothing of the environment, such as a proxy, is left."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _fault_document(fault: Fault, session: str | None) -> dict[str, object]:
    return {**dataclasses.asdict(fault), "session": session}


def _unreachable(error: httpx.HTTPError) -> ServiceError:
    if isinstance(error, httpx.TimeoutException):
        return ServiceError("The emulator's control API did not answer in time.")
    return ServiceError("The emulator's control API cannot be reached.")


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ServiceError("The answer is not from the emulator's control API.")
    if response.status_code == httpx.codes.OK:
        return document
    sentence = str(document.get("message", "The emulator refused the request."))
    if response.status_code == httpx.codes.BAD_REQUEST:
        raise BadInputError(sentence)
    raise ServiceError(sentence)


def _time_in(document: Mapping[str, Any]) -> float:
    at = document.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ServiceError("The answer is not from the emulator's control API.")
    return float(at)
