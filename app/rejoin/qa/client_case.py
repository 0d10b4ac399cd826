"""Plays one case against a backend that is only known by its URL, with faults at the client
only."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from rejoin.clock import boot_s
from rejoin.core.model import Stage
from rejoin.core.trace import Record, Timeline, of_fault, timelines
from rejoin.errors import RejoinError
from rejoin.injector.faults import Scope, cut
from rejoin.injector.http_faults import Outcome
from rejoin.injector.injector import Injector
from rejoin.injector.plans import AT_RUNNER, plan_of
from rejoin.qa import call_counts, game_proof, traces, verdicts
from rejoin.qa.files import make_folder
from rejoin.qa.game_client import ClientOptions, GameClient
from rejoin.qa.game_proof import DropProof
from rejoin.qa.game_watch import GameWatch
from rejoin.qa.kept_pictures import KeptPictures, WrittenClip
from rejoin.qa.messages import Playing
from rejoin.qa.process_usage import own_memory_mb, waited_s
from rejoin.qa.results import (
    CallResult,
    CaseRecord,
    EpisodeResult,
    FaultResult,
    Played,
    StepResult,
    Support,
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
MAX_CALLS: Final = 100
"""Of a result; a play has a few."""
_HOW: Final = {
    "crash_relaunch": "the path goes silent, the client is stopped, and a new one starts with its "
    "ticket",
    "two_instances": "the second instance is part of the same process",
}


NO_CLIPS: Final[Mapping[int, WrittenClip]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Job:
    """One play of a case. `start_within_s`: how long the game may take to become live. `folder`:
    of the results, for files that belong to this play; None: none are written. `modelled`:
    `game_client.ClientOptions`. `alone`: it has a process of its own, of which memory and waiting
    can be measured."""

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
    folder: Path | None = None
    modelled: bool = False
    alone: bool = True

    @property
    def stem(self) -> str:
        """The beginning of its files' names."""
        return f"{self.index:04}-{traces.file_name(self.case.name)}"

    def file(self, kind: str, suffix: str) -> Path | None:
        """The path of its file of this kind."""
        return None if self.folder is None else self.folder / kind / f"{self.stem}.{suffix}"

    def prepare(self, kind: str, suffix: str) -> Path | None:
        """The same; its folder is there. Raises BadInputError."""
        file = self.file(kind, suffix)
        if file is not None:
            make_folder(file.parent)
        return file

    def record(
        self,
        judgement: Judgement,
        started_at: datetime,
        took_s: float,
        played: Played | None = None,
        attachments: dict[str, str] | None = None,
        support: Support | None = None,
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
            support,
        )


def utc_now() -> datetime:
    return datetime.now(UTC)


def surroundings_of(
    profile: StudioProfile, *, region: str = "", application: str = "", build: str = ""
) -> Surroundings:
    """Facts about the backend and the client; without a given region, that of an ARN."""
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
    on_playing: Callable[[Playing], None] | None = None,
) -> tuple[CaseRecord, list[Record]]:
    """Play it, and end its session. Returns the result and the trace.

    `on_session` gets the session's id as soon as it is known. `may_begin` is awaited once the game
    is live; the times of the faults count from its end. `on_playing` gets how the game goes, about
    once a second.
    """
    impossible = verdicts.before_play(job.case, ours=job.profile.dialect is OURS)
    if impossible is not None:
        return job.record(impossible, utc_now(), 0.0), []
    with tempfile.TemporaryDirectory() as folder:
        return await _Play(job, Path(folder), on_session, may_begin, on_playing).run()


@dataclass(slots=True)
class _Live:
    """A game since it became live."""

    at: float
    timeout_s: float | None
    window_s: float
    waited_s: float | None
    """For a processor, until then (`process_usage`)."""
    faults: list[FaultResult] = field(default_factory=list)
    memory_mb: float | None = None
    """At the end of the play."""


