"""The receive path against the emulated host, over its relay: congestion, loss, and repair."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from helpers.sound_card import SoundCard
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core.events import CloseForNowRequested
from rejoin.core.model import Snapshot, Stage
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.audio.default_output import DefaultOutput
from rejoin.media.audio.output import AudioOutput, NullOutput
from rejoin.media.receive.lip_sync import MAX_EARLY_S, MAX_LATE_S
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.serve import studio

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 60.0
SETTINGS = EmulatorSettings(
    width=640, height=360, fps=60, bitrate_bps=6_000_000, constant_bitrate=True, relay_ports=(0, 0)
)


FEW_PICTURES = replace(SETTINGS, width=320, height=180, fps=20)
"""As many bits in few and small pictures: on a slow machine the path is the bottleneck, not the
encoder. A host that gets no processor time for its 60 pictures a second takes that for a queue."""


class Scene:
    def __init__(self, player: Player, control: EmulatorControl) -> None:
        self.player = player
        self.control = control
        self.stages: list[Stage] = []
        player.subscribe(self._on_snapshot)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.stages.append(snapshot.stage)

    @property
    def stats(self) -> StreamStatistics | None:
        return self.player.statistics()

    async def host(self) -> dict[str, Any]:
        (session,) = (await self.control.state())["sessions"]
        media = session["game_state"]["media"]
        assert isinstance(media, dict)
        return media

    async def until(self, condition: Callable[[StreamStatistics], bool]) -> StreamStatistics:
        end_at = boot_s() + PATIENCE_S
        while boot_s() < end_at:
            stats = self.stats
            if stats is not None and condition(stats):
                return stats
            await asyncio.sleep(0.1)
        pytest.fail(f"timed out; the last statistics are {self.stats}")


@asynccontextmanager
async def scene(
    statistics: Path | None = None,
    audio: AudioOutput | None = None,
    settings: EmulatorSettings = SETTINGS,
    *,
    allow_444: bool = False,
) -> AsyncIterator[Scene]:
    async with (
        studio(settings) as there,
        EmulatorControl(there.control_url, there.control_token) as control,
    ):
        player = Player(
            StudioProfile(
                there.backend_url,
                there.player_token,
                NetworkRules(loopback_only=True),
                allow_444=allow_444,
            ),
            PlayerOptions(
                audio=audio or NullOutput(),
                statistics_file=None if statistics is None else StatisticsFile(statistics),
            ),
        )
        running = tasks.spawn(player.run(), name="player")
        try:
            yield Scene(player, control)
        finally:
            player.post(CloseForNowRequested())
            await asyncio.wait_for(running, PATIENCE_S)


def run(
    script: Callable[[Scene], Awaitable[None]],
    statistics: Path | None = None,
    audio: AudioOutput | None = None,
    settings: EmulatorSettings = SETTINGS,
    *,
    allow_444: bool = False,
) -> None:
    async def main() -> None:
        async with scene(statistics, audio, settings, allow_444=allow_444) as it:
            await script(it)

    asyncio.run(main())


def test_bufferbloat_settles_below_two_megabits_without_a_drop(tmp_path: Path) -> None:
    async def script(it: Scene) -> None:
        await it.until(lambda stats: stats.bitrate_bps > 4_000_000)
        assert (await it.host())["bitrate_bps"] == SETTINGS.bitrate_bps
        await it.control.inject(Fault(FaultKind.PROFILE, profile="bufferbloat"))
        await it.until(lambda stats: stats.queue_s > 0.2)
        settled = await it.until(
            lambda stats: 0 < stats.bitrate_bps < 2_000_000 and stats.queue_s < 0.05
        )
        assert settled.available_bitrate_bps is not None
        assert settled.available_bitrate_bps < 2_000_000
        assert (await it.host())["bitrate_bps"] < 2_000_000
        assert it.stages[it.stages.index(Stage.LIVE) :].count(Stage.LIVE) == len(
            it.stages[it.stages.index(Stage.LIVE) :]
        ), "no drop"
        assert settled.connection == 1

    run(script, tmp_path / "numbers.csv", settings=FEW_PICTURES)
    lines = (tmp_path / "numbers.csv").read_text().splitlines()
    assert len(lines) > 4
    assert lines[0].startswith("at_s,connection,")


@pytest.mark.parametrize("read", ["transport-cc", "goog-remb"])
def test_transport_wide_feedback_moves_the_rate_of_the_host(
    read: Literal["transport-cc", "goog-remb"],
) -> None:
    """And REMB moves it where the host takes nothing else."""

    async def script(it: Scene) -> None:
        await it.until(lambda stats: stats.bitrate_bps > 4_000_000)
        await it.control.inject(Fault(FaultKind.PROFILE, profile="bufferbloat"))
        await it.until(lambda stats: stats.queue_s > 0.2)
        settled = await it.until(
            lambda stats: 0 < stats.bitrate_bps < 2_000_000 and stats.queue_s < 0.05
        )
        host = await it.host()
        assert host["bitrate_bps"] < 2_000_000
        assert (host["feedback_reports"] > 0) == (read == "transport-cc")
        assert (settled.congestion_feedback == "transport-cc") == (read == "transport-cc")
        assert settled.connection == 1

    run(script, settings=replace(FEW_PICTURES, congestion_feedback=read))


def test_audio_stays_in_sync_when_video_or_audio_latency_changes() -> None:
    """First, pictures are painted late; then the sound card's latency rises."""
    card = SoundCard()

    def together(stats: StreamStatistics) -> bool:
        late_s = stats.audio_late_s
        return late_s is not None and -MAX_EARLY_S <= late_s <= MAX_LATE_S

    async def script(it: Scene) -> None:
        await it.until(lambda stats: stats.frames_decoded > 60)
        painting = tasks.spawn(paint_late(it.player.slot, 0.150), name="paint")
        try:
            early = await it.until(lambda stats: stats.audio_late_s is not None)
            assert early.audio_late_s is not None
            assert early.audio_late_s < -MAX_EARLY_S
            assert early.audio_sync_delay_s == 0.0
            held = await it.until(lambda stats: stats.audio_sync_delay_s > 0 and together(stats))
            delays_s = [held.audio_sync_delay_s]  # it may still be rising

            def late(stats: StreamStatistics) -> bool:
                delays_s.append(stats.audio_sync_delay_s)
                return (stats.audio_late_s or 0.0) > MAX_LATE_S

            card.latency_s = 0.120
            await it.until(late)
            again = await it.until(
                lambda stats: together(stats) and stats.audio_sync_delay_s < max(delays_s)
            )
            assert again.connection == early.connection
        finally:
            await tasks.cancel(painting)

    try:
        run(script, audio=DefaultOutput(card.portaudio))
    finally:
        card.close()


