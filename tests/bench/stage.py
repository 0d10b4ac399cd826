"""Where the live benches play: a studio in a process of its own, the player's client in this one.

As in `rejoin demo` all of it is on loopback and the stream is the emulator's: 1280x720, 60 fps,
8 Mbit/s, unless a bench asks for another. There is no window: pictures are decoded, and nobody
paints them, which is where their colours would be made.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, ConnectionSample, Snapshot
from rejoin.core.model import Stage as Shown
from rejoin.core.trace import Record, Timeline, of_fault, timelines
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.audio.output import NullOutput
from rejoin.rtc.peer import Peer
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import freeze_startup_objects, loop_factory
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.studio.address import Studio

_T = TypeVar("_T")

STREAM = "emulator, loopback, 720p60 at 8 Mbit/s"
PATIENCE_S = 90.0
"""Only a hang takes longer; a bench says so instead of waiting for ever."""
LOOKS = 10
LOOK_EVERY_S = 0.1
_DEFAULTS = EmulatorSettings()
"""What the studio starts with."""


def on_clients_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """As `asyncio.run`, on the event loop that the client has (uvloop where it is installed)."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main)


class _Player(Player):
    """The player, keeping hold of its newest connection for the numbers of it."""

    newest: Peer | None = None

    def _make_peer(self, number: ConnectionNumber, post: Callable[[events.Event], None]) -> Peer:
        self.newest = super()._make_peer(number, post)
        return self.newest


class Stage:
    """One game being played."""

    def __init__(
        self, player: _Player, control: EmulatorControl, records: list[Record] | None, studio: int
    ) -> None:
        self.studio_pid = studio
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

    async def live(self) -> None:
        """Wait until the player plays."""
        await self._until(lambda now: now.stage is Shown.LIVE)

    async def drop(self, fault: FaultKind | Fault) -> None:
        """Put a fault in, and wait until the player plays again over a fresh connection."""
        number = self.peer.number
        await self.inject(fault if isinstance(fault, Fault) else Fault(fault))
        await self._until(lambda now: now.stage is Shown.LIVE and self.peer.number != number)

    async def shape(self, profile: str) -> None:
        """Let the relay obey a network profile from now on."""
        await self._control.inject(Fault(FaultKind.PROFILE, profile=profile))

    def watch(self) -> list[ConnectionSample]:
        """What the driver samples of the newest connection from now on; the list grows."""
        peer, kept = self.peer, list[ConnectionSample]()
        take = peer.sample

        def sample() -> ConnectionSample | None:
            taken = take()
            if taken is not None:
                kept.append(taken)
            return taken

        peer.sample = sample  # type: ignore[method-assign]
        return kept

    @property
    def episodes(self) -> int:
        """How often the connection was lost so far, by whatever cause."""
        return self._player.snapshot.episode

    async def inject(self, fault: Fault) -> None:
        """Put a fault in. With more than one player it is the newest game's."""
        at = await self._control.inject(fault)
        if self._records is not None:
            self._records.append(of_fault(fault.profile or fault.kind.value, at))

    async def change_settings(self, **settings: object) -> None:
        """Change settings of the emulator by their names."""
        await self._control.change_settings(**settings)

    def records(self) -> tuple[Record, ...]:
        """What the player's engine told so far, and the faults that were put in, in order."""
        assert self._records is not None
        return tuple(sorted(self._records, key=lambda record: record.at))

    def timelines(self) -> tuple[Timeline, ...]:
        """Every drop so far."""
        return timelines(self.records())

    async def _until(self, true: Callable[[Snapshot], bool]) -> None:
        began_at = boot_s()
        while not true(self._player.snapshot):
            self._changed.clear()
            left_s = began_at + PATIENCE_S - boot_s()
            if left_s <= 0 or self._player.snapshot.stage is Shown.ENDED:
                raise RuntimeError(f"It never came to it; the player is {self._player.snapshot}.")
            try:
                await asyncio.wait_for(self._changed.wait(), left_s)
            except TimeoutError:
                continue


@dataclass(frozen=True, slots=True)
class Premises:
    """A studio in a process of its own."""

    there: Studio
    control: EmulatorControl
    pid: int
    dialect: Dialect