class _Play:
    def __init__(
        self,
        job: Job,
        folder: Path,
        on_session: Callable[[str], None],
        may_begin: Callable[[], Awaitable[None]],
        on_playing: Callable[[Playing], None] | None,
    ) -> None:
        self._job = job
        self._may_begin = may_begin
        self._on_playing = on_playing
        self._injector = Injector(job.seed)
        self._watch = None if job.modelled else GameWatch()
        self._session_id: str | None = None
        self._pictures: KeptPictures | None = None
        hooks = self._injector.hooks
        if job.folder is not None and job.profile.keeps_last_picture:
            self._pictures = KeptPictures(lambda: self._client.player.slot)
            hooks = replace(hooks, on_frame=self._pictures.on_frame)

        def known(session_id: str) -> None:
            self._session_id = session_id
            on_session(session_id)

        self._statistics_file = job.prepare("statistics", "csv")
        options = ClientOptions(
            job.samples,
            job.modelled,
            hooks,
            known,
            self._watch,
            self._statistics_file,
            (lambda _: None) if self._pictures is None else self._pictures.on_snapshot,
        )
        self._client = GameClient(job.profile, folder, options)
        self._problem = ""
        """Why a fault was not possible."""

    async def run(self) -> tuple[CaseRecord, list[Record]]:
        job, client = self._job, self._client
        started_at, began_at = utc_now(), boot_s()
        self._injector.attach(lambda event: client.player.post(event))  # noqa: PLW0108  (a crash makes another player)
        client.begin()
        reporting = None
        if self._on_playing is not None:
            reporting = spawn(client.report(self._on_playing), name="report")
        try:
            judgement, live = await self._until_faults()
            live_after_s = 0.0 if live is None else live.at - began_at
            if live is not None and judgement is None:
                await self._may_begin()
                live.at, live.waited_s = boot_s(), self._waited_s()
                await self._play(live)
            snapshot, played_until = client.player.snapshot, boot_s()
            waited_until_s = self._waited_s()
            outcomes = list(self._injector.http.outcomes)
            traffic = Traffic(self._injector.paths.arrived_at, self._injector.paths.passed_at)
        finally:
            await cancel(reporting)
            if self._pictures is not None:
                self._pictures.finish()
            self._injector.lift()
            ended = await client.end(END_WITHIN_S)
            await client.stop()
            figures = self._injector.figures()
            await self._injector.close()
        took_s = boot_s() - began_at
        records = sorted(client.records, key=lambda record: record.at)
        # Without our own end of the game: a drop that was not over by then is open.
        until_end = [record for record in records if record.at <= played_until]
        files, clips = await asyncio.to_thread(self._write_files, timelines(until_end))
        support = self._support(began_at)
        if live is None:
            assert judgement is not None
            record = job.record(judgement, started_at, took_s, None, files, support)
            return record, records
        observed = client.observed(snapshot)
        episodes = episodes_of(until_end, live.at, self._watch, clips)
        if judgement is None:
            since = _since(live.at, outcomes)
            judgement = verdicts.of_play(job.case, observed, records, since, traffic)
            judgement = verdicts.of_game(judgement, [each.proof for each in episodes])
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
            proof=game_proof.weakest(each.proof for each in episodes).value,
            faults=tuple(live.faults),
            episodes=episodes,
            injector=figures,
            memory_mb=live.memory_mb,
            waited_share=_share(live.waited_s, waited_until_s, played_until - live.at),
        )
        return job.record(judgement, started_at, took_s, played, files, support), records

    def _write_files(
        self, episodes: Sequence[Timeline]
    ) -> tuple[dict[str, str], dict[int, WrittenClip]]:
        """Files of this play, by kind: paths in the folder of the results."""
        files, folder = {}, self._job.folder
        if folder is None:
            return {}, {}
        if self._statistics_file is not None and self._statistics_file.is_file():
            files["statistics"] = self._statistics_file.relative_to(folder).as_posix()
        clips: dict[int, WrittenClip] = {}
        if self._pictures is not None:
            clips = self._pictures.write(folder, self._job.stem, episodes)
        for clip in clips.values():
            files |= clip.files
        return files, clips

    def _support(self, began_at: float) -> Support:
        """Calls that change something, and those that failed, as far as their answers say which
        they were."""
        secret = self._job.profile.dialect.session_is_secret
        calls = [
            CallResult(
                round(outcome.at - began_at, 3),
                "reconnect" if outcome.reconnect else outcome.method,
                outcome.status,
                dict(outcome.ids),
            )
            for outcome in self._injector.http.outcomes
            if outcome.ids and (outcome.method != "GET" or (outcome.status or 500) >= 400)
        ]
        return Support(None if secret else self._session_id, tuple(calls[:MAX_CALLS]))

    async def _until_faults(self) -> tuple[Judgement | None, _Live | None]:
        """The game live, and why it is not played on, if it is not."""
        job, client = self._job, self._client
        if not await client.until(lambda now: now.stage is Stage.LIVE, job.start_within_s):
            return verdicts.of_start(client.player.snapshot, client.records), None
        timeout_s = reported_timeout_s(client.records)
        known_s = timeout_s if timeout_s is not None else job.profile.connection_timeout_s
        service = job.case.service
        window_s = service.notice_silent_client_s + (known_s or service.connection_timeout_s)
        return verdicts.before_faults(job.case, known_s), _Live(
            boot_s(), known_s, window_s, self._waited_s()
        )

    async def _memory_mb(self) -> float | None:
        return await asyncio.to_thread(own_memory_mb) if self._job.alone else None

    def _waited_s(self) -> float | None:
        return waited_s() if self._job.alone else None

    async def _play(self, live: _Live) -> None:
        jobs = [
            spawn(self._drop(drop, live), name="drop")
            for drop in sorted(self._job.case.drops, key=lambda drop: drop.at_s)
        ]
        try:
            await self._client.until(lambda _: False, self._job.case.duration_s)
            live.memory_mb = await self._memory_mb()
        finally:
            await cancel(*jobs)
        for job in jobs:
            if not job.cancelled() and job.exception() is not None:
                self._problem = f"a fault could not be put in: {job.exception()}"

    async def _drop(self, drop: Drop, live: _Live) -> None:
        await asyncio.sleep(max(0.0, live.at + drop.at_s - boot_s()))
        name = drop.profile
        plan = plan_of(name, live.window_s, drop.own)
        how = _HOW[name] if plan is None else plan.how
        outage = {OUTAGE: plan.outage_s} if plan is not None and plan.is_outage else {}
        memory_mb = await self._memory_mb()
        # From here to the start of the fault nothing is awaited: another drop would take the seed.
        at, seed = boot_s(), self._injector.next_seed
        self._client.records.append(of_fault(name, at, **outage))
        live.faults.append(FaultResult(name, round(at - live.at, 3), how, seed, memory_mb))
        if plan is not None:
            self._injector.start(*plan.faults)
            return
        assert name in AT_RUNNER, "a fault of a host is skipped"
        try:
            if name == "crash_relaunch":
                self._injector.start(cut(scope=Scope.EXISTING))
                if self._pictures is not None:
                    self._pictures.client_replaced()
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


