"""A bottleneck in front of libwebrtc as host: rate, queue and first picture, beside Chromium.

Chromium sends noise at up to 8 Mbit/s through our relay, to Rejoin with transport-wide feedback, to
Rejoin with REMB (its offer without `transport-cc`), and to Chromium, with the same offer.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.live_game import TIMEOUT_S, run_on_client_loop
from bench.measure import Measurement
from rejoin.clock import boot_s
from rejoin.core.events import Event, FirstFrameDecoded
from rejoin.core.model import ConnectionNumber
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.rtp import ElementReader
from rejoin.media.receive.transport_feedback import NUMBER_BYTES, TransportFeedback
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks

ONE_WAY_S = 0.020
PLAYED_S = 20.0
RAMP_S = 8.0
RUNS = 3
FREE_PATH = ((0.0, None),)
NARROW = ((0.0, 3_000_000.0),)
NARROWING = ((0.0, 3_000_000.0), (10.0, 1_000_000.0))
CLIENTS = ("Rejoin", "Rejoin with REMB", "Chromium")


@dataclass(frozen=True, slots=True)
class Played:
    """One connection: from the answer to the first picture, and the relay's figures."""

    first_picture_s: float
    figures: dict[str, float]
    freezes: int | None = None
    """Rejoin's count, as W3C's freezeCount."""


