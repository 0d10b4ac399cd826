"""One player of a test: a client without window and sound, driven by plain synchronous calls."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rejoin.clock import boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.core.trace import Record, Timeline, timelines, to_line
from rejoin.injector.injector import Injector
from rejoin.media.statistics import StreamStatistics
from rejoin.qa import traces, verdicts
from rejoin.qa.client_case import reported_timeout_s
from rejoin.qa.files import make_folder
from rejoin.qa.game_client import ClientOptions, GameClient
from rejoin.qa.game_watch import GameWatch
from rejoin.qa.session_guard import Guarded
from rejoin.testing.loop_thread import LoopThread
from rejoin.testing.player_input import PlayerInput
from rejoin.testing.problems import GameFailedError, check
from rejoin.testing.studios import TestedStudio
from rejoin.verify import invariants

LIVE_WITHIN_S: Final = 120.0
"""A game may have to be placed first."""
END_WITHIN_S: Final = 20.0
_SHOWN_RECORDS: Final = 25


class GamePlayer:
    """Starts a game at once. All methods are for the thread of the test; `finish` is the last."""

    def __init__(self, studio: TestedStudio, case: str = "test", seed: int = 1) -> None:
        """`case`: what the ledger calls its session. `seed`: of the faults.

        Raises RejoinError where it cannot start.
        """
        self.studio = studio
        self.problem = ""
        """The problems found at the end, in sentences; empty if there are none."""
        self.watch = GameWatch() if studio.control is None else None
        """What is seen of the game, for the proof that it is the same one; None at the emulator,
        whose own counter is asked."""
        self._seed = seed
        self._emulated: str | None = None
        """The emulated session of this player's game."""
        self._live_at: float | None = None
        self._finished = False
        self._folder = tempfile.TemporaryDirectory(prefix="rejoin-player-")
        self._guarded: Guarded | None = None
        self._known: set[str] = set()
        """Ids of its sessions; a ticket names one each time it is saved."""
        self.loop = LoopThread("rejoin player")
        try:
            self._guarded = studio.begin_session(case)
            self.injector, self.client = self.loop.call(self._begin)
        except BaseException:
            self._release()
            raise
        self.input = PlayerInput(lambda: self.client.player)

    def __repr__(self) -> str:
        now = self.snapshot
        ending = "" if now.ending is None else f", {now.ending.kind.value}"
        return f"<player {now.stage.value}{ending}, {len(self.episodes)} drops>"

    # --- what a test asks -------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """Everything that a player's window may show now."""
        return self.client.player.snapshot

    @property
    def is_live(self) -> bool:
        return self.snapshot.stage is Stage.LIVE

    def statistics(self) -> StreamStatistics | None:
        """The newest statistics of the connection; None before there are any."""
        return self.client.player.statistics()

    @property
    def trace(self) -> tuple[Record, ...]:
        """The records so far, in order of time."""
        return tuple(sorted(self.client.records, key=lambda record: record.at))

    @property
    def episodes(self) -> tuple[Timeline, ...]:
        """Every drop so far, with its steps and its outcome."""
        return timelines(self.trace)

    # --- what a test does -------------------------------------------------------------------------

    def live(self, within_s: float = LIVE_WITHIN_S) -> GamePlayer:
        """Wait until the game is live, and return this player.

        Raises NothingSaidError where it did not start for a reason outside of what is tested,
        GameFailedError where the client is to blame.
        """
        if self._live_at is None:
            if not self._wait(lambda now: now.stage is Stage.LIVE, within_s):
                check(verdicts.of_start(self.snapshot, self.client.records))
            self._live_at = boot_s()
            found = self.studio.game_state(None)
            self._emulated = None if found is None else found[0]
        elif not self._wait(lambda now: now.stage is Stage.LIVE, within_s):
            raise GameFailedError(f"The game was not live within {within_s:g} s: {self!r}.")
        return self

    def wait_until(self, reached: Callable[[Snapshot], bool], within_s: float = 30.0) -> Snapshot:
        """Wait until this is true of the snapshot, and return that snapshot.

        Raises GameFailedError if the time is up or the game ends first.
        """
        seen: list[Snapshot] = []

        def noted(now: Snapshot) -> bool:
            if reached(now):
                seen.append(now)
            return bool(seen)

        if not self._wait(noted, within_s):
            raise GameFailedError(f"What was waited for did not come in {within_s:g} s: {self!r}.")
        return seen[0]

    def play(self, seconds: float) -> None:
        """Play for this many seconds. Raises GameFailedError if the game ends meanwhile."""
        self._wait(lambda now: False, seconds)
        if self.snapshot.stage is Stage.ENDED:
            raise GameFailedError(f"The game ended: {self!r}.")

    def crash(self) -> None:
        """Stop the client without a goodbye, and start another client, which has only the ticket.
        Then wait with `live`. Raises RejoinError if there is no ticket."""
        self.loop.call(self.client.crash)

    def end(self) -> None:
        """End the game at the service."""
        if self.snapshot.stage is not Stage.ENDED:
            self.loop.call(lambda: self.client.end(END_WITHIN_S))

    def game_state(self) -> dict[str, Any] | None:
        """The counters of the emulated game; None at a studio's own backend."""
        found = self.studio.game_state(self._emulated)
        return None if found is None else found[1]

    @property
    def emulated_session(self) -> str | None:
        """The emulator's name of this game; None at a studio's own backend."""
        return self._emulated

    def connection_timeout_s(self) -> float:
        """Of the service, as the backend reports it, or the profile says; else the documented
        default."""
        reported = reported_timeout_s(self.client.records)
        known = reported if reported is not None else self.studio.profile.connection_timeout_s
        return 120.0 if known is None else known

    # --- its end ----------------------------------------------------------------------------------

    def finish(self) -> None:
        """End the game and the client; `problem` then says what was wrong. May be called twice."""
        if self._finished:
            return
        self._finished = True
        try:
            ended = self.loop.call(self._end)
            if self._guarded is not None and (ended or not self._known):
                self._guarded.over()
            broken = invariants.violations(self.trace)
            self.problem = "\n".join(broken)
        finally:
            self._release()

    def report(self, trace_file: Path | None = None) -> str:
        """For a failure: the state, the timeline of each drop, and the end of the trace."""
        records = self._shown_trace()
        lines = [repr(self), f"at {self.studio!r}"]
        for each in timelines(records):
            lines += [f"drop {each.episode}: {each.outcome}", *each.lines()]
        if trace_file is None:
            lines += [f"the last {_SHOWN_RECORDS} records of the trace:"]
            lines += map(to_line, records[-_SHOWN_RECORDS:])
        else:
            lines += [f"trace: {trace_file}  (rejoin qa trace FILE)"]
        return "\n".join(lines)

    def write_trace(self, file: Path) -> None:
        """Raises BadInputError if it cannot be created, OSError on a full disk."""
        make_folder(file.parent)
        traces.write(file, self._shown_trace())

    def _shown_trace(self) -> tuple[Record, ...]:
        """For files and logs of a CI: without a session's id that is a secret."""
        if not self.studio.profile.dialect.session_is_secret:
            return self.trace
        return tuple(map(traces.without_session, self.trace))

    def _wait(self, reached: Callable[[Snapshot], bool], within_s: float) -> bool:
        return self.loop.call(lambda: self.client.until(reached, within_s))

    async def _begin(self) -> tuple[Injector, GameClient]:
        injector = Injector(self._seed)
        options = ClientOptions(hooks=injector.hooks, on_session=self._on_session, watch=self.watch)
        client = GameClient(self.studio.profile, Path(self._folder.name), options)
        injector.attach(lambda event: client.player.post(event))  # noqa: PLW0108  (a crash makes another player)
        client.begin()
        return injector, client

    def _on_session(self, session_id: str) -> None:
        if self._guarded is not None and session_id not in self._known:
            self._guarded.known(session_id)  # which writes to the disk
        self._known.add(session_id)

    async def _end(self) -> bool:
        """Whether the session is known to be over."""
        self.injector.lift()
        ended = await self.client.end(END_WITHIN_S)
        await self.client.stop()
        await self.injector.close()
        return ended

    def _release(self) -> None:
        self.loop.close()
        self._folder.cleanup()
