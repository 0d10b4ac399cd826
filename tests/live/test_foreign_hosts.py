"""WebRTC stacks that others wrote as stream hosts: they are played, are killed, and are rejoined.

A relay in front of them loses two in a hundred packets in each direction.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.foreign_host import GSTREAMER, PION, WERIFT, ForeignHost, ForeignStack
from helpers.headless_scene import Scene, scene, small
from rejoin.core.model import Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.input_events.events import KeyEvent, ReleaseAll

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

SETTINGS = replace(small(0.0), loss=0.02)
PICTURES = 90
"""Pictures to see on each connection: three seconds, which 2 % loss does not spare."""


@pytest.mark.parametrize("stack", [GSTREAMER, WERIFT, PION], ids=lambda stack: stack.name)
def test_a_foreign_host_is_played_and_rejoined_after_a_kill(
    stack: ForeignStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = stack.missing()
    if missing is not None:
        pytest.skip(missing)
    hosts: list[ForeignHost] = []

    def make(
        listener: HostListener, settings: EmulatorSettings, *, protocol_url: str
    ) -> ForeignHost:
        hosts.append(ForeignHost(stack, listener, settings, protocol_url))
        return hosts[-1]

    monkeypatch.setattr("rejoin.studio.serve.GameHost", make)

    async def script() -> None:
        async with scene(SETTINGS) as it:
            await it.live()
            (host,) = hosts
            await plays(it, host)
            assert it.player.snapshot.episode == 0
            await it.fault(FaultKind.KILL)
            await it.until(lambda shown: shown.stage is not Stage.LIVE)
            await it.live(episode=1)
            await plays(it, host)
            assert host.connections == 2
            assert host.relay.counters.dropped > 0
            (timeline,) = it.timelines()
            assert timeline.outcome == "live"

    asyncio.run(script())


async def plays(it: Scene, host: ForeignHost) -> None:
    """Pictures and sound arrive, lost packets come again, and input reaches the host."""
    await it.until(lambda shown: shown.input_open and not shown.view_only)
    before = host.messages
    for turn in range(1, 2000):
        it.player.send_input(KeyEvent("ArrowRight", "ArrowRight", pressed=turn % 2 == 1))
        await asyncio.sleep(0.05)
        now = it.player.statistics()
        assert it.player.snapshot.stage is Stage.LIVE
        if (
            now is not None
            and now.frames_decoded >= PICTURES
            and now.audio_packets_received >= PICTURES
            and now.packets_recovered > 0
            and host.messages > before
        ):
            break
    else:
        raise AssertionError(f"no stream: {it.player.statistics()}, {host.messages} messages")
    it.player.send_input(ReleaseAll())