async def paint_late(slot: PictureSlot, delay_s: float) -> None:
    """A window that paints each picture this long after it is ready."""
    ready: deque[tuple[float, Picture]] = deque()
    while True:
        picture = slot.take()
        if picture is not None:
            ready.append((boot_s(), picture))
        while ready and boot_s() - ready[0][0] >= delay_s:
            slot.count_painted(ready.popleft()[1], boot_s())
        await asyncio.sleep(0.004)


def test_without_an_output_device_the_lateness_of_audio_is_unknown() -> None:
    async def script(it: Scene) -> None:
        painting = tasks.spawn(paint_late(it.player.slot, 0.0), name="paint")
        try:
            stats = await it.until(
                lambda stats: stats.frames_painted > 60 and stats.audio_total_samples > 48_000
            )
            assert stats.audio_late_s is None
        finally:
            await tasks.cancel(painting)

    run(script)


def test_lost_packets_are_recovered_on_the_retransmission_stream() -> None:
    async def script(it: Scene) -> None:
        await it.until(lambda stats: stats.frames_decoded > 60)
        await it.control.inject(Fault(FaultKind.PROFILE, profile="lte_burst", seed=3))
        stats = await it.until(lambda stats: stats.packets_recovered > 20)
        assert stats.retransmitted_packets_received >= stats.packets_recovered
        assert stats.packets_lost < stats.packets_recovered, "a packet that came again is not lost"
        assert stats.nack_count > 0
        await it.control.inject(Fault(FaultKind.NONE))
        before = stats.frames_decoded
        await it.until(lambda stats: stats.frames_decoded > before + 60)

    run(script)


@pytest.mark.parametrize("mode", [0, 1])
def test_every_packetization_mode_is_played(mode: Literal[0, 1]) -> None:
    async def script(it: Scene) -> None:
        stats = await it.until(lambda stats: stats.frames_decoded > 30)
        assert stats.frames_failed == 0
        assert stats.profile == "High"

    run(script, settings=replace(SETTINGS, packetization_mode=mode))


def test_the_size_changes_in_mid_stream_without_a_freeze_or_a_request() -> None:
    """Dynamic resolution: each new size begins with a key frame, so nothing has to be requested."""

    async def script(it: Scene) -> None:
        first = await it.until(lambda stats: stats.frames_decoded > 30)
        assert (first.width, first.height) == (640, 360)
        for scale, size in ((0.5, (320, 180)), (0.75, (480, 270)), (1.0, (640, 360))):
            await it.control.change_settings(resolution_scale=scale)
            seen = await it.until(
                lambda stats, size=size: (stats.width, stats.height) == size  # type: ignore[misc]
            )
            more = await it.until(
                lambda stats, seen=seen: stats.frames_decoded > seen.frames_decoded + 30  # type: ignore[misc]
            )
            assert (more.width, more.height) == size
        assert more.connection == first.connection
        assert (more.frames_broken, more.pli_count) == (first.frames_broken, first.pli_count)
        assert set(it.stages[it.stages.index(Stage.LIVE) :]) == {Stage.LIVE}

    run(script)


@pytest.mark.parametrize("allowed", [True, False])
def test_444_is_played_where_the_studios_profile_offers_it(allowed: bool) -> None:
    async def script(it: Scene) -> None:
        stats = await it.until(lambda stats: stats.frames_decoded > 10)
        assert (stats.profile == "High 4:4:4 Predictive") == allowed
        assert stats.frames_failed == stats.frames_unsupported == 0

    run(script, settings=FEW_PICTURES, allow_444=allowed)
