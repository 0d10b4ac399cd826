"""Points about a running stream session: its view, long polls, budgets, ownership."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from rejoin.backend.check.findings import AdviceError, BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused, unless_service_failed
from rejoin.signaling.wire import BUDGET_HEADER, ProblemCode, SessionViewBody, SignalAnswerBody

_HAS_WINDOW: Final = ("CONNECTED", "PENDING_CLIENT_RECONNECTION", "RECONNECTING")
_AT_ONCE: Final = 16
"""Long polls of one player; the reference backend allows 8."""
_NOT_FOUND = (404, ProblemCode.SESSION_NOT_FOUND)


async def view(probe: Probe) -> None:
    answer = await probe.call("GET", f"/v1/sessions/{probe.session_id}")
    body = probe.body_of(answer, SessionViewBody)
    if body.session_id != probe.session_id:
        raise BrokenError("The view is that of another session.")
    if body.remaining is not None and body.status not in _HAS_WINDOW:
        raise BrokenError(f"`remaining` is given in the status {body.status}.")
    if "no-store" not in answer.headers.get("cache-control", ""):
        raise AdviceError("The view may be cached on its way: it lacks Cache-Control: no-store.")


async def answer_route(probe: Probe) -> None:
    answer = await probe.call("GET", f"/v1/sessions/{probe.session_id}/answer")
    if answer.status == 409:
        must_be_refused(answer, (409, ProblemCode.CONFLICT))
        return
    body = probe.body_of(answer, SignalAnswerBody)
    shown = await probe.view()
    if shown.signal_request_sha256 not in (None, body.signal_request_sha256):
        raise BrokenError("It and the view name different SignalRequests.")


async def long_poll(probe: Probe) -> None:
    wait_s, long_s = probe.patience.poll_s, probe.patience.long_poll_s
    for _ in range(5):
        before = await probe.view()
        began_at = time.monotonic()
        after = await probe.view(f"?known={before.status}&wait_s={wait_s:g}")
        waited_s = time.monotonic() - began_at
        same = (after.status, after.attempt, after.signal_response) == (
            before.status,
            before.attempt,
            before.signal_response,
        )
        if same:
            if waited_s < 0.75 * wait_s:
                raise BrokenError(
                    f"A long poll of {wait_s:g} s without news was answered after "
                    f"{waited_s:.1f} s: clients would poll without pause."
                )
            break
    else:
        raise NotCheckedError("the session's status changed all the time")
    answer = await probe.call(
        "GET", f"/v1/sessions/{probe.session_id}?known=ANOTHER&wait_s={long_s:g}"
    )
    probe.body_of(answer, SessionViewBody)
    if answer.seconds >= long_s:
        raise BrokenError("A long poll was not answered when there was news, but at its end.")


async def budget(probe: Probe) -> None:
    budget_s = probe.patience.budget_s
    before = await probe.view()
    answer = await probe.call(
        "GET",
        f"/v1/sessions/{probe.session_id}?known={before.status}&wait_s=25",
        headers={BUDGET_HEADER: f"{budget_s * 1000:.0f}"},
        within_s=budget_s + probe.patience.late_s,
    )
    if answer.status != 504:
        probe.body_of(answer, SessionViewBody)
    small = await probe.call(
        "GET", f"/v1/sessions/{probe.session_id}", headers={BUDGET_HEADER: "100"}
    )
    if small.status != 200:
        must_be_refused(
            small,
            (400, ProblemCode.BUDGET_TOO_SMALL),
            (504, ProblemCode.SERVICE_TIMEOUT),
        )


async def another_player(probe: Probe) -> None:
    """TerminateStreamSession comes last: where another player may call it, the session is gone."""
    if probe.second_token is None:
        raise NotCheckedError("it needs the token of a second player")
    path = f"/v1/sessions/{probe.session_id}"
    for each in (path, f"{path}/answer"):
        must_be_refused(await probe.call("GET", each, token=probe.second_token), _NOT_FOUND)
    attempt = probe.new_attempt(1)
    must_be_refused(await probe.reconnect(attempt, token=probe.second_token), _NOT_FOUND)
    must_be_refused(await probe.call("DELETE", path, token=probe.second_token), _NOT_FOUND)


async def many_calls(probe: Probe) -> None:
    before = await probe.view()
    path = f"/v1/sessions/{probe.session_id}?known={before.status}&wait_s={probe.patience.poll_s:g}"
    answers = await asyncio.gather(*(probe.call("GET", path) for _ in range(_AT_ONCE)))
    refused = [answer for answer in answers if answer.status == 429]
    for answer in answers:
        if answer.status != 429:
            unless_service_failed(answer)
            probe.body_of(answer, SessionViewBody)
    for answer in refused:
        must_be_refused(answer, (429, ProblemCode.THROTTLED))
        if not answer.headers.get("retry-after", "").isdecimal():
            raise BrokenError("429 without Retry-After in seconds: nobody knows when to come back.")
    if not refused:
        raise AdviceError(
            f"{_AT_ONCE} calls of one player at the same time were all taken: look whether one "
            "player can keep others out."
        )
