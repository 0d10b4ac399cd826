"""Points about the end of a stream session, and about all refusals that were seen."""

from __future__ import annotations

from typing import Final

from rejoin.backend.check.calls import Answer
from rejoin.backend.check.findings import BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused, unless_service_failed
from rejoin.signaling.wire import (
    PROBLEM_CONTENT_TYPE,
    PROBLEMS,
    ProblemBody,
    ProblemCode,
    SessionViewBody,
)

_ENDS: Final = ("TERMINATING", "TERMINATED", "ERROR")
_AFTER_THE_END: Final = 40
_STATUSES: Final[dict[ProblemCode, tuple[int, ...]]] = {
    ProblemCode.INVALID_REQUEST: (400, 404, 405, 408, 413, 421, 431),
    ProblemCode.SERVICE_UNAVAILABLE: (502, 503),
}
"""HTTP statuses of a code that has several."""
_SETTLED: Final = frozenset(
    {
        ProblemCode.UNAUTHENTICATED,
        ProblemCode.FORBIDDEN,
        ProblemCode.SESSION_NOT_FOUND,
        ProblemCode.STALE_ATTEMPT,
        ProblemCode.REUSED_OFFER,
        ProblemCode.THROTTLED,
        ProblemCode.IN_FLIGHT,
    }
)
"""Codes whose `retryable` is always the same."""


async def end(probe: Probe) -> None:
    path = f"/v1/sessions/{probe.session_id}"
    for what in ("Ending the session", "Ending it again"):
        answer = await probe.call("DELETE", path)
        if answer.status != 204:
            unless_service_failed(answer)
            raise BrokenError(f"{what}: {answer.said} in place of 204.")
        if probe.session_id in probe.started:
            probe.started.remove(probe.session_id)
    answer = await probe.call("GET", path)
    if answer.status == 404:
        must_be_refused(answer, (404, ProblemCode.SESSION_NOT_FOUND))
        return
    body = probe.body_of(answer, SessionViewBody)
    if body.status not in _ENDS:
        raise BrokenError(f"After its end the session is {body.status}.")
    if body.remaining is not None:
        raise BrokenError("After its end the session still has time left (`remaining`).")


async def after_the_end(probe: Probe) -> None:
    answer = await probe.reconnect(probe.new_attempt(_AFTER_THE_END))
    must_be_refused(answer, (409, ProblemCode.CONFLICT), (404, ProblemCode.SESSION_NOT_FOUND))
    body = answer.json()
    ended = answer.status == 409 and body.get("session_status") in ("TERMINATED", "ERROR")
    if ended and body.get("retryable") is not False:
        raise BrokenError("A reconnect to a session that has ended is `retryable`.")


async def problem_details(probe: Probe) -> None:
    """Checks every refusal that any point has seen."""
    if not probe.refusals:
        raise NotCheckedError("nothing was refused")
    for answer in probe.refusals:
        _check_problem(answer)


async def nothing_echoed(probe: Probe) -> None:
    for answer in probe.refusals:
        if any(secret.encode() in answer.content for secret in probe.secrets):
            raise BrokenError(f"{answer.request.name}: {answer.said} contains what was sent.")


def _check_problem(answer: Answer) -> None:
    where = f"{answer.request.name}: {answer.said}"
    if answer.content_type != PROBLEM_CONTENT_TYPE:
        raise BrokenError(f"{where} is not {PROBLEM_CONTENT_TYPE}.")
    body = ProblemBody.model_validate_json(answer.content)
    if body.status != answer.status:
        raise BrokenError(f"{where}: the member `status` is {body.status}.")
    if body.retryable is None:
        raise BrokenError(f"{where} does not say whether it is `retryable`.")
    if body.code not in ProblemCode.__members__:
        return  # clients use the HTTP status
    code = ProblemCode(body.code)
    kind = PROBLEMS[code]
    if answer.status not in _STATUSES.get(code, (kind.http_status,)):
        raise BrokenError(f"{where}: {code} has the HTTP status {kind.http_status}.")
    if code in _SETTLED and body.retryable != kind.retryable:
        raise BrokenError(f"{where}: `retryable` is {str(body.retryable).lower()}.")
    after = answer.headers.get("retry-after")
    if after is not None and not after.isdecimal():
        raise BrokenError(f"{where}: Retry-After is not in seconds.")
