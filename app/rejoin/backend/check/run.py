"""Runs every point in order, ends what was started, and reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ValidationError

from rejoin.backend.check import (
    end_points,
    open_points,
    reconnect_points,
    session_points,
    start_points,
    token_points,
)
from rejoin.backend.check.calls import NoAnswerError, Request, UnreachableError
from rejoin.backend.check.findings import (
    Advice,
    AdviceError,
    Broken,
    BrokenError,
    Finding,
    Kept,
    NotChecked,
    NotCheckedError,
    Outcome,
    Report,
)
from rejoin.backend.check.probe import Probe
from rejoin.signaling.wire import ProblemCode

Needs = Literal["backend", "token", "consent", "session"]

_TRIES_TO_END: Final = 3


@dataclass(frozen=True, slots=True)
class Point:
    """`says`: what must hold. `needs`: without it the point is not checked.
    `rule`: its number in docs/backend.md, "Your own backend: the contract", or ""."""

    name: str
    says: str
    rule: str
    needs: Needs
    check: Callable[[Probe], Awaitable[None]]


HEALTH: Final = Point(
    "health", "GET /v1/health names the contract", "", "backend", open_points.health
)

POINTS: Final = (
    HEALTH,
    Point("tls", "Other machines are called by https alone", "", "backend", open_points.encryption),
    Point("about", "GET /v1/about says how to sign in", "", "backend", open_points.about),
    Point("ready", "GET /v1/ready says that it is ready", "", "backend", open_points.ready),
    Point("host", "It answers to its own name alone", "", "backend", open_points.foreign_host),
    Point("no-token", "Nothing works without a token", "", "backend", open_points.without_token),
    Point(
        "wrong-token", "Nothing works with a wrong token", "", "backend", open_points.wrong_token
    ),
    Point(
        "unknown-session",
        "A session that nobody has is 404",
        "7",
        "token",
        token_points.unknown_session,
    ),
    Point(
        "unknown-call",
        "What the contract does not have is refused",
        "8",
        "token",
        token_points.unknown_call,
    ),
    Point(
        "bad-report",
        "A report that is not as the contract says is refused",
        "8",
        "token",
        token_points.bad_reports,
    ),
    Point("too-large", "A body over the limit is refused", "1", "token", token_points.too_large),
    Point(
        "invalid-start",
        "What is not as the contract says starts nothing",
        "8",
        "consent",
        start_points.invalid_starts,
    ),
    Point(
        "unknown-application",
        "An application that is not offered starts nothing",
        "8",
        "consent",
        start_points.unknown_application,
    ),
    Point(
        "no-client-connection",
        "Nobody starts a session that nobody plays",
        "",
        "consent",
        start_points.nobody_connects,
    ),
    Point(
        "start",
        "A session starts with the bytes that were sent",
        "1",
        "consent",
        start_points.start,
    ),
    Point(
        "start-again",
        "The same start again is the same session",
        "1",
        "session",
        start_points.start_again,
    ),
    Point(
        "start-key",
        "The key of a start is good for no other start",
        "2",
        "session",
        start_points.key_of_another_start,
    ),
    Point("view", "The view is as the contract says", "5", "session", session_points.view),
    Point(
        "placed",
        "The session is placed, and the answer is that to its offer",
        "4",
        "session",
        start_points.until_placed,
    ),
    Point(
        "answer",
        "The answer names the SignalRequest it belongs to",
        "4",
        "session",
        session_points.answer_route,
    ),
    Point(
        "long-poll",
        "A long poll waits while nothing is new, and no longer",
        "",
        "session",
        session_points.long_poll,
    ),
    Point(
        "budget", "Answers come within the client's budget", "6", "session", session_points.budget
    ),
    Point(
        "many-calls",
        "One player does not have all calls, and learns when to come again",
        "8",
        "session",
        session_points.many_calls,
    ),
    Point("reconnect", "A fresh offer is answered", "4", "session", reconnect_points.reconnect),
    Point(
        "retry",
        "The same attempt again has the same answer",
        "3",
        "session",
        reconnect_points.retry,
    ),
    Point(
        "window",
        "A client may say how much time is left",
        "",
        "session",
        reconnect_points.window,
    ),
    Point(
        "older-attempt",
        "An older attempt is refused",
        "2",
        "session",
        reconnect_points.older_attempt,
    ),
    Point(
        "same-number",
        "An attempt's number is good for one offer",
        "2",
        "session",
        reconnect_points.same_number,
    ),
    Point(
        "reused-offer",
        "An offer is good for one attempt",
        "2",
        "session",
        reconnect_points.reused_offer,
    ),
    Point("reused-key", "A key is good for one offer", "2", "session", reconnect_points.reused_key),
    Point(
        "same-time",
        "Of two attempts at the same time the newer one wins",
        "3",
        "session",
        reconnect_points.at_the_same_time,
    ),
    Point(
        "another-player",
        "To another player the session does not exist",
        "7",
        "session",
        session_points.another_player,
    ),
    Point(
        "end", "A session ends, and ending it again is no failure", "", "session", end_points.end
    ),
    Point("after-end", "After its end nobody comes back", "8", "session", end_points.after_the_end),
    Point(
        "problems",
        "Every refusal is a problem (RFC 9457) with code and retryable",
        "8",
        "backend",
        end_points.problem_details,
    ),
    Point("no-echo", "No refusal repeats what was sent", "8", "backend", end_points.nothing_echoed),
)
"""In this order: a point may rely on the points before it."""


async def run(
    probe: Probe,
    *,
    may_start: bool,
    points: Sequence[Point] = POINTS,
    on_point: Callable[[int, Point | None], None] = lambda number, point: None,
    on_finding: Callable[[Finding], None] = lambda _: None,
) -> Report:
    """Check these points, the first of which is HEALTH: without it no other is checked.

    `may_start`: whether stream sessions may be started, which cost money. `on_point` gets the
    number of each point, from 0, before it is checked; None for the end of what was started. Raises
    UnreachableError.
    """
    try:
        await probe.calls(Request("GET", "/v1/health"), within_s=probe.patience.call_s)
    except NoAnswerError as error:
        raise UnreachableError(f"The backend cannot be reached: {error}.") from None
    findings: list[Finding] = []
    try:
        for number, point in enumerate(points):
            on_point(number, point)
            outcome = await _outcome(point, probe, may_start)
            finding = Finding(point.name, point.says, point.rule, outcome)
            findings.append(finding)
            on_finding(finding)
            if point is HEALTH and isinstance(outcome, Broken):
                break
    finally:
        if probe.started:
            on_point(len(points), None)
        left = await end_all(probe)
    return Report(probe.calls.address.geturl(), tuple(findings), left)


async def _outcome(point: Point, probe: Probe, may_start: bool) -> Outcome:
    lacking = _lacking(point.needs, probe, may_start)
    if lacking:
        return NotChecked(lacking)
    try:
        await point.check(probe)
    except BrokenError as error:
        return Broken(str(error))
    except ValidationError:
        return Broken("A refusal is not as the contract says.")
    except AdviceError as error:
        return Advice(str(error))
    except NotCheckedError as error:
        return NotChecked(str(error))
    return Kept()


def _lacking(needs: Needs, probe: Probe, may_start: bool) -> str:
    if needs != "backend" and probe.token is None:
        return "it needs a player's token"
    if needs in ("consent", "session") and not may_start:
        return "it would start a stream session, which costs money"
    if needs == "session" and not probe.session_id:
        return "no session was started"
    return ""


async def end_all(probe: Probe) -> int:
    """End what was started; how many could not be ended."""
    for session_id in tuple(probe.started):
        for _ in range(_TRIES_TO_END):
            try:
                answer = await probe.call("DELETE", f"/v1/sessions/{session_id}")
            except BrokenError:
                continue
            if answer.status == 204 or answer.code == ProblemCode.SESSION_NOT_FOUND:
                probe.started.remove(session_id)
                break
    return len(probe.started)
