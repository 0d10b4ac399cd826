"""Points about starting a stream session. They cost money, and only what they start is ended."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from rejoin.backend.check.calls import Answer
from rejoin.backend.check.findings import AdviceError, BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused, unless_service_failed
from rejoin.signaling.wire import (
    IDEMPOTENCY_HEADER,
    ProblemCode,
    SessionViewBody,
    sha256_hex,
)

_TRIES: Final = 3
_AGAIN_S: Final = 1.0
_INVALID = (400, ProblemCode.INVALID_REQUEST)


async def start(probe: Probe) -> None:
    """Repeat a try that may have had an effect with the same bytes, so that no session is lost."""
    attempt = probe.new_attempt(1)
    answer = await probe.start(attempt)
    for _ in range(_TRIES - 1):
        if answer.status not in (429, 500, 502, 503, 504):
            break
        await asyncio.sleep(_AGAIN_S)
        answer = await probe.start(attempt)
    body = probe.body_of(answer, SessionViewBody, status=201)
    probe.session_id, probe.first = body.session_id, attempt
    if body.attempt not in (None, 1):
        raise BrokenError("The view names another attempt than the one that started it.")
    _check_answer(body, attempt.signal_request)


def _check_answer(body: SessionViewBody, signal_request: str) -> None:
    held = body.signal_request_sha256
    if held is not None and held != sha256_hex(signal_request):
        raise BrokenError(
            "The service does not hold the bytes of the SignalRequest that was sent "
            "(signal_request_sha256)."
        )
    if body.signal_response is not None and held is None:
        raise BrokenError("It has a signal_response, and does not say to which SignalRequest.")


async def start_again(probe: Probe) -> None:
    assert probe.first is not None
    answer = await probe.start(probe.first)
    if answer.status not in (200, 201):
        unless_service_failed(answer)
        raise BrokenError(f"The same start again: {answer.said} in place of 201.")
    body = probe.body_of(answer, SessionViewBody, status=answer.status)
    if body.session_id != probe.session_id:
        raise BrokenError("The same key and the same bytes started a second stream session.")


async def key_of_another_start(probe: Probe) -> None:
    assert probe.first is not None
    answer = await probe.start(probe.new_attempt(1, key=probe.first.key))
    must_be_refused(answer, (409, ProblemCode.REUSED_OFFER))


async def invalid_starts(probe: Probe) -> None:
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("an attempt of 0", {"attempt": 0}),
        ("an attempt that is text", {"attempt": "1"}),
        ("an empty SignalRequest", {"signal_request": ""}),
        ("a field that the contract does not have", {"signal_reqest": "x"}),
    )
    for what, change in changes:
        _must_be_invalid(what, await probe.start(probe.new_attempt(1), **change))
    attempt = probe.new_attempt(1)
    for what, body, headers in (
        ("no Idempotency-Key", attempt.body, {}),
        ("a short Idempotency-Key", attempt.body, {IDEMPOTENCY_HEADER: "short"}),
        ("a body that is no JSON", b"{", {IDEMPOTENCY_HEADER: attempt.key}),
    ):
        answer = await probe.call("POST", "/v1/sessions", body=body, headers=headers)
        _must_be_invalid(what, answer)


def _must_be_invalid(what: str, answer: Answer) -> None:
    if (answer.status, answer.code) != _INVALID:
        raise BrokenError(f"A start with {what}: {answer.said} in place of 400 INVALID_REQUEST.")


async def unknown_application(probe: Probe) -> None:
    answer = await probe.start(probe.new_attempt(1), application="no-such-application-0")
    must_be_refused(
        answer,
        (404, ProblemCode.SESSION_NOT_FOUND),
        (403, ProblemCode.FORBIDDEN),
        _INVALID,
    )


async def nobody_connects(probe: Probe) -> None:
    answer = await probe.start(probe.new_attempt(1, signal_request="NO_CLIENT_CONNECTION"))
    if answer.status < 300:
        if probe.minor == 0:
            raise AdviceError("A player can start a session that nobody plays.")
        raise BrokenError("NO_CLIENT_CONNECTION started a session that nobody plays.")


async def until_placed(probe: Probe) -> None:
    """Wait until the session is placed and its first offer answered."""
    assert probe.first is not None
    deadline = asyncio.get_running_loop().time() + probe.patience.start_s
    while True:
        body = await probe.view()
        _check_answer(body, probe.first.signal_request)
        if body.signal_response is not None:
            return
        if body.status in ("ERROR", "TERMINATED", "TERMINATING"):
            raise NotCheckedError(f"the session became {body.status}")
        if asyncio.get_running_loop().time() > deadline:
            raise NotCheckedError("the service has not placed the session in time")
        await asyncio.sleep(_AGAIN_S)
