"""Points without a token: the connection, the open routes, refused calls."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Final

from rejoin.backend.check.calls import Answer, NoAnswerError, Request
from rejoin.backend.check.findings import AdviceError, BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused
from rejoin.signaling.wire import (
    CONTRACT_VERSION,
    REPORTS_PATH,
    AboutBody,
    HealthBody,
    ProblemCode,
    ReadyBody,
)

_FOREIGN_HOST: Final = "rebound.invalid"
_SHORT_S: Final = 5.0
REPORTS_SINCE: Final = 2
"""The minor version of the contract that has reconnect reports."""


async def health(probe: Probe) -> None:
    answer = await probe.call("GET", "/v1/health", token=None)
    body = probe.body_of(answer, HealthBody)
    if body.contract != CONTRACT_VERSION:
        raise BrokenError(
            f"The backend speaks contract {body.contract}; this checks {CONTRACT_VERSION}."
        )
    probe.minor = body.contract_minor


async def encryption(probe: Probe) -> None:
    if not probe.calls.is_tls:
        if probe.calls.is_local:
            raise NotCheckedError("plain http, on this machine")
        raise BrokenError("Clients call no other machine by plain http.")
    try:
        request = Request("GET", "/v1/health")
        answer = await probe.calls(request, within_s=_SHORT_S, tls=False)
    except NoAnswerError:
        return
    if answer.status == 200:
        raise BrokenError("The same port answers plain http too.")


async def about(probe: Probe) -> None:
    answer = await probe.call("GET", "/v1/about", token=None)
    _unless_contract_1_0(probe, answer)
    body = probe.body_of(answer, AboutBody)
    if not body.sign_in:
        raise BrokenError("It names no way to sign in.")


async def ready(probe: Probe) -> None:
    answer = await probe.call("GET", "/v1/ready", token=None)
    if answer.status == 503:
        probe.refusals.remove(answer)
        body = probe.body_of(answer, ReadyBody, status=503)
        raise BrokenError("It says that it is not ready: " + ", ".join(map(repr, body.reasons)))
    _unless_contract_1_0(probe, answer)
    if not probe.body_of(answer, ReadyBody).ready:
        raise BrokenError("It answers 200, and `ready` is false.")


def _unless_contract_1_0(probe: Probe, answer: Answer) -> None:
    """A backend of contract 1.0 has neither call."""
    if answer.status in (401, 404) and probe.minor == 0:
        probe.refusals.remove(answer)
        raise NotCheckedError("the backend has contract 1.0")


async def without_token(probe: Probe) -> None:
    await _refused_with(probe, None)


async def wrong_token(probe: Probe) -> None:
    token = secrets.token_urlsafe(24)
    probe.secrets.append(token)
    await _refused_with(probe, token)


async def _refused_with(probe: Probe, token: str | None) -> None:
    """Every call but the open ones. No body could start a session."""
    session = f"/v1/sessions/{secrets.token_urlsafe(16)}"
    for method, path in (
        ("POST", "/v1/sessions"),
        ("GET", session),
        ("GET", f"{session}/answer"),
        ("POST", f"{session}/connections"),
        ("DELETE", session),
        *((("POST", REPORTS_PATH),) if probe.minor >= REPORTS_SINCE else ()),
    ):
        body: dict[str, str] | None = {} if method == "POST" else None
        answer = await probe.call(method, path, body=body, token=token)
        must_be_refused(answer, (401, ProblemCode.UNAUTHENTICATED))


async def foreign_host(probe: Probe) -> None:
    request = Request("GET", "/v1/health", headers={"Host": _FOREIGN_HOST})
    try:
        answer = await probe.calls(request, within_s=probe.patience.call_s)
    except NoAnswerError:
        return
    if answer.status < 300:
        if probe.calls.is_local or _is_address(probe.calls.address.hostname or ""):
            raise BrokenError(
                "It answers to any name, so a web page that rebinds its own name reaches it."
            )
        raise AdviceError("It answers to any name; let it, or the proxy, accept its own alone.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
