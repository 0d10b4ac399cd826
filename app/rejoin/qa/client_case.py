"""Plays one case against a backend that is only known by its URL: faults at the client alone."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rejoin.clock import boot_s
from rejoin.core.model import Stage
from rejoin.core.trace import Record, of_fault, timelines
from rejoin.errors import RejoinError
from rejoin.injector.faults import Scope, cut
from rejoin.injector.http_faults import Outcome
from rejoin.injector.injector import Injector
from rejoin.injector.plans import AT_RUNNER, plan_of
from rejoin.qa import verdicts
from rejoin.qa.game_client import ClientOptions, GameClient
from rejoin.qa.results import (
    CaseRecord,
    EpisodeResult,
    FaultResult,
    Played,
    StepResult,
    Surroundings,
)
from rejoin.qa.verdicts import Judgement, Traffic, Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.dialects import OURS
from rejoin.tasks import cancel, spawn
from rejoin.verify.detector_score import OUTAGE
from rejoin.verify.scenario import Drop, ScenarioCase
from rejoin.version import VERSION

END_WITHIN_S: Final = 20.0
_HOW: Final = {
    "crash_relaunch": "the path goes silent, the client is stopped, and a new one starts with its "
    "ticket",
    "two_instances": "the second instance is part of the same process",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One play of a case. `start_within_s`: how long the game may take to become live.
    `trace_file`: None: the trace is not written. `modelled`: `game_client.ClientOptions`."""

    run: str
    scenario: str
    case: ScenarioCase
    repetition: int
    index: int
    seed: int
    profile: StudioProfile
    surroundings: Surroundings
    start_within_s: float
    samples: bool = False
    trace_file: Path | None = None
    modelled: bool = False

    def record(
        self,
        judgement: Judgement,
        started_at: datetime,
        took_s: float,
        played: Played | None = None,
        attachments: dict[str, str] | None = None,
    ) -> CaseRecord:
        """The result of this play."""
        return CaseRecord(
            self.run,
            self.scenario,
            self.case.name,
            self.repetition,
            self.index,
            self.seed,
            judgement.verdict,
            judgement.why,
            judgement.sentences,
            started_at.isoformat(timespec="milliseconds"),
            round(took_s, 3),
            self.surroundings,
            played,
            attachments or {},
        )


def utc_now() -> datetime:
    return datetime.now(UTC)


def surroundings_of(
    profile: StudioProfile, *, region: str = "", application: str = "", build: str = ""
) -> Surroundings:
    """What is known of the backend and the client; a region that is not given is that of an ARN."""
    choice = profile.choice
    arns = [] if choice is None else [choice.stream_group, choice.application or ""]
    of_arns = [arn.split(":")[3] for arn in arns if arn.startswith("arn:") and arn.count(":") > 3]
    return Surroundings(
        backend=urlsplit(profile.backend_url).netloc.rpartition("@")[2],
        dialect=profile.dialect.name,
        region=region or next((each for each in of_arns if each), ""),
        application=application or (choice.application or "" if choice is not None else ""),
        build=build,
        client=VERSION,
        system=sys.platform,
    )


async def _at_once() -> None:
    """The faults begin as soon as the game is live."""


async def play(
    job: Job,
    on_session: Callable[[str], None],
    may_begin: Callable[[], Awaitable[None]] = _at_once,
) -> tuple[CaseRecord, list[Record]]:
    """Play it, and end its session. Returns the result and the trace.

    `on_session` gets the session's id as soon as it is known. `may_begin` is awaited once the game
    is live; the times of the faults count from its end.
    """
    impossible = verdicts.before_play(job.case, ours=job.profile.dialect is OURS)
    if impossible is not None:
        return job.record(impossible, utc_now(), 0.0), []
    with tempfile.TemporaryDirectory() as folder:
        return await _Play(job, Path(folder), on_session, may_begin).run()


@dataclass(slots=True)
class _Live:
    """A game since it became live."""

    at: float
    timeout_s: float | None
    window_s: float
    faults: list[FaultResult] = field(default_factory=list)


