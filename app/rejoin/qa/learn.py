"""Measures undocumented behaviour of a service in one real stream session after another.

As in `qa.campaign`, each session is in the ledger before it starts and is ended afterwards; the
guardian ends it if this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rejoin.errors import BadInputError, RejoinError
from rejoin.interpreter import loop_factory
from rejoin.qa.client_case import utc_now
from rejoin.qa.guardian import Guardian
from rejoin.qa.learn_session import LearnSession, Patience
from rejoin.qa.learned import Finding, Leave, Origin
from rejoin.qa.ledger import Entry, Ledger
from rejoin.qa.messages import Charge
from rejoin.qa.results import Surroundings
from rejoin.qa.sweep import End, end_session
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.version import VERSION

REPEAT: Final = 3
_SESSION_S: Final = 45.0
"""Estimated time to place, play and end a session, from experience with the emulator and a service
that notices a drop within 15 s."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `repeat`: sessions of each way to leave. A session that would begin
    after `max_minutes` of play, or beyond `max_sessions`, does not."""

    repeat: int
    patience: Patience
    max_sessions: int
    max_minutes: float

    @property
    def sessions(self) -> int:
        return min(self.repeat * len(Leave), self.max_sessions)

    def announcement(self, backend: str, *, can_end: bool) -> str:
        """The cost, in words. `can_end`: the backend has a call that ends a session."""
        minutes = math.ceil(self.sessions * _SESSION_S / 60)
        end = (
            "Each is ended when it has been measured."
            if can_end
            else "This backend cannot end them: each goes on until the service ends it by itself."
        )
        return (
            f"This starts {self.sessions} stream sessions at {backend}, one after another, and no "
            f"new one after {self.max_minutes:g} minutes: about {minutes} minutes of play that the "
            f"studio pays for. {end}"
        )


@dataclass(frozen=True, slots=True)
class Learned:
    """`problems`: a sentence for each session that was not measured to its end. `started`: how many
    sessions were."""

    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    started: int


@dataclass(slots=True)
class Learning:
    """One run. `run` blocks; when it is interrupted it ends its session. `on_progress` gets, before
    each session, about how many seconds are left, and a line about it."""

    profile: StudioProfile
    ledger: Ledger
    charge: Charge
    plan: Plan
    on_progress: Callable[[float, str], None]
    name: str = field(
        default_factory=lambda: f"learn-{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    )
    _findings: list[Finding] = field(default_factory=list)
    _problems: list[str] = field(default_factory=list)
    _started: int = 0

    def run(self) -> Learned:
        """Measure everything. Raises BadInputError where the ledger cannot be written."""
        with self.ledger.run(self.name):
            guardian = Guardian(self.charge)
            try:
                with asyncio.Runner(loop_factory=loop_factory()) as runner:
                    runner.run(self._measure_all(guardian))
            finally:
                guardian.close()
        return Learned(tuple(self._findings), tuple(self._problems), self._started)

    async def _measure_all(self, guardian: Guardian) -> None:
        began_at = time.monotonic()
        for number in range(self.plan.sessions):
            if (time.monotonic() - began_at) / 60 > self.plan.max_minutes:
                self._problems.append(f"{self.plan.max_minutes:g} minutes were over")
                return
            leave = tuple(Leave)[number % len(Leave)]
            each_s = (time.monotonic() - began_at) / number if number else _SESSION_S
            left_s = each_s * (self.plan.sessions - number)
            minutes = math.ceil(left_s / 60)
            self.on_progress(
                left_s,
                f"session {number + 1} of {self.plan.sessions}: {leave.value} client; "
                f"about {minutes} min left",
            )
            await self._measure(leave, guardian)

    async def _measure(self, leave: Leave, guardian: Guardian) -> None:
        entry = Entry(
            f"{self.name}-{self._started}",
            self.name,
            leave.value,
            self.profile.backend_url,
            self.profile.dialect.name,
            time.time(),
        )
        self.ledger.note(entry)
        self._started += 1
        known: list[str] = []

        def on_session(session_id: str) -> None:
            known.append(session_id)
            guardian.session_began(entry.key, session_id)
            if not self.profile.dialect.session_is_secret:
                # A disk that has just become full: the guardian still knows the session.
                with contextlib.suppress(BadInputError):
                    self.ledger.session_known(entry, session_id)

        session = LearnSession(self.profile, self.plan.patience, on_session)
        try:
            await session.measure(leave)
        except RejoinError as error:
            self._problems.append(f"{leave.value} client: {error}")
        finally:
            self._findings += session.findings
            await self._end(entry, known, guardian)

    async def _end(self, entry: Entry, known: Sequence[str], guardian: Guardian) -> None:
        """End the session. If it is not known to be over, the guardian ends it after the run."""
        if known:
            end, why = await end_session(self.profile, known[0])
            if end is End.STILL_OPEN:
                self._problems.append(f"a session {end.value}: {why}")
                return
        self.ledger.over(entry.key)
        guardian.session_over(entry.key)


def origin_of(surroundings: Surroundings) -> Origin:
    """Where and when this is learned."""
    return Origin(
        surroundings.backend,
        surroundings.dialect,
        surroundings.region,
        f"{utc_now():%Y-%m-%d %H:%M} UTC",
        VERSION,
    )
