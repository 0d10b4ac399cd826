"""A process with a foreign stream host: Chromium or Pion, behind our relay as a bottleneck.

It reads commands from standard input and answers each on standard output, as lines of JSON. Neither
the relay nor the host shares a loop or an interpreter with the client that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.measure import percentile
from helpers.chromium import CHROMIUM, FLAGS, PAGES
from helpers.foreign_host import build_pion, clips
from rejoin.emulator.host.relay import Relay
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Direction, Fate, Lane, Link, NetworkProfile, ProfileStage

_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ ([\d.]+) (\d+) typ host.*\r\n")
_LOOPBACK_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (127\.0\.0\.1) (\d+) typ host.*\r\n")
_CANDIDATES = re.compile(r"a=(candidate:.*|end-of-candidates)\r\n")
_STEPS_PER_S = 10


class PionHost:
    """Pion's process for one connection at a time, with its congestion control."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rejoin-pion-")
        self._clips = Path(self._folder.name) / "clips.json"
        self._program = self._clips.with_name("pion_host")
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.targets_bps: list[int] = []
        """Twice a second since the connection was made."""

    async def prepare(self, bitrates_bps: Sequence[int]) -> None:
        """Compile the host, and compress a clip for each bitrate."""
        await asyncio.to_thread(build_pion, self._program)
        self._clips.write_text(await asyncio.to_thread(clips, bitrates_bps), encoding="ascii")

    async def answer(self, offer: str, start_bps: int) -> str:
        self._process = process = await asyncio.create_subprocess_exec(
            self._program,
            self._clips,
            str(start_bps),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"sdp": offer, "greeting": ""}).encode() + b"\n")
        self.targets_bps = []
        sdp: str = json.loads(await process.stdout.readline())["answer"]
        self._reading = asyncio.create_task(self._read(process.stdout))
        return sdp

    async def _read(self, output: asyncio.StreamReader) -> None:
        while (line := await output.readline()).endswith(b"\n"):  # one may be cut short at the end
            if "target_bps" in (said := json.loads(line)):
                self.targets_bps.append(said["target_bps"])

    async def leave(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None
        if self._reading is not None:
            await self._reading
            self._reading = None

    def close(self) -> None:
        self._folder.cleanup()


class BottleneckHost:
    """One connection at a time, from Chromium's `host.js` or from Pion, through the relay."""

    def __init__(self, page: Page, relay: Relay) -> None:
        self._page = page
        self._relay = relay
        self.pion = PionHost()
        self._one_way_s = 0.0
        self._began_at = 0.0
        self._passed: list[tuple[float, int, float]] = []
        """When a packet to the client came, its bytes and its time in the queue."""
        self._dropped_at: list[float] = []
        relay.on_fate = self._on_fate

    def _on_fate(self, direction: Direction, size_bytes: int, now: float, fate: Fate) -> None:
        if direction is not Direction.DOWN:
            return
        if fate.dropped is None:
            self._passed.append((now, size_bytes, fate.delay_s - self._one_way_s))
        else:
            self._dropped_at.append(now)

    async def answer(
        self,
        offer: str,
        one_way_s: float,
        fifo_s: float,
        stages: Sequence[tuple[float, float | None]],
        pion_starts_at_bps: int | None = None,
    ) -> dict[str, Any]:
        """The answer to an offer. `stages`: seconds from now, and the bandwidth from then on.

        Chromium answers, unless `pion_starts_at_bps` is given."""
        number: int | None = None
        if pion_starts_at_bps is None:
            answered = await self._page.evaluate("sdp => answer(sdp)", _CANDIDATES.sub("", offer))
            number, sdp = answered["number"], answered["sdp"]
            found = _CANDIDATE.search(sdp)
        else:
            sdp = await self.pion.answer(_CANDIDATES.sub("", offer), pion_starts_at_bps)
            found = _LOOPBACK_CANDIDATE.search(sdp)
        if found is None:
            raise RuntimeError("The host gathered no candidate.")
        port = await self._relay.open_port((found[1], int(found[2])))
        candidate = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port.address[1]} typ host\r\n"
        sdp = re.sub(r"(a=mid:\S+\r\n)", rf"\1{candidate}", _CANDIDATES.sub("", sdp), count=1)
        self._one_way_s, self._began_at = one_way_s, self._relay.now()
        self._passed.clear()
        self._dropped_at.clear()
        path = tuple(
            ProfileStage(
                after_s,
                Lane(one_way_s),
                Lane(one_way_s, bandwidth_bps=bandwidth_bps, queue_s=fifo_s),
            )
            for after_s, bandwidth_bps in stages
        )
        profile = NetworkProfile("bottleneck", stages=path)
        self._relay.set_link(Link(profile, self._began_at, chance_of(1)))
        return {"number": number, "sdp": sdp}

    async def leave(self, number: int | None) -> None:
        if number is None:
            await self.pion.leave()
        else:
            await self._page.evaluate("leave", number)

    def figures(self, since_s: float, until_s: float) -> dict[str, float]:
        """What passed between two times since the answer."""
        begin, end = self._began_at + since_s, self._began_at + until_s
        passed = [each for each in self._passed if begin <= each[0] < end]
        dropped = sum(begin <= at < end for at in self._dropped_at)
        queues = [queue_s for _, _, queue_s in passed] or [0.0, 0.0]
        long_at = {int((at - begin) * _STEPS_PER_S) for at, _, queue_s in passed if queue_s > 0.050}
        return {
            "bitrate_bps": 8 * sum(size for _, size, _ in passed) / (end - begin),
            "queue_p95_s": percentile(queues, 95) if len(queues) > 1 else queues[0],
            "queue_over_50_ms_s": len(long_at) / _STEPS_PER_S,
            "relay_late_p95_s": percentile(self._relay.lateness, 95) if passed else 0.0,
            "lost": dropped / max(1, dropped + len(passed)),
        }

    async def carry_out(self, command: dict[str, Any]) -> Any:
        match command:
            case {"do": "answer", **options}:
                return await self.answer(**options)
            case {"do": "leave"}:
                return await self.leave(command["number"])
            case {"do": "prepare pion"}:
                return await self.pion.prepare(command["bitrates_bps"])
            case {"do": "targets"}:
                return self.pion.targets_bps
            case {"do": "figures"}:
                return self.figures(command["since_s"], command["until_s"])
            case {"do": "evaluate"}:
                return await self._page.evaluate(command["script"], command.get("argument"))
            case _:
                raise ValueError(command)


async def main() -> None:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    relay = Relay()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=[*FLAGS, "--disable-background-timer-throttling"],
        )
        # without the permission Chromium hides the addresses of the machine
        context = await browser.new_context(permissions=["microphone", "camera"])
        page = await context.new_page()
        await page.route(
            "**/*", lambda route: route.fulfill(body="<body></body>", content_type="text/html")
        )
        await page.goto("http://localhost/")
        await page.add_script_tag(path=str(PAGES / "host.js"))
        with contextlib.suppress(OSError):  # as root: what the relay adds is not to be measured
            os.setpriority(os.PRIO_PROCESS, 0, -15)
        host = BottleneckHost(page, relay)
        print(json.dumps("ready"), flush=True)
        while line := await reader.readline():
            print(json.dumps(await host.carry_out(json.loads(line))), flush=True)
        await host.pion.leave()
        host.pion.close()
        await relay.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
