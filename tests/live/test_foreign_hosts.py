"""WebRTC stacks that others wrote as stream hosts: they are played, are killed, and are rejoined.

A relay in front of them loses two in a hundred packets in each direction.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.foreign_host import (
    GSTREAMER,
    PION,
    PION_ED25519,
    PION_GCC,
    PION_STARTS_AT_BPS,
    WERIFT,
    ForeignHost,
    ForeignStack,
)
from helpers.headless_scene import Scene, scene, small
from rejoin.core.model import HealthLevel, Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.input_events.events import KeyEvent, ReleaseAll

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

SETTINGS = replace(small(0.0), loss=0.02)
PICTURES = 90
"""Pictures to see on each connection: three seconds, which 2 % loss does not spare."""


def hosted(stack: ForeignStack, monkeypatch: pytest.MonkeyPatch) -> list[ForeignHost]:
    """The host of each studio that is made from now on; it is one of this stack."""
    missing = stack.missing()
    if missing is not None:
        pytest.skip(missing)
    hosts: list[ForeignHost] = []

    def make(
        listener: HostListener, settings: EmulatorSettings, *, protocol_url: str, listen_on: str
    ) -> ForeignHost:
        assert listen_on == "127.0.0.1"
        hosts.append(ForeignHost(stack, listener, settings, protocol_url))
        return hosts[-1]

    monkeypatch.setattr("rejoin.studio.serve.GameHost", make)
    return hosts


@pytest.mark.parametrize("stack", [GSTREAMER, WERIFT, PION], ids=lambda stack: stack.name)
def test_a_foreign_host_is_played_and_rejoined_after_a_kill(
    stack: ForeignStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = hosted(stack, monkeypatch)

    async def script() -> None:
        async with scene(SETTINGS) as it:
            await it.live()
            (host,) = hosts
            await plays(it, host)
            before = it.player.snapshot.episode  # a machine that pauses may add a drop of its own
            await it.fault(FaultKind.KILL)
            await it.until(lambda shown: shown.stage is not Stage.LIVE)
            await it.live(episode=before + 1)
            await plays(it, host)
            assert host.connections >= before + 2
            assert host.relay.counters.dropped > 0
            assert it.timelines()[before].outcome == "live"

    asyncio.run(script())


@pytest.mark.parametrize("stack", [GSTREAMER, PION], ids=lambda stack: stack.name)
def test_a_foreign_host_follows_a_client_to_its_new_port(
    stack: ForeignStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NAT's rebinding costs no new connection: the checks nominate the pair again, and the host
    sends where they come from."""
    hosts = hosted(stack, monkeypatch)

    async def script() -> None:
        async with scene(SETTINGS) as it:
            await it.live()
            (host,) = hosts
            await plays(it, host)
            await host.relay.rebind()
            await it.until(lambda shown: shown.health is not HealthLevel.HEALTHY)
            await it.until(
                lambda shown: shown.stage is Stage.LIVE and shown.health is HealthLevel.HEALTHY
            )
            await plays(it, host)
            assert host.connections == 1

    asyncio.run(script())


def test_congestion_control_that_reads_transport_wide_feedback_alone_leaves_its_first_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without feedback Pion's estimator keeps its first target for ever."""
    hosts = hosted(PION_GCC, monkeypatch)

    async def script() -> None:
        async with scene(replace(SETTINGS, loss=0.0)) as it:
            await it.live()
            (host,) = hosts
            await it.until(lambda _: host.target_bps >= 1.3 * PION_STARTS_AT_BPS)
            now = it.player.statistics()
            assert now is not None
            assert now.congestion_feedback == "transport-cc"

    asyncio.run(script())


def test_a_dtls_server_with_an_ed25519_certificate_is_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = hosted(PION_ED25519, monkeypatch)

    async def script() -> None:
        async with scene(SETTINGS) as it:
            await it.live()
            await plays(it, hosts[0])

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
