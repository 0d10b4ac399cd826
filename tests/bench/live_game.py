"""A game for the live benches: the studio in a separate process, the client in this one.

As in `rejoin demo`, everything runs on loopback and the emulator makes the stream: 1280x720 at
60 fps and 8 Mbit/s unless a bench sets something else. There is no window: frames are decoded but
neither converted to RGB nor painted.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, ConnectionSample, Snapshot
from rejoin.core.model import Stage as SnapshotStage
from rejoin.core.trace import Record, Timeline, of_fault, timelines
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.interpreter import freeze_startup_objects, loop_factory
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.studio.address import Studio
from rejoin.studio.serve import STUDIO_SETTINGS

_T = TypeVar("_T")

STREAM = "emulator, loopback, 720p60 at 8 Mbit/s"
TIMEOUT_S = 90.0
"""Far longer than anything but a hang takes; the bench then fails."""
_DEFAULTS = STUDIO_SETTINGS
"""The settings that the studio starts with."""


def run_on_client_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` on the client's kind of event loop (uvloop where it is installed)."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main)


class _Player(Player):
    """A player that exposes its newest connection, for its statistics."""

    newest: Peer | None = None

    def _make_peer(self, number: ConnectionNumber, post: Callable[[events.Event], None]) -> Peer:
        self.newest = super()._make_peer(number, post)
        return self.newest


class LiveGame:
    """A game that a client plays at a studio."""

    def __init__(
        self,
        player: _Player,
        control: EmulatorControl,
        records: list[Record] | None,
        studio_pid: int,
    ) -> None:
        self.studio_pid = studio_pid
        self._player = player
        self._control = control
        self._records = records
        self._changed = asyncio.Event()
        player.subscribe(lambda _: self._changed.set())

    @property
    def peer(self) -> Peer:
        """The newest connection."""
        assert self._player.newest is not None
        return self._player.newest

    @property
    def slot(self) -> PictureSlot:
        """Where its pictures go; nobody takes them."""
        return self._player.slot

    async def wait_until_live(self) -> None:
        """Wait until the stream is live."""
        await self._wait_until(lambda now: now.stage is SnapshotStage.LIVE)

    async def drop(self, fault: FaultKind | Fault) -> None:
        """Inject a fault and wait until the stream is live again on a new connection."""
        number = self.peer.number
        await self.inject(fault if isinstance(fault, Fault) else Fault(fault))
        await self._wait_until(
            lambda now: now.stage is SnapshotStage.LIVE and self.peer.number != number
        )

    async def apply_profile(self, profile: str) -> None:
        """Apply a network profile to the relay from now on."""
        await self._control.inject(Fault(FaultKind.PROFILE, profile=profile))

    def collect_samples(self) -> list[ConnectionSample]:
        """A list to which every later sample of the newest connection is appended."""
        peer, samples = self.peer, list[ConnectionSample]()
        take_sample = peer.sample

        def sample() -> ConnectionSample | None:
            taken = take_sample()
            if taken is not None:
                samples.append(taken)
            return taken

        peer.sample = sample  # type: ignore[method-assign]
        return samples

    @property
    def episodes(self) -> int:
        """How many times the connection was lost so far, for any reason."""
        return self._player.snapshot.episode

    async def inject(self, fault: Fault) -> None:
        """Inject a fault; with several players it applies to the newest game."""
        injected_at = await self._control.inject(fault)
        if self._records is not None:
            self._records.append(of_fault(fault.profile or fault.kind.value, injected_at))

    async def change_settings(self, **settings: object) -> None:
        """Change settings of the emulator, by name."""
        await self._control.change_settings(**settings)

    def records(self) -> tuple[Record, ...]:
        """The engine's trace so far and the injected faults, in order of time."""
        assert self._records is not None
        return tuple(sorted(self._records, key=lambda record: record.at))

    def timelines(self) -> tuple[Timeline, ...]:
        """Every drop so far."""
        return timelines(self.records())

    async def _wait_until(self, condition: Callable[[Snapshot], bool]) -> None:
        began_at = boot_s()
        while not condition(self._player.snapshot):
            self._changed.clear()
            left_s = began_at + TIMEOUT_S - boot_s()
            if left_s <= 0 or self._player.snapshot.stage is SnapshotStage.ENDED:
                raise RuntimeError(
                    f"Waited in vain; the player's state is {self._player.snapshot}."
                )
            try:
                await asyncio.wait_for(self._changed.wait(), left_s)
            except TimeoutError:
                continue


