"""The process of a client with a window: it plays, measures, and prints its figures as JSON.

It reads one line of JSON, a `ClientRequest`, and prints the line "live" and then one line of
JSON, a `ClientFigures`. Frame latency counts from the abs-send-time of a frame's first packet; both
processes read the same clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.measure import percentile
from bench.process_usage import rss_mb, threads
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core.events import CloseForNowRequested, Event
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.rtp import SEND_TIME_BYTES, SEND_TIME_UNITS, ElementReader, RtpPacket
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer
from rejoin.rtc.receiver import VideoReceiver
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import StreamThread
from rejoin.runtime.studio_profile import StudioProfile

_SEND_TIME_MASK = (1 << 24) - 1
_HALF_FRAME_UNITS = SEND_TIME_UNITS // 120
_MOST_PENDING_FRAMES = 1000
TIMEOUT_S = 60.0
SAMPLES = 5
SAMPLE_EVERY_S = 0.003


@dataclass(frozen=True, slots=True)
class ClientRequest:
    backend_url: str
    token: str
    warm_up_s: float
    for_s: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """What was measured in `for_s` seconds after the warm-up; ages and latencies in ms."""

    for_s: float
    counters: dict[str, float]
    """Differences of `StreamStatistics`' counters."""
    receiver_cpu_s: float
    """All threads but the window's: network and decoding, and scaling if the window's size differs
    from the stream's."""
    window_cpu_s: float
    latency_p50_ms: float
    latency_p95_ms: float
    latencies: int
    sent_early: int
    """Frames that the host sent less than half a frame interval after the one before."""
    age_p50_ms: float
    age_p95_ms: float
    rss_mb: tuple[float, ...]
    """At the start, then at the end of each tenth of the time."""
    threads: int
    receive_buffer_bytes: int
    platform: str


class MeasuredSlot(PictureSlot):
    """The picture slot; records each picture's latency on arrival and its age when painted."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[int, int] = {}
        """RTP timestamp of a frame -> abs-send-time of its first packet."""
        self.latencies_s = array("d")
        self.ages_s = array("d")
        self.sent_early = 0
        """Frames that the host sent less than half a frame interval after the one before."""
        self._last_sent: int | None = None

    def put(self, picture: Picture) -> None:
        super().put(picture)
        sent = self.sent.pop(picture.rtp_timestamp, None)
        if sent is not None:
            now = int(boot_s() * SEND_TIME_UNITS)
            self.latencies_s.append(((now - sent) & _SEND_TIME_MASK) / SEND_TIME_UNITS)

    def count_painted(self, picture: Picture, at: float, took_s: float = 0.0) -> None:
        super().count_painted(picture, at, took_s)
        self.ages_s.append(at - picture.decoded_at)

    def packet_received(self, packet: RtpPacket, send_time_id: int | None) -> None:
        """Record when the first packet of each frame was sent."""
        if send_time_id is None or packet.timestamp in self.sent:
            return
        sent = ElementReader(send_time_id, SEND_TIME_BYTES).read(packet.extension)
        if sent is not None:
            if len(self.sent) > _MOST_PENDING_FRAMES:
                self.sent.clear()
            self.sent[packet.timestamp] = sent
            before, self._last_sent = self._last_sent, sent
            if before is not None and (sent - before) & _SEND_TIME_MASK < _HALF_FRAME_UNITS:
                self.sent_early += 1


class _Player(Player):
    newest: Peer | None = None

    def _make_peer(self, number: ConnectionNumber, post: Callable[[Event], None]) -> Peer:
        self.newest = super()._make_peer(number, post)
        return self.newest


def _measure_arrivals(slot: MeasuredSlot) -> None:
    take_packet = VideoReceiver._on_packet

    def measured(self: VideoReceiver, packet: RtpPacket, now: float) -> None:
        slot.packet_received(packet, self.inbound.negotiated.send_time_id)
        take_packet(self, packet, now)

    VideoReceiver._on_packet = measured  # type: ignore[method-assign]


def _cpu_s() -> tuple[float, float]:
    """CPU seconds used so far by the window's thread, and by all other threads."""
    window_s = others_s = 0.0
    for task in Path("/proc/self/task").iterdir():
        try:
            fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # the thread has just ended
        took_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        if task.name == str(os.getpid()):
            window_s += took_s
        else:
            others_s += took_s
    return window_s, others_s


def _counters(peer: Peer) -> dict[str, float]:
    statistics: dict[str, Any] = asdict(peer.statistics())
    return {name: value for name, value in statistics.items() if isinstance(value, int | float)}


async def _settled_rss_mb() -> float:
    """The lowest of several samples, so that a picture alive for a moment (8 MB) does not count."""
    samples = [rss_mb()]
    for _ in range(SAMPLES):
        await asyncio.sleep(SAMPLE_EVERY_S)
        samples.append(rss_mb())
    return min(samples)


async def _measured(player: _Player, slot: MeasuredSlot, request: ClientRequest) -> ClientFigures:
    live = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_snapshot(snapshot: Snapshot) -> None:
        if snapshot.stage is Stage.LIVE:
            loop.call_soon_threadsafe(live.set)

    player.subscribe(on_snapshot)
    running = tasks.spawn(player.run(), name="player")
    try:
        await asyncio.wait_for(live.wait(), TIMEOUT_S)
        print("live", flush=True)
        await asyncio.sleep(request.warm_up_s)
        peer = player.newest
        assert peer is not None
        del slot.latencies_s[:], slot.ages_s[:]
        sent_early = slot.sent_early
        began_at, before, cpu_before = boot_s(), _counters(peer), _cpu_s()
        memory_mb = [await _settled_rss_mb()]
        for part in range(1, 11):
            await asyncio.sleep(began_at + part * request.for_s / 10 - boot_s())
            memory_mb.append(await _settled_rss_mb())
        took_s, after, cpu_after = boot_s() - began_at, _counters(peer), _cpu_s()
        if player.newest is not peer:
            raise RuntimeError("The connection was lost during the measurement.")
        latencies_ms = [1000 * latency_s for latency_s in slot.latencies_s]
        ages_ms = [1000 * age_s for age_s in slot.ages_s]
        return ClientFigures(
            took_s,
            {name: after[name] - before.get(name, 0) for name in after},
            cpu_after[1] - cpu_before[1],
            cpu_after[0] - cpu_before[0],
            percentile(latencies_ms, 50),
            percentile(latencies_ms, 95),
            len(latencies_ms),
            slot.sent_early - sent_early,
            percentile(ages_ms, 50),
            percentile(ages_ms, 95),
            tuple(memory_mb),
            threads(),
            int(after.get("receive_buffer_bytes", 0)),
            os.environ.get("QT_QPA_PLATFORM", "on the desktop"),
        )
    finally:
        player.post(CloseForNowRequested())
        await running


def main() -> int:
    request = ClientRequest(**json.loads(sys.stdin.readline()))
    slot = MeasuredSlot()
    _measure_arrivals(slot)
    profile = StudioProfile(request.backend_url, request.token, NetworkRules(loopback_only=True))
    player = _Player(profile, PlayerOptions(slot=slot, audio=NullOutput()))
    thread = StreamThread(lambda: _measured(player, slot, request))
    resized = False

    def on_refresh(window: RejoinWindow) -> None:
        nonlocal resized
        if not resized:
            resized = True
            window.resize(request.width, request.height)
        if not thread.running:
            window.close()

    thread.start()
    application.run(player, after_refresh=on_refresh)
    figures = thread.join(TIMEOUT_S)
    assert figures is not None
    print(json.dumps(asdict(figures)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
