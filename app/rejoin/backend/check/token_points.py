"""Points that need a token and start nothing: unknown sessions and routes, bodies too large."""

from __future__ import annotations

import secrets

from rejoin.backend.check.findings import AdviceError, BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused
from rejoin.signaling.wire import (
    IDEMPOTENCY_HEADER,
    MAX_BODY_BYTES,
    MAX_REPORT_BYTES,
    REPORTS_PATH,
    ProblemCode,
)

_NOT_FOUND = (404, ProblemCode.SESSION_NOT_FOUND)


async def unknown_session(probe: Probe) -> None:
    session = f"/v1/sessions/{secrets.token_urlsafe(16)}"
    for method, path in (("GET", session), ("GET", f"{session}/answer"), ("DELETE", session)):
        must_be_refused(await probe.call(method, path), _NOT_FOUND)
    attempt = probe.new_attempt(1)
    answer = await probe.call(
        "POST",
        f"{session}/connections",
        body=attempt.body,
        headers={IDEMPOTENCY_HEADER: attempt.key},
    )
    must_be_refused(answer, _NOT_FOUND)


async def unknown_call(probe: Probe) -> None:
    for method, path in (("GET", "/v1/nothing-here"), ("PUT", "/v1/sessions")):
        answer = await probe.call(method, path)
        must_be_refused(
            answer, (404, ProblemCode.INVALID_REQUEST), (405, ProblemCode.INVALID_REQUEST)
        )
    for path in ("/v1/sessions/", "/v1/health/"):
        answer = await probe.call("GET", path)
        if answer.status < 400:
            raise AdviceError(f"GET {path}: {answer.said}; clients follow no redirect.")


async def bad_reports(probe: Probe) -> None:
    """No valid report is sent: it would count among the players' reports."""
    oversized = {"record_id": secrets.token_hex(16), "failures": ["x" * MAX_REPORT_BYTES]}
    for body in ({"free_text": "x"}, oversized):
        answer = await probe.call("POST", REPORTS_PATH, body=body)
        if answer.status in (404, 405):
            raise NotCheckedError("the backend takes no reports")
        must_be_refused(
            answer, (400, ProblemCode.INVALID_REQUEST), (413, ProblemCode.INVALID_REQUEST)
        )


async def too_large(probe: Probe) -> None:
    attempt = probe.new_attempt(1)
    try:
        answer = await probe.call(
            "POST",
            f"/v1/sessions/{secrets.token_urlsafe(16)}/connections",
            body={"signal_request": "x" * (MAX_BODY_BYTES + 1), "attempt": 1},
            headers={IDEMPOTENCY_HEADER: attempt.key},
        )
    except BrokenError as error:
        raise AdviceError(f"{error} A refusal with 413 would say why.") from None
    if answer.status == 502:
        probe.refusals.remove(answer)
        raise AdviceError(
            "502: what stands in front loses a refusal that comes before the whole body is read. "
            f"Give it the limit too, {MAX_BODY_BYTES // 1024} KiB."
        )
    must_be_refused(
        answer,
        (413, ProblemCode.INVALID_REQUEST),
        (400, ProblemCode.INVALID_REQUEST),
        _NOT_FOUND,
    )
