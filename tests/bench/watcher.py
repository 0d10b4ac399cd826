"""A player's client with its window, in a process of its own: plays, measures, tells it as JSON.

One line of `Asked` comes in, the word "live" and one line of `Seen` go out. Frame latency is told
from the abs-send-time that the host wrote on a frame's first packet: both processes read one clock.
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
from bench.stage import rss_mb, threads
from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core.events import CloseForNowRequested, Event
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.rtp import SEND_TIME_UNITS, RtpPacket
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.peer import Peer
from rejoin.rtc.receiver import VideoReceiver
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import StreamThread
from rejoin.runtime.studio_profile import StudioProfile

_SEND_TIME_MASK = (1 << 24) - 1
_BUNCHED_UNITS = SEND_TIME_UNITS // 120
_REMEMBERED = 1000
PATIENCE_S = 60.0
LOOKS = 5
LOOK_EVERY_S = 0.003


@dataclass(frozen=True, slots=True)
class Asked:
    backend_url: str
    token: str
    warm_up_s: float
    for_s: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in `for_s` seconds after the warm-up; ages and latencies in ms."""

    for_s: float
    counters: dict[str, float]
    """Differences of `StreamStatistics`' counters."""
    receiver_cpu_s: float
    """Every thread but the window's: network and decoding (and scaling, for a window of another
    size than the host's)."""
    window_cpu_s: float
    latency_p50_ms: float
    latency_p95_ms: float
    latencies: int
    bunched: int
    """Frames that the host sent less than half a frame after the one before."""
    age_p50_ms: float
    age_p95_ms: float
    rss_mb: tuple[float, ...]
    """At the begin, at the end, and ten times between."""
    threads: int
    receive_buffer_bytes: int
    platform: str


class MeasuredSlot(PictureSlot):
    """The mailbox, noting how old each picture is when it comes and when it is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[int, int] = {}
        """RTP timestamp of a frame to the abs-send-time of its first packet."""
        self.latencies_s = array("d")
        self.ages_s = array("d")
        self.bunched = 0
        """Frames that the host itself sent less than half a frame after the one before."""
        self._sent_last: int | None = None

    def put(self, picture: Picture) -> None:
        super().put(picture)
        sent = self.sent.pop(picture.rtp_timestamp, None)
        if sent is not None:
            now = int(boot_s() * SEND_TIME_UNITS)
            self.latencies_s.append(((now - sent) & _SEND_TIME_MASK) / SEND_TIME_UNITS)

    def count_painted(self, picture: Picture, at: float, took_s: float = 0.0) -> None:
        super().count_painted(picture, at, took_s)
        self.ages_s.append(at - picture.decoded_at)

    def note(self, packet: RtpPacket, send_time_id: int | None) -> None:
        """A packet of video came in."""
        if send_time_id is None or packet.timestamp in self.sent:
            return
        sent = packet.send_time(send_time_id)
        if sent is not None:
            if len(self.sent) > _REMEMBERED:
                self.sent.clear()
            self.sent[packet.timestamp] = sent
            before, self._sent_last = self._sent_last, sent
            if before is not None and (sent - before) & _SEND_TIME_MASK < _BUNCHED_UNITS:
                self.bunched += 1


class _Player(Player):
    newest: Peer | None = None

    def _make_peer(self, number: ConnectionNumber, post: Callable[[Event], None]) -> Peer:
        self.newest = super()._make_peer(number, post)
        return self.newest


def _tap(slot: MeasuredSlot) -> None:
    take = VideoReceiver._on_packet

    def noting(self: VideoReceiver, packet: RtpPacket, now: float) -> None:
        slot.note(packet, self.inbound.negotiated.send_time_id)
        take(self, packet, now)

    VideoReceiver._on_packet = noting  # type: ignore[method-assign]


def _cpu_s() -> tuple[float, float]:
    """CPU time so far: of the window's thread, and of all others."""
    window = others = 0.0
    for task in Path("/proc/self/task").iterdir():
        try:
            cells = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it ended under us
        took_s = (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")
        if task.name == str(os.getpid()):
            window += took_s
        else:
            others += took_s
    return window, others


def _numbers(peer: Peer) -> dict[str, float]:
    told: dict[str, Any] = asdict(peer.statistics())
    return {name: value for name, value in told.items() if isinstance(value, int | float)}


async def _held_mb() -> float:
    """The least of some looks at memory: one picture more (8 MB), for a moment, is none held."""
    looks = [rss_mb()]
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_EVERY_S)
        looks.append(rss_mb())
    return min(looks)


async def _measured(player: _Player, slot: MeasuredSlot, asked: Asked) -> Seen:
    live = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(snapshot: Snapshot) -> None:
        if snapshot.stage is Stage.LIVE:
            loop.call_soon_threadsafe(live.set)

    player.subscribe(look)
    running = tasks.spawn(player.run(), name="player")
    try:
        await asyncio.wait_for(live.wait(), PATIENCE_S)
        print("live", flush=True)
        await asyncio.sleep(asked.warm_up_s)
        peer = player.newest
        assert peer is not None
        del slot.latencies_s[:], slot.ages_s[:]
        bunched = slot.bunched
        began_at, before, cpu, memory = boot_s(), _numbers(peer), _cpu_s(), [await _held_mb()]
        for part in range(1, 11):
            await asyncio.sleep(began_at + part * asked.for_s / 10 - boot_s())
            memory.append(await _held_mb())
        took_s, after, later = boot_s() - began_at, _numbers(peer), _cpu_s()
        if player.newest is not peer:
            raise RuntimeError("The connection was lost while it was measured.")
        latencies_ms = [1000 * one for one in slot.latencies_s]
        ages_ms = [1000 * one for one in slot.ages_s]
        return Seen(
            took_s,
            {name: after[name] - before.get(name, 0) for name in after},
            later[1] - cpu[1],
            later[0] - cpu[0],
            percentile(latencies_ms, 50),
            percentile(latencies_ms, 95),
            len(latencies_ms),
            slot.bunched - bunched,
            percentile(ages_ms, 50),
            percentile(ages_ms, 95),
            tuple(memory),
            threads(),
            int(after.get("receive_buffer_bytes", 0)),
            os.environ.get("QT_QPA_PLATFORM", "the desktop's"),
        )
    finally:
        player.post(CloseForNowRequested())
        await running


def main() -> int:
    asked = Asked(**json.loads(sys.stdin.readline()))
    slot = MeasuredSlot()
    _tap(slot)
    profile = StudioProfile(asked.backend_url, asked.token, NetworkRules(loopback_only=True))
    player = _Player(profile, PlayerOptions(slot=slot, audio=NullOutput()))
    thread = StreamThread(lambda: _measured(player, slot, asked))
    resized = False

    def look(window: RejoinWindow) -> None:
        nonlocal resized
        if not resized:
            resized = True
            window.resize(asked.width, asked.height)
        if not thread.running:
            window.close()

    thread.start()
    application.run(player, after_refresh=look)
    seen = thread.join(PATIENCE_S)
    assert seen is not None
    print(json.dumps(asdict(seen)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
