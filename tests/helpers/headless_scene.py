"""A player and a studio on real sockets, without a window, and what the player was shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import Ending, Snapshot, Stage
from rejoin.core.trace import Record, Timeline, of_fault, timelines
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind, ScriptFault
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.audio.output import NullOutput
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.report_queue import ReportQueue
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.studio.address import Studio
from rejoin.studio.serve import studio


class Scene:
    """A studio and a player, with every snapshot that the player was shown."""

    def __init__(self, player: Player, control: EmulatorControl, records: list[Record]) -> None:
        self.player = player
        self.control = control
        self.records = records
        self.shown: list[tuple[float, Snapshot]] = []
        self.running: asyncio.Future[Ending] | None = None
        player.subscribe(lambda snapshot: self.shown.append((boot_s(), snapshot)))

    async def until(self, condition: Callable[[Snapshot], bool], within_s: float = 60.0) -> None:
        """Wait; only a hang takes as long as the timeout, even on a slow machine."""
        began_at = boot_s()
        while not condition(self.player.snapshot):
            assert boot_s() - began_at < within_s, f"timed out: {self.player.snapshot}"
            await asyncio.sleep(0.01)

    async def live(self, episode: int = 0) -> None:
        def back(shown: Snapshot) -> bool:
            return shown.stage is Stage.LIVE and shown.episode >= episode

        await self.until(back)

    async def fault(self, kind: FaultKind, **more: object) -> None:
        at = await self.control.inject(Fault(kind, **more))  # type: ignore[arg-type]
        self.records.append(of_fault(kind.value, at))

    async def game(self) -> dict[str, object]:
        state = await self.control.state()
        game: dict[str, object] = state["sessions"][0]["game_state"]
        return game

    async def counter(self) -> int:
        counter = (await self.game())["counter"]
        assert isinstance(counter, int)
        return counter

    def timelines(self) -> tuple[Timeline, ...]:
        return timelines(sorted(self.records, key=lambda record: record.at))

    def ended(self) -> Ending:
        ending = self.player.snapshot.ending
        assert ending is not None
        return ending


@asynccontextmanager
async def scene(
    settings: EmulatorSettings,
    dialect: Dialect = OURS,
    authority: Path | None = None,
    *,
    script_fault: ScriptFault | None = None,
    database: str = ":memory:",
    reports_folder: Path | None = None,
    allows_microphone: bool = False,
    **options: Any,
) -> AsyncIterator[Scene]:
    """A new studio and its player, who closes at the end; the first arguments are those of a
    studio, `options` are those of the player. `script_fault`: armed before the game starts.
    `database`: the backend's. `reports_folder`: where reconnect reports wait; None: none are sent.
    `allows_microphone`: the studio takes the player's voice.
    """
    async with studio(
        settings, database=database, dialect=dialect, https=authority is not None
    ) as there:
        if authority is not None:
            await asyncio.to_thread(authority.write_text, there.ca_pem or "")
        profile = StudioProfile(
            there.backend_url,
            there.player_token,
            NetworkRules(loopback_only=True),
            dialect,
            StreamChoice(settings.stream_group_ids[0], settings.application_id),
            ca_file=authority,
            takes_reports=reports_folder is not None,
            allows_microphone=allows_microphone,
        )
        if reports_folder is not None:
            options["reports"] = ReportQueue(there.backend_url, reports_folder)
        async with playing(profile, there, script_fault=script_fault, **options) as it:
            yield it


@asynccontextmanager
async def playing(
    profile: StudioProfile,
    there: Studio,
    *,
    script_fault: ScriptFault | None = None,
    **options: Any,
) -> AsyncIterator[Scene]:
    """A player of this profile, whose games run at this studio; options as of `scene`."""
    records: list[Record] = []
    player = Player(profile, PlayerOptions(audio=NullOutput(), on_record=records.append, **options))
    async with EmulatorControl(there.control_url, there.control_token) as control:
        if script_fault is not None:
            await control.arm_script(script_fault)
        scene = Scene(player, control, records)
        scene.running = running = tasks.spawn(player.run(), name="player")
        try:
            yield scene
        finally:
            player.post(events.CloseForNowRequested())
            await asyncio.wait_for(running, 60)
    assert "player" not in tasks.alive()


def small(notice_silent_client_s: float, connection_timeout_s: int = 120) -> EmulatorSettings:
    """A small picture: these tests are about reconnecting, not about video."""
    return EmulatorSettings(
        notice_silent_client_s=notice_silent_client_s,
        connection_timeout_s=connection_timeout_s,
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
    )


def play(
    settings: EmulatorSettings,
    script: Callable[[Scene], Awaitable[None]],
    dialect: Dialect = OURS,
    **options: Any,
) -> Scene:
    async def main() -> Scene:
        async with scene(settings, dialect, **options) as it:
            await script(it)
        return it

    return asyncio.run(main())


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 60.0) -> None:
    """Only a hang takes as long as the timeout, even on a slow machine."""
    began_at = boot_s()
    while not await true():
        assert boot_s() - began_at < within_s
        await asyncio.sleep(0.02)


async def can_play(it: Scene, episode: int = 0) -> None:
    await it.live(episode)
    await it.until(lambda shown: shown.input_open)


async def presses(it: Scene, expected: int) -> None:
    async def so_many() -> bool:
        return (await it.game())["key_presses"] == expected

    await until(so_many)