@dataclass(frozen=True, slots=True)
class RunningStudio:
    """A studio in a separate process."""

    access: Studio
    """Its addresses and tokens."""
    control: EmulatorControl
    pid: int
    dialect: Dialect


@asynccontextmanager
async def running_studio(
    *,
    notice_s: float,
    dialect: Dialect = OURS,
    clip: Path | None = None,
) -> AsyncIterator[RunningStudio]:
    """Start a studio; `notice_s`: how long its service takes to notice a silent client.

    `clip`: a precompressed clip for its host to send instead of a game that it has to encode.
    """
    program = ["rejoin"] if clip is None else ["bench.clip_studio", str(clip)]
    command = [sys.executable, "-m", *program]
    command += ["studio", "--announce", "--notice-silent-client", str(notice_s)]
    command += ["--backend-port", "0", "--api-port", "0", "--control-port", "0"]
    command += ["--dialect", dialect.name]
    process = await asyncio.to_thread(
        subprocess.Popen, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), TIMEOUT_S)
        access = Studio.from_json(line)
        async with EmulatorControl(access.control_url, access.control_token) as control:
            yield RunningStudio(access, control, process.pid, dialect)
    finally:
        process.stdin.close()  # the studio ends when its standard input does
        try:
            await asyncio.to_thread(process.wait, 10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@asynccontextmanager
async def live_game(
    *,
    notice_s: float,
    keep_records: bool = True,
    dialect: Dialect = OURS,
    **settings: object,
) -> AsyncIterator[LiveGame]:
    """Start a studio and a client that plays there; yields once the stream is live.

    `notice_s`: how long the emulated service takes to notice a silent client; `settings`: further
    `EmulatorSettings`, applied before the game starts.
    """
    async with running_studio(notice_s=notice_s, dialect=dialect) as studio:
        if settings:
            await studio.control.change_settings(**settings)
        async with play_game(studio, keep_records=keep_records) as game:
            yield game


@asynccontextmanager
async def live_games(
    players: int, *, notice_s: float, keep_records: bool = False, **settings: object
) -> AsyncIterator[list[LiveGame]]:
    """As `live_game`, with several players at one studio, each in a separate game."""
    async with running_studio(notice_s=notice_s) as studio, contextlib.AsyncExitStack() as stack:
        if settings:
            await studio.control.change_settings(**settings)
        games = []
        for _ in range(players):
            game = play_game(studio, keep_records=keep_records)
            games.append(await stack.enter_async_context(game))
        yield games


@asynccontextmanager
async def play_game(
    studio: RunningStudio,
    *,
    keep_records: bool = True,
    begin_dtls: bool = False,
    input_module: bool = True,
) -> AsyncIterator[LiveGame]:
    """Play a new game at this studio; yields once the stream is live."""
    freeze_startup_objects()
    records: list[Record] | None = [] if keep_records else None
    group, application = _DEFAULTS.stream_group_ids[0], _DEFAULTS.application_id
    player = _Player(
        StudioProfile(
            studio.access.backend_url,
            studio.access.player_token,
            NetworkRules(loopback_only=True),
            dialect=studio.dialect,
            choice=StreamChoice(group, application) if studio.dialect.needs_stream_group else None,
        ),
        PlayerOptions(
            audio=NullOutput(),
            on_record=None if records is None else records.append,
            dtls_client=begin_dtls,
            input_module=input_module,
        ),
    )
    running = tasks.spawn(player.run(), name="player")
    try:
        game = LiveGame(player, studio.control, records, studio.pid)
        await game.wait_until_live()
        yield game
    finally:
        player.post(events.CloseForNowRequested())
        await asyncio.wait_for(running, TIMEOUT_S)