class _Play:
    def __init__(
        self,
        job: Job,
        folder: Path,
        on_session: Callable[[str], None],
        may_begin: Callable[[], Awaitable[None]],
    ) -> None:
        self._job = job
        self._may_begin = may_begin
        self._injector = Injector(job.seed)
        options = ClientOptions(job.samples, job.modelled, self._injector.hooks, on_session)
        self._client = GameClient(job.profile, folder, options)
        self._problem = ""
        """Why a fault was not possible."""

    async def run(self) -> tuple[CaseRecord, list[Record]]:
        job, client = self._job, self._client
        started_at, began_at = utc_now(), boot_s()
        self._injector.attach(lambda event: client.player.post(event))  # noqa: PLW0108  (a crash makes another player)
        client.begin()
        try:
            judgement, live = await self._until_faults()
            live_after_s = 0.0 if live is None else live.at - began_at
            if live is not None and judgement is None:
                await self._may_begin()
                live.at = boot_s()
                await self._play(live)
            snapshot, played_until = client.player.snapshot, boot_s()
            outcomes = list(self._injector.http.outcomes)
            traffic = Traffic(self._injector.paths.arrived_at, self._injector.paths.passed_at)
        finally:
            self._injector.lift()
            ended = await client.end(END_WITHIN_S)
            await client.stop()
            figures = self._injector.figures()
            await self._injector.close()
        records = sorted(client.records, key=lambda record: record.at)
        if live is None:
            assert judgement is not None
            return job.record(judgement, started_at, boot_s() - began_at), records
        observed = client.observed(snapshot)
        if judgement is None:
            since = _since(live.at, outcomes)
            judgement = verdicts.of_play(job.case, observed, records, since, traffic)
        if self._problem:
            judgement = Judgement(Verdict.FAILED, Why.CLIENT, (self._problem,))
        played = Played(
            ended=observed.ended,
            reason=observed.reason,
            reconnects=observed.reconnects,
            freezes_s=tuple(round(each, 3) for each in observed.freezes_s),
            live_after_s=round(live_after_s, 3),
            played_s=round(played_until - live.at, 3),
            connection_timeout_s=live.timeout_s,
            session_ended=ended and job.profile.dialect.can_terminate,
            proof="session",
            faults=tuple(live.faults),
            episodes=episodes_of(records, live.at),
            injector=figures,
        )
        return job.record(judgement, started_at, boot_s() - began_at, played), records

    async def _until_faults(self) -> tuple[Judgement | None, _Live | None]:
        """The game live, and why it is not played on, if it is not."""
        job, client = self._job, self._client
        if not await client.until(lambda now: now.stage is Stage.LIVE, job.start_within_s):
            return verdicts.of_start(client.player.snapshot, client.records), None
        timeout_s = reported_timeout_s(client.records)
        known_s = timeout_s if timeout_s is not None else job.profile.connection_timeout_s
        service = job.case.service
        window_s = service.notice_silent_client_s + (known_s or service.connection_timeout_s)
        return verdicts.before_faults(job.case, known_s), _Live(boot_s(), known_s, window_s)

    async def _play(self, live: _Live) -> None:
        jobs = [
            spawn(self._drop(drop, live), name="drop")
            for drop in sorted(self._job.case.drops, key=lambda drop: drop.at_s)
        ]
        try:
            await self._client.until(lambda _: False, self._job.case.duration_s)
        finally:
            await cancel(*jobs)
        for job in jobs:
            if not job.cancelled() and job.exception() is not None:
                self._problem = f"a fault could not be put in: {job.exception()}"

    async def _drop(self, drop: Drop, live: _Live) -> None:
        await asyncio.sleep(max(0.0, live.at + drop.at_s - boot_s()))
        name, seed = drop.profile, self._injector.next_seed
        plan = plan_of(name, live.window_s, drop.own)
        how = _HOW[name] if plan is None else plan.how
        outage = {OUTAGE: plan.outage_s} if plan is not None and plan.is_outage else {}
        at = boot_s()
        self._client.records.append(of_fault(name, at, **outage))
        live.faults.append(FaultResult(name, round(at - live.at, 3), how, seed))
        if plan is not None:
            self._injector.start(*plan.faults)
            return
        assert name in AT_RUNNER, "a fault of a host is skipped"
        try:
            if name == "crash_relaunch":
                self._injector.start(cut(scope=Scope.EXISTING))
                await self._client.crash()
            else:
                await self._client.start_second()
        except RejoinError as error:
            self._problem = str(error)


def reported_timeout_s(records: Sequence[Record]) -> float | None:
    """The connection timeout of the newest answer that has it."""
    for record in reversed(records):
        view = record.data.get("view")
        found = view.get("connection_timeout_s") if isinstance(view, dict) else None
        if found is not None:
            return float(found)
    return None


def _since(at: float, outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.at >= at]


def episodes_of(records: Sequence[Record], live_at: float) -> tuple[EpisodeResult, ...]:
    """Every drop of a trace. `live_at`: when the game became live, in boot time."""
    return tuple(
        EpisodeResult(
            line.episode,
            line.outcome,
            round(line.began_at - live_at, 3),
            tuple(StepResult(step.name, round(step.at - line.began_at, 4)) for step in line.steps),
        )
        for line in timelines(records)
    )
