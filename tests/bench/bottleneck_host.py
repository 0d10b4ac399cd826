"""A process with a foreign stream host: Chromium as the sender, behind our relay as a bottleneck.

It reads commands from standard input and answers each on standard output, as lines of JSON. Neither
the relay nor Chromium shares a loop or an interpreter with the client that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.measure import percentile
from helpers.chromium import CHROMIUM, FLAGS, PAGES
from rejoin.emulator.host.relay import Relay, chance_of
from rejoin.netem.link import Direction, Fate, Lane, Link, NetworkProfile, ProfileStage

_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ ([\d.]+) (\d+) typ host.*\r\n")
_CANDIDATES = re.compile(r"a=(candidate:.*|end-of-candidates)\r\n")
_STEPS_PER_S = 10


class BottleneckHost:
    """One connection at a time, from Chromium's `host.js` through the relay."""

    def __init__(self, page: Page, relay: Relay) -> None:
        self._page = page
        self._relay = relay
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
    ) -> dict[str, Any]:
        """The answer to an offer. `stages`: seconds from now, and the bandwidth from then on."""
        answered = await self._page.evaluate("sdp => answer(sdp)", _CANDIDATES.sub("", offer))
        sdp: str = answered["sdp"]
        found = _CANDIDATE.search(sdp)
        if found is None:
            raise RuntimeError("Chromium gathered no candidate.")
        port = await self._relay.open_port((found[1], int(found[2])))
        candidate = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port.address[1]} typ host\r\n"
        sdp = _CANDIDATES.sub("", sdp).replace("a=mid:0\r\n", f"a=mid:0\r\n{candidate}", 1)
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
        return {"number": answered["number"], "sdp": sdp}

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
            case {"do": "answer"}:
                return await self.answer(
                    command["offer"], command["one_way_s"], command["fifo_s"], command["stages"]
                )
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
        await relay.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