def _share(before_s: float | None, after_s: float | None, of_s: float) -> float | None:
    """Of the time `of_s`; None where it was not measured."""
    if before_s is None or after_s is None or of_s <= 0:
        return None
    return round((after_s - before_s) / of_s, 4)


def episodes_of(
    records: Sequence[Record],
    live_at: float,
    watch: GameWatch | None = None,
    clips: Mapping[int, WrittenClip] = NO_CLIPS,
) -> tuple[EpisodeResult, ...]:
    """Every drop of a trace. `live_at`: when the game became live, in boot time. `watch`: what was
    seen of the game, for the proof that it is the same one. `clips`: by the number of the drop."""
    found = timelines(records)
    return tuple(
        EpisodeResult(
            line.episode,
            line.outcome,
            round(line.began_at - live_at, 3),
            tuple(StepResult(step.name, round(step.at - line.began_at, 4)) for step in line.steps),
            calls,
            _proof(line, watch),
            clips[line.episode].drop_s if line.episode in clips else None,
        )
        for line, calls in zip(found, call_counts.of_episodes(records, found), strict=True)
    )


def _proof(line: Timeline, watch: GameWatch | None) -> DropProof | None:
    """None where the player was not back, or nothing was watched."""
    back_at = line.at("live again")
    if back_at is None or watch is None:
        return None
    return watch.proof(line.began_at, back_at)
