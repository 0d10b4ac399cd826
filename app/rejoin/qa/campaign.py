"""Plays a scenario against somebody else's backend, with limits on sessions and minutes.

Each play has a process of its own and an entry in the ledger; a guardian stands beside the run.
"""

from __future__ import annotations

import contextlib
import math
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from rejoin.errors import BadInputError
from rejoin.qa import results, verdicts
from rejoin.qa.case_player import CasePlayer
from rejoin.qa.client_case import Job, utc_now
from rejoin.qa.files import add_line, begin_lines, prepare_folder
from rejoin.qa.guardian import Guardian
from rejoin.qa.ledger import Entry, Ledger
from rejoin.qa.messages import Charge, Playing
from rejoin.qa.results import CaseRecord, Surroundings
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.dialects import OURS
from rejoin.verify.scenario import Scenario, ScenarioCase

START_WITHIN_S: Final = 120.0
"""A game may have to be placed first."""
SPARE_S: Final = 60.0
"""What a case may take beyond its start and its duration."""
MAX_SESSIONS: Final = 100
MAX_MINUTES: Final = 120.0
_OVERHEAD_S: Final = 4.0
"""What a play takes to start and to end, by experience."""
_WAKE_S: Final = 0.2
"""How often the main thread wakes while others play: on Windows Ctrl+C does not interrupt a
lock."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a run starts: sessions, and minutes of all sessions together."""

    sessions: int = MAX_SESSIONS
    minutes: float = MAX_MINUTES