class ForeignHost:
    """Chromium as host in its own process (`bottleneck_host`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **command: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self.read()

    async def read(self) -> Any:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), TIMEOUT_S)
        if not line:
            raise RuntimeError("The foreign host has ended.")
        return json.loads(line)

    async def evaluate(self, script: str, argument: object = None) -> Any:
        return await self.ask(do="evaluate", script=script, argument=argument)


@asynccontextmanager
async def foreign_host() -> AsyncIterator[ForeignHost]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.bottleneck_host",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    host = ForeignHost(process)
    try:
        await host.read()
        yield host
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def run(quick: bool) -> Iterator[Measurement]:
    yield _cpu(0.2 if quick else 2.0)
    yield from run_on_client_loop(_everything(quick))


def _cpu(at_least_s: float) -> Measurement:
    """What numbers and reports cost, at 3,000 packets a second."""
    extension = struct.pack("!HH", 0xBEDE, 3) + b"\x32abc\x41\x07\x08\x10m\x00\x00\x00"
    shares = []
    for _ in range(3):
        feedback, reader, now, number = (
            TransportFeedback(),
            ElementReader(4, NUMBER_BYTES),
            100.0,
            0,
        )
        before = time.process_time()
        while (took_s := time.process_time() - before) < at_least_s / 3:
            for _ in range(150):
                if reader.read(extension) is not None:
                    feedback.add(number & 0xFFFF, 1200, now)
                number, now = number + 1, now + 1 / 3000
            feedback.reports(now, sender_ssrc=1, media_ssrc=2)
        shares.append(100 * took_s / (now - 100.0))
    conditions = (
        "best of three rounds; without sending the 20 reports a second; target: at most 0.5"
    )
    return Measurement("CPU at 3,000 packets/s", min(shares), "% of a core", conditions)


async def _everything(quick: bool) -> list[Measurement]:
    runs = 1 if quick else RUNS
    rows: list[Measurement] = []
    async with foreign_host() as host:
        for name, path, fifo_s, played_s in (
            ("free path", FREE_PATH, 1.5, RAMP_S),
            ("3 Mbit/s, FIFO 1.5 s", NARROW, 1.5, PLAYED_S),
            ("3 Mbit/s, FIFO 150 ms", NARROW, 0.15, PLAYED_S),
            ("3, after 10 s 1 Mbit/s, FIFO 1.5 s", NARROWING, 1.5, PLAYED_S),
        ):
            for client in CLIENTS:
                length_s = 2.0 if quick else played_s
                found = [await play(host, client, path, fifo_s, length_s) for _ in range(runs)]
                rows += rows_of(f"{name}: {client}", found, length_s)
    return rows


def rows_of(name: str, found: list[Played], played_s: float) -> list[Measurement]:
    """The medians of these connections."""
    conditions = (
        f"median of {len(found)} connections of {played_s:g} s, from the answer on; RTT 40 ms"
    )

    def figure(key: str) -> float:
        return median(each.figures[key] for each in found)

    late_ms = 1000 * figure("relay_late_p95_s")
    conditions += f"; the relay's own lateness, p95: {late_ms:.1f} ms"
    first_s = median(each.first_picture_s for each in found)
    return [
        Measurement(f"{name}, rate", figure("bitrate_bps") / 1e6, "Mbit/s", conditions),
        Measurement(f"{name}, queue, p95", 1000 * figure("queue_p95_s"), "ms", conditions),
        Measurement(f"{name}, queue over 50 ms", figure("queue_over_50_ms_s"), "s", conditions),
        Measurement(f"{name}, lost in the queue", 100 * figure("lost"), "%", conditions),
        Measurement(f"{name}, answer to first picture", 1000 * first_s, "ms", conditions),
    ]


async def play(
    host: ForeignHost,
    client: str,
    stages: tuple[tuple[float, float | None], ...],
    fifo_s: float,
    played_s: float,
    **answering: Any,
) -> Played:
    """One connection. `answering`: more for `BottleneckHost.answer`."""
    path = {"do": "answer", "one_way_s": ONE_WAY_S, "fifo_s": fifo_s, "stages": stages}
    path |= answering
    freezes: int | None = None
    if client == "Chromium":
        offered = await host.evaluate("offer()")
        answer = await host.ask(offer=_with_wishes(offered["sdp"]), **path)
        number = offered["number"]
        await host.evaluate("([number, sdp]) => accept(number, sdp)", [number, answer["sdp"]])
        await asyncio.sleep(played_s)
        first_ms = await host.evaluate("firstPictureMs", number)
        first_s = played_s if first_ms is None else first_ms / 1000
        await host.evaluate("leave", number)
    else:
        remb = client == "Rejoin with REMB"
        first_s, freezes, answer = await _rejoin_plays(host, path, played_s, remb=remb)
    figures = await host.ask(do="figures", since_s=0.0, until_s=played_s)
    await host.ask(do="leave", number=answer["number"])
    return Played(first_s, figures, freezes)


async def _rejoin_plays(
    host: ForeignHost, path: dict[str, Any], played_s: float, *, remb: bool
) -> tuple[float, int, dict[str, Any]]:
    first_at: list[float] = []

    def post(event: Event) -> None:
        if isinstance(event, FirstFrameDecoded):
            first_at.append(boot_s())

    peer = Peer(
        ConnectionNumber(1),
        PeerSettings(NetworkRules(loopback_only=True)),
        MediaSinks(PictureSlot(), NullOutput()),
        post=post,
    )
    try:
        offer: str = json.loads(await peer.make_offer())["sdp"]
        if remb:
            offer = re.sub(r"a=.*transport-(?:cc|wide).*\r\n", "", offer)
        answer = await host.ask(offer=offer, **path)
        response = {"type": "answer", "sdp": answer["sdp"], "webSdkProtocolUrl": "http://x/"}
        answered_at = boot_s()
        await peer.apply_answer(json.dumps(response))
        await asyncio.sleep(played_s)
        freezes = peer.statistics().freeze_count
    finally:
        await peer.close()
    return (first_at[0] - answered_at if first_at else played_s), freezes, answer


def _with_wishes(sdp: str) -> str:
    """Chromium's offer with the rates that the Web SDK and Rejoin wish for."""
    wishes = ";x-google-max-bitrate=19000;x-google-start-bitrate=10000"
    for number in re.findall(r"a=rtpmap:(\d+) H264/90000", sdp):
        sdp = re.sub(rf"(a=fmtp:{number} .*)\r\n", rf"\1{wishes}\r\n", sdp)
    return sdp