@asynccontextmanager
async def premises(
    *, notice_s: float, dialect: Dialect = OURS, clip: Path | None = None
) -> AsyncIterator[Premises]:
    """Start a studio; `notice_s`: how long its service takes to notice a silent client.

    `clip`: what its host sends, in place of a game that it has to compress.
    """
    program = ["rejoin"] if clip is None else ["bench.clip_studio", str(clip)]
    command = [sys.executable, "-m", *program]
    command += ["studio", "--announce", "--detection-delay", str(notice_s)]
    command += ["--backend-port", "0", "--api-port", "0", "--control-port", "0"]
    command += ["--dialect", dialect.name]
    process = await asyncio.to_thread(
        subprocess.Popen, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), PATIENCE_S)
        there = Studio.from_json(line)
        async with EmulatorControl(there.control_url, there.control_token) as control:
            yield Premises(there, control, process.pid, dialect)
    finally:
        process.stdin.close()  # which is how the studio is told to end
        try:
            await asyncio.to_thread(process.wait, 10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@asynccontextmanager
async def stage(
    *, notice_s: float, keep_records: bool = True, dialect: Dialect = OURS, **settings: object
) -> AsyncIterator[Stage]:
    """Start a studio and a player at it; yields once the game is live.

    `notice_s`: how long the emulated service takes to notice a silent client; `settings`: more of
    `EmulatorSettings`, set before anybody plays.
    """
    async with premises(notice_s=notice_s, dialect=dialect) as at:
        if settings:
            await at.control.change_settings(**settings)
        async with played(at, keep_records=keep_records) as it:
            yield it


@asynccontextmanager
async def stages(
    players: int, *, notice_s: float, keep_records: bool = False, **settings: object
) -> AsyncIterator[list[Stage]]:
    """As `stage`, with so many players at one studio, each in a game of its own."""
    async with premises(notice_s=notice_s) as at, contextlib.AsyncExitStack() as stack:
        if settings:
            await at.control.change_settings(**settings)
        playing = []
        for _ in range(players):
            one = played(at, keep_records=keep_records)
            playing.append(await stack.enter_async_context(one))
        yield playing


@asynccontextmanager
async def played(
    at: Premises, *, keep_records: bool = True, begin_dtls: bool = False
) -> AsyncIterator[Stage]:
    """A player of a new game at this studio; yields once the game is live."""
    freeze_startup_objects()
    records: list[Record] | None = [] if keep_records else None
    group, application = _DEFAULTS.stream_group_ids[0], _DEFAULTS.application_id
    player = _Player(
        StudioProfile(
            at.there.backend_url,
            at.there.player_token,
            NetworkRules(loopback_only=True),
            dialect=at.dialect,
            choice=StreamChoice(group, application) if at.dialect.needs_stream_group else None,
        ),
        PlayerOptions(
            audio=NullOutput(),
            on_record=None if records is None else records.append,
            dtls_client=begin_dtls,
        ),
    )
    running = tasks.spawn(player.run(), name="player")
    try:
        it = Stage(player, at.control, records, at.pid)
        await it.live()
        yield it
    finally:
        player.post(events.CloseForNowRequested())
        await asyncio.wait_for(running, PATIENCE_S)


# --- what a process takes; Linux only, as these benches are --------------------------------------


def rss_mb(pid: int | None = None) -> float:
    """Resident memory of a process (this one) in MB."""
    for line in _proc(pid, "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("The system does not tell how much memory is resident.")


async def resident_mb(pid: int | None = None) -> float:
    """The median of some looks at `rss_mb` while a game is played."""
    looks = []
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_EVERY_S)
        looks.append(rss_mb(pid))
    return median(looks)


def trim_heap() -> None:
    """Give free heap back to the system, where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    after_name = _proc(pid, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def open_files() -> tuple[int, int]:
    """Descriptors of this process, and how many of them are sockets."""
    targets = []
    for entry in _proc(None, "fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:
            continue  # it was the descriptor of this very listing
    return len(targets), sum(target.startswith("socket:") for target in targets)


def threads() -> int:
    """Threads of this process, those that Python does not know included."""
    found = sum(1 for _ in _proc(None, "task").iterdir())
    return max(found, threading.active_count())


def _proc(pid: int | None, name: str) -> Path:
    return Path("/proc", "self" if pid is None else str(pid), name)