@dataclass(frozen=True, slots=True)
class Choice:
    """Which plays of a scenario. `shard`: (which, of how many), from 1."""

    repeat: int = 1
    shard: tuple[int, int] = (1, 1)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class How:
    """How plays are played. `timeout_s`: for each; None: by its duration. `folder`: for results and
    traces; None: none are written."""

    parallel: int = 1
    timeout_s: float | None = None
    start_within_s: float = START_WITHIN_S
    caps: Caps = field(default_factory=Caps)
    samples: bool = False
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The backend that is played at, and the ledger of its sessions."""

    profile: StudioProfile
    surroundings: Surroundings
    ledger_folder: Path


@dataclass(frozen=True, slots=True)
class Play:
    """One play of a case. `repetition`: from 1. `index`: in the whole run, shards included."""

    case: ScenarioCase
    repetition: int
    index: int

    @property
    def name(self) -> str:
        """As `CaseRecord.name`."""
        return results.play_name(self.case.name, self.repetition)


def plays_of(scenario: Scenario, choice: Choice) -> tuple[Play, ...]:
    """The plays of this shard. All shards together have each play once, and each shard has each
    n-th, so that long cases are spread."""
    every = [
        Play(case, repetition, number * choice.repeat + repetition - 1)
        for number, case in enumerate(scenario.cases)
        for repetition in range(1, choice.repeat + 1)
    ]
    which, count = choice.shard
    return tuple(every[which - 1 :: count])


class Campaign:
    """One run. `play_all` blocks; it may be interrupted, and then ends its sessions."""

    def __init__(self, scenario: Scenario, target: Target, choice: Choice, how: How) -> None:
        self.name = f"{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self._scenario = scenario
        self._target = target
        self._choice = choice
        self._how = how
        self._ledger = Ledger(target.ledger_folder)
        self._lock = threading.RLock()
        self._records: list[CaseRecord] = []
        self._players: set[CasePlayer] = set()
        self._sessions = 0
        self._played_s = 0.0
        self._reserved_s = 0.0
        self._timeout_s: float | None = target.profile.connection_timeout_s
        """The service's connection timeout, once a case has seen it."""
        self._stopped = False
        self._failure: Exception | None = None

    def announcement(self) -> str:
        """One sentence with the plan and its estimated time."""
        plays, caps = plays_of(self._scenario, self._choice), self._how.caps
        minutes = math.ceil(self.takes_s / 60)
        return (
            f"Run {self.name}: {len(plays)} plays at {self._target.surroundings.backend}, about "
            f"{minutes} min; at most {caps.sessions} sessions and {caps.minutes:g} minutes of play."
        )

    @property
    def plays(self) -> int:
        """How many there are."""
        return len(plays_of(self._scenario, self._choice))

    @property
    def takes_s(self) -> float:
        """About how long all plays take."""
        return self._takes_s(play.case for play in plays_of(self._scenario, self._choice))

    @property
    def played_s(self) -> float:
        """The estimated time of the finished plays."""
        with self._lock:
            over = {record.index for record in self._records}
        plays = plays_of(self._scenario, self._choice)
        return self._takes_s(play.case for play in plays if play.index in over)

    def _takes_s(self, cases: Iterable[ScenarioCase]) -> float:
        return sum(case.duration_s + _OVERHEAD_S for case in cases) / self._how.parallel

    def play_all(
        self,
        on_result: Callable[[CaseRecord], None],
        on_playing: Callable[[Play, Playing], None] = lambda play, now: None,
    ) -> tuple[CaseRecord, ...]:
        """Play everything; `on_result` is called with each result, one at a time. `on_playing` gets
        how each game goes, about once a second, on any thread.

        Raises BadInputError where ledger or results cannot be written, or another run writes
        them; OSError when the disk is full.
        """
        waiting: queue.SimpleQueue[Play] = queue.SimpleQueue()
        for play in plays_of(self._scenario, self._choice):
            waiting.put(play)
        with self._ledger.results(self._how.folder), self._ledger.run(self.name):
            self._prepare_folder()
            guardian = Guardian(Charge(self._target.profile, self._target.ledger_folder))
            try:
                threads = [
                    threading.Thread(
                        target=self._work,
                        args=(waiting, guardian, on_result, on_playing),
                        name=f"case {number + 1}",
                        daemon=True,
                    )
                    for number in range(self._how.parallel)
                ]
                for thread in threads:
                    thread.start()
                try:
                    _join(threads)
                except BaseException:
                    self._stop()
                    _join(threads)
                    raise
            finally:
                guardian.close()
        if self._failure is not None:
            raise self._failure
        return tuple(sorted(self._records, key=lambda record: record.index))

    def _work(
        self,
        waiting: queue.SimpleQueue[Play],
        guardian: Guardian,
        on_result: Callable[[CaseRecord], None],
        on_playing: Callable[[Play, Playing], None],
    ) -> None:
        while not self._stopped:
            try:
                play = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                record = self._play(play, guardian, partial(on_playing, play))
                with self._lock:
                    self._keep(record)
                    on_result(record)
            except Exception as error:  # a defect too: a run must not pass with plays left out
                self._failure = error
                self._stop()

    def _play(
        self, play: Play, guardian: Guardian, on_playing: Callable[[Playing], None]
    ) -> CaseRecord:
        job = self._job(play)
        judgement = self._not_played(play.case)
        if judgement is not None:
            return job.record(judgement, utc_now(), 0.0)
        entry = Entry(
            f"{self.name}-{play.index}",
            self.name,
            play.case.name,
            self._target.profile.backend_url,
            self._target.profile.dialect.name,
            time.time(),
        )
        self._ledger.note(entry)
        known: list[str] = []

        def on_session(session_id: str) -> None:
            known.append(session_id)
            guardian.session_began(entry.key, session_id)
            if not self._target.profile.dialect.session_is_secret:
                # A disk that has just become full: the guardian still knows the session.
                with contextlib.suppress(BadInputError):
                    self._ledger.session_known(entry, session_id)

        player = CasePlayer(job, on_session, on_playing)
        began_at = time.monotonic()
        try:
            with self._lock:
                self._players.add(player)
                if self._stopped:
                    player.stop()
            limit_s = self._how.timeout_s or _limit_s(play.case, self._how.start_within_s)
            record = player.play(limit_s)
        finally:
            with self._lock:
                self._players.discard(player)
                self._played_s += time.monotonic() - began_at
                self._reserved_s -= play.case.duration_s
        self._close_entry(entry, record, guardian, session_known=bool(known))
        if record.played is not None and record.played.connection_timeout_s is not None:
            self._timeout_s = record.played.connection_timeout_s
        return record

    def _close_entry(
        self, entry: Entry, record: CaseRecord, guardian: Guardian, *, session_known: bool
    ) -> None:
        """Sessions not known to be over are left to the guardian, at the end of the run."""
        ended = record.played is not None and record.played.session_ended
        by_itself = not self._target.profile.dialect.can_terminate
        never = not session_known and record.played is None and record.why is not Why.CLIENT
        if ended or by_itself or never:
            self._ledger.over(entry.key)
            guardian.session_over(entry.key)

    def _not_played(self, case: ScenarioCase) -> Judgement | None:
        """Why no session is started for this case; None: one may be, and is counted."""
        ours = self._target.profile.dialect is OURS
        impossible = verdicts.before_play(case, ours=ours)
        if impossible is None and self._timeout_s is not None:
            impossible = verdicts.before_faults(case, self._timeout_s)
        if impossible is not None:
            return impossible
        caps = self._how.caps
        with self._lock:
            if self._sessions >= caps.sessions:
                sentence = f"the cap of {caps.sessions} sessions is reached"
                return Judgement(Verdict.INCONCLUSIVE, Why.CAP, (sentence,))
            if (self._played_s + self._reserved_s + case.duration_s) / 60 > caps.minutes:
                sentence = f"the cap of {caps.minutes:g} minutes would be exceeded"
                return Judgement(Verdict.INCONCLUSIVE, Why.CAP, (sentence,))
            self._sessions += 1
            self._reserved_s += case.duration_s
        return None

    def _job(self, play: Play) -> Job:
        how = self._how
        return Job(
            run=self.name,
            scenario=self._scenario.name,
            case=play.case,
            repetition=play.repetition,
            index=play.index,
            seed=self._choice.seed + play.repetition - 1,
            profile=self._target.profile,
            surroundings=self._target.surroundings,
            start_within_s=how.start_within_s,
            samples=how.samples,
            folder=how.folder,
        )

    def _prepare_folder(self) -> None:
        folder = self._how.folder
        if folder is None:
            return
        prepare_folder(folder)
        begin_lines(folder / results.FILE)

    def _keep(self, record: CaseRecord) -> None:
        """At once, so that a run that is killed has the results so far."""
        self._records.append(record)
        if self._how.folder is not None:
            add_line(self._how.folder / results.FILE, results.to_line(record))

    def _stop(self) -> None:
        self._stopped = True
        with self._lock:
            players = list(self._players)
        for player in players:
            player.stop()


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(_WAKE_S)


def _limit_s(case: ScenarioCase, start_within_s: float) -> float:
    return start_within_s + case.duration_s + SPARE_S
