"""Points about reconnects: the fence, retries, and calls at the same time."""

from __future__ import annotations

import asyncio
from typing import Final

from rejoin.backend.check.calls import Answer
from rejoin.backend.check.findings import BrokenError, NotCheckedError
from rejoin.backend.check.probe import Attempt, Probe, must_be_refused, unless_service_failed
from rejoin.signaling.wire import (
    LATEST_HEADER,
    WINDOW_HEADER,
    ConnectionBody,
    ProblemCode,
    sha256_hex,
)

_STALE = (409, ProblemCode.STALE_ATTEMPT)
_REUSED = (409, ProblemCode.REUSED_OFFER)
_CONFLICT = (409, ProblemCode.CONFLICT)
_IN_FLIGHT = (409, ProblemCode.IN_FLIGHT)

# Attempts of the points, in their order; a point that is refused leaves its number free.
_RECONNECT: Final = 10
_REUSING_OFFER: Final = 11
_REUSING_KEY: Final = 12
_AT_ONCE: Final = (20, 21)


def _checked(probe: Probe, answer: Answer, attempt: Attempt) -> ConnectionBody:
    body = probe.body_of(answer, ConnectionBody)
    if body.attempt != attempt.number:
        raise BrokenError("The answer names another attempt.")
    if body.signal_request_sha256 != sha256_hex(attempt.signal_request):
        raise BrokenError("The answer belongs to another SignalRequest (signal_request_sha256).")
    return body


async def reconnect(probe: Probe) -> None:
    attempt = probe.reconnected = probe.new_attempt(_RECONNECT)
    answer = probe.reconnect_answer = await probe.reconnect(attempt)
    if answer.status == 409:
        must_be_refused(answer, _CONFLICT)
        raise NotCheckedError("the service does not allow it in this status")
    _checked(probe, answer, attempt)


async def retry(probe: Probe) -> None:
    attempt, first = probe.reconnected, probe.reconnect_answer
    if attempt is None or first is None or first.status != 200:
        raise NotCheckedError("no reconnect succeeded")
    again = _checked(probe, await probe.reconnect(attempt), attempt)
    if again.signal_response != _checked(probe, first, attempt).signal_response:
        raise BrokenError("The same attempt again got another answer: it was made twice.")


async def window(probe: Probe) -> None:
    attempt, first = probe.reconnected, probe.reconnect_answer
    if attempt is None or first is None or first.status != 200:
        raise NotCheckedError("no reconnect succeeded")
    left = {WINDOW_HEADER: "90000", LATEST_HEADER: "150000"}
    answer = await probe.reconnect(attempt, headers=left)
    if answer.status != 200:
        unless_service_failed(answer)
        raise BrokenError(f"With {WINDOW_HEADER} and {LATEST_HEADER} it answers {answer.said}.")
    _checked(probe, answer, attempt)


def _sent(probe: Probe) -> Attempt:
    if probe.reconnected is None:
        raise NotCheckedError("no reconnect was sent")
    return probe.reconnected


async def older_attempt(probe: Probe) -> None:
    _sent(probe)
    must_be_refused(await probe.reconnect(probe.new_attempt(_RECONNECT - 1)), _STALE)


async def same_number(probe: Probe) -> None:
    _sent(probe)
    answer = await probe.reconnect(probe.new_attempt(_RECONNECT))
    must_be_refused(answer, _STALE, _REUSED)


async def reused_offer(probe: Probe) -> None:
    assert probe.first is not None
    for earlier in (_sent(probe), probe.first):
        attempt = probe.new_attempt(_REUSING_OFFER, signal_request=earlier.signal_request)
        must_be_refused(await probe.reconnect(attempt), _REUSED)


async def reused_key(probe: Probe) -> None:
    attempt = probe.new_attempt(_REUSING_KEY, key=_sent(probe).key)
    must_be_refused(await probe.reconnect(attempt), _REUSED)


async def at_the_same_time(probe: Probe) -> None:
    """Whichever attempt wins the race: the newer one is served or may be tried again, and in the
    end the service does not hold the older one's offer."""
    older, newer = (probe.new_attempt(number) for number in _AT_ONCE)
    first, second = await asyncio.gather(probe.reconnect(older), probe.reconnect(newer))
    if first.status != 200:
        unless_service_failed(first)
        must_be_refused(first, _STALE, _IN_FLIGHT, _CONFLICT)
    if second.status != 200:
        unless_service_failed(second)
        must_be_refused(second, _IN_FLIGHT, _CONFLICT)
        raise NotCheckedError(f"the newer one got {second.said}")
    _checked(probe, second, newer)
    shown = await probe.view()
    if shown.signal_request_sha256 == sha256_hex(older.signal_request):
        raise BrokenError("An older offer replaced a newer one at the service.")
