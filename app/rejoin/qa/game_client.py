"""A client without a window that plays one game of a scenario and keeps its trace.

What it stores lies in a folder of its own, so that the user's own files are not touched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rejoin.clock import boot_s
from rejoin.core import commands, events
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.ticket import RejoinState, Ticket
from rejoin.core.trace import Record, timelines
from rejoin.core.trace_names import COMMANDS
from rejoin.errors import RejoinError
from rejoin.media.audio.output import NullOutput
from rejoin.qa import runner
from rejoin.qa.game_watch import GameWatch
from rejoin.qa.messages import Playing
from rejoin.runtime.client_hooks import ClientHooks
from rejoin.runtime.instance import Instance, activate
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.sampling import STATISTICS_EVERY_S
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, key_of
from rejoin.runtime.tokens import TokenStore
from rejoin.tasks import cancel, spawn
from rejoin.terminal_charts import Sample
from rejoin.verify.scenario import Observed

END_PATIENCE_S: Final = 30.0
_OVER: Final = frozenset({EndingKind.ENDED_BY_PLAYER, EndingKind.GAME_ENDED})


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """`samples`: keep every sample in the trace. `hooks`: what is put into the client.
    `modelled`: many of these play at once: nobody sees the picture, so that it is not decoded once
    a key frame came, and the input module, which has a process of its own, is not used.
    `on_session`: gets the session's id as soon as it is known. `watch`: sees every picture and
    message of the game. `statistics_file`: gets a line each second. `on_snapshot`: gets what a
    window would show."""

    samples: bool = False
    modelled: bool = False
    hooks: ClientHooks | None = None
    on_session: Callable[[str], None] = lambda session_id: None
    watch: GameWatch | None = None
    statistics_file: Path | None = None
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None


class GameClient:
    """One game from its start, over crashes, to its end. For one event loop."""

    def __init__(self, profile: StudioProfile, folder: Path, options: ClientOptions) -> None:
        """Raises BadInputError for a profile that cannot be used, or a file that cannot be."""
        self.records: list[Record] = []
        self._profile = profile
        self._folder = folder
        self._options = options
        self._tickets = TicketFolder(folder / "tickets")
        self._tokens = TokenStore(_MemoryKeyring())
        self._activations: list[Activation] = []
        self._changed = asyncio.Event()
        self._running: asyncio.Task[Ending] | None = None
        self.player = self._make(None)

    def begin(self) -> None:
        """Start the game, or with a ticket rejoin it."""
        self.player.subscribe(lambda _: self._changed.set())
        self.player.subscribe(self._options.on_snapshot)
        self._running = spawn(self.player.run(), name="player")

    async def until(self, reached: Callable[[Snapshot], bool], patience_s: float) -> bool:
        """Wait until `reached` is true of the snapshot; False when the time is up or the game is
        over before that."""
        until_at = boot_s() + patience_s
        while not reached(self.player.snapshot):
            self._changed.clear()
            left_s = until_at - boot_s()
            if self.player.snapshot.stage is Stage.ENDED or left_s <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
        return True

    async def leave(self) -> None:
        """Close for now: the game itself may go on at the service."""
        self.player.post(events.CloseForNowRequested())
        await self._over(END_PATIENCE_S)

    async def end(self, within_s: float) -> bool:
        """End the game, and leave it where that does not succeed in time. Whether it is known that
        it ended at the service."""
        self.player.post(events.EndGameRequested())
        if not await self._over(within_s):
            await self.leave()
        ending = self.player.snapshot.ending
        return ending is not None and ending.kind in _OVER

    async def crash(self) -> None:
        """Stop the client without a goodbye; the next one has only the ticket.

        Raises RejoinError where there is none.
        """
        assert self._running is not None
        await cancel(self._running)
        self.player = self._make(self._newest_ticket())
        self.begin()

    async def start_second(self) -> None:
        """The same user starts the same game again, which must hand over to this client.

        Raises RejoinError if it does not.
        """
        ticket = self._newest_ticket()
        key = key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id)
        locks_folder = self._folder / "locks"
        if Instance.claim(key, locks_folder) is not None:
            raise RejoinError("A second instance could have started beside the first.")
        if not await asyncio.to_thread(activate, key, None, locks_folder):
            raise RejoinError("The first instance did not take over from the second.")
        if not self._activations:
            raise RejoinError("The first instance did not notice the second.")

    async def report(self, on_playing: Callable[[Playing], None]) -> None:
        """Say once a second how the game goes, while it has a connection; until it is cancelled."""
        while True:
            await asyncio.sleep(STATISTICS_EVERY_S)
            now = self.player.statistics()
            if now is None or not now.connected:
                continue
            sample = Sample(
                boot_s(),
                now.connection,
                now.bytes_received,
                now.frames_decoded,
                now.loss,
                now.rtt_s,
            )
            on_playing(Playing(self.player.snapshot.stage, sample))

    def observed(self, snapshot: Snapshot) -> Observed:
        """What happened, as a scenario compares it."""
        ending: Ending | None = snapshot.ending
        attempts = {
            record.data["attempt"]
            for record in self.records
            if record.name == COMMANDS[commands.Reconnect]
        }
        freezes = []
        for timeline in timelines(self.records):
            last, first = timeline.at("last media"), timeline.at("first frame")
            if timeline.outcome == "live" and last is not None and first is not None:
                freezes.append(first - last)
        return Observed(
            ended=runner.ended(snapshot.stage is Stage.LIVE, ending),
            reason=None if ending is None else ending.reason,
            reconnects=len(attempts),
            freezes_s=tuple(freezes),
        )

    def _newest_ticket(self) -> Ticket:
        ticket = self._tickets.newest()
        if ticket is None:
            raise RejoinError("The client left no ticket.")
        return ticket

    async def _over(self, within_s: float) -> bool:
        if self._running is None:
            return True
        _, late = await asyncio.wait([self._running], timeout=within_s)
        if late:
            return False
        await cancel(self._running)
        return True

    async def stop(self) -> None:
        """Stop the client, whatever it does."""
        await cancel(self._running)

    def _statistics(self, *, again: bool) -> StatisticsFile | None:
        file = self._options.statistics_file
        return None if file is None else StatisticsFile(file, append=again)

    def _make(self, ticket: Ticket | None) -> Player:
        """A client. What it stores outlives it."""
        options = self._options
        store = _NotedStore(
            self._profile,
            tickets=self._tickets,
            tokens=self._tokens,
            locks_folder=self._folder / "locks",
            on_activate=self._activations.append,
        )
        store.on_session = options.on_session
        player = Player(
            self._profile,
            PlayerOptions(
                audio=NullOutput(),
                input_module=not options.modelled,
                on_record=self.records.append,
                record_samples=options.samples,
                local_store=store,
                ticket=ticket,
                hooks=options.hooks,
                slot=options.watch,
                on_application_message=None if options.watch is None else options.watch.on_message,
                statistics_file=self._statistics(again=ticket is not None),
            ),
        )
        if options.modelled:
            player.slot.hints = replace(player.slot.hints, visible=False)
        return player


class _NotedStore(LocalStore):
    """A store that says which session its ticket is for."""

    on_session: Callable[[str], None]

    async def save(self, rejoin_state: RejoinState) -> None:
        self.on_session(rejoin_state.session_id)
        await super().save(rejoin_state)


class _MemoryKeyring:
    """A keyring in memory, for one case."""

    def __init__(self) -> None:
        self._passwords: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self._passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self._passwords[service, username]

    def get_password(self, service: str, username: str) -> str | None:
        return self._passwords.get((service, username))
