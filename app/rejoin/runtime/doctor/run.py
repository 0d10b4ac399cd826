"""Runs checks one after another, each within its own time, and reports each as it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import RejoinError
from rejoin.language import Message
from rejoin.parts import explanation
from rejoin.runtime.doctor.findings import Began, Finding, OnUpdate, failed, not_loaded
from rejoin.runtime.doctor.privacy import shown

_log = logging.getLogger("rejoin.doctor")


@dataclass(frozen=True, slots=True)
class Check:
    """`within_s`: how long it may take; then it has failed. `work` may raise anything. `usual_s`:
    how long it normally takes. `late`: the sentence for a time-out; empty: a general one."""

    name: str
    within_s: float
    work: Callable[[], Awaitable[Finding]]
    usual_s: float = 0.2
    late: str = ""
    late_advice: str = ""


def blocking(name: str, within_s: float, work: Callable[[], Finding]) -> Check:
    """A check whose work blocks: it runs on a thread, which is abandoned when its time is over."""

    async def on_thread() -> Finding:
        return await run_in_daemon_thread(work, name=f"check {name}", within_s=within_s)

    return Check(name, within_s + 0.5, on_thread)


async def run_checks(checks: Sequence[Check], on_update: OnUpdate) -> tuple[Finding, ...]:
    """The findings, in order. Raises nothing but CancelledError."""
    found: list[Finding] = []
    for number, check in enumerate(checks):
        left_s = sum(each.usual_s for each in checks[number:])
        on_update(Began(check.name, left_s))
        finding = cleaned(await _finding_of(check))
        found.append(finding)
        on_update(finding)
    return tuple(found)


async def _finding_of(check: Check) -> Finding:
    try:
        async with asyncio.timeout(check.within_s):
            return await check.work()
    except TimeoutError:
        return failed(
            check.name,
            check.late
            or Message("This check did not end within {seconds} s.", seconds=round(check.within_s)),
            check.late_advice
            or Message("Try again; if it stays so, send this report to the studio."),
        )
    except RejoinError as error:
        return failed(check.name, str(error), "")
    except ImportError as error:
        sentence = explanation(error, ("player",))
        if sentence is None:
            return _bug(check, error)
        return not_loaded(check.name, sentence)
    except Exception as error:
        return _bug(check, error)


def _bug(check: Check, error: Exception) -> Finding:
    # Its text may quote anything; its type does not.
    _log.info("the check %s failed: %s", check.name, type(error).__name__)
    return failed(
        check.name,
        Message(
            "This check itself failed ({error}). This is a bug in Rejoin.",
            error=type(error).__name__,
        ),
        Message("Send this report to the makers of Rejoin."),
    )


def cleaned(finding: Finding) -> Finding:
    """The finding as it may be shown and sent to others."""
    return replace(finding, found=shown(finding.found), advice=shown(finding.advice))
