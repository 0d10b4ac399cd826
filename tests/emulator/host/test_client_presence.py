"""When the host reports its client gone."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from aiortc.rtp import RtcpByePacket, RtcpRrPacket

from helpers.game_hosts import (
    SETTINGS,
    counter_of,
    joined,
    running,
)
from helpers.leaves_nothing import leaves_nothing
from helpers.waiting import eventually
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.client_presence import ClientPresence, holds_bye
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.input_protocol import controls
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks


@leaves_nothing
async def test_silence_and_freeze_are_noticed_at_once_if_the_setting_is_0() -> None:
    settings = EmulatorSettings(
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        notice_silent_client_s=0,
    )

    async with running(settings) as (host, listener):
        for connection, kind in ((1, FaultKind.SILENCE), (2, FaultKind.FREEZE)):
            player = await joined(host, connection)
            at = await host.inject(Fault(kind))
            gone_at = await listener.wait("gone", (connection, False))
            assert at <= gone_at
            have = len(player.readings)
            counter = counter_of(host)
            await asyncio.sleep(0.3)
            assert len(player.readings) <= have + 2  # those on their way
            assert counter_of(host) > counter
            await player.close()


@leaves_nothing
async def test_a_silence_that_ends_in_time_is_not_noticed() -> None:
    patient = dataclasses.replace(SETTINGS, notice_silent_client_s=60.0)
    async with running(patient) as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.SILENCE, duration_s=0.5, scope="all"))
        await asyncio.sleep(0.6)
        await player.frames(3)
        assert listener.values("gone") == []
        assert host.game_state()["connected"] is True
        await player.close()


@leaves_nothing
async def test_a_silence_without_a_fault_is_noticed_after_the_minimum() -> None:
    settings = EmulatorSettings(
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        notice_silent_client_s=0,
        notice_silent_client_min_s=1.8,
    )

    async with running(settings) as (host, listener):
        player = await joined(host, 1)
        # longer than the minimum, its receiver reports arrive all the time
        await asyncio.sleep(2.2)
        assert listener.values("gone") == []
        transport = player.pc.getTransceivers()[0].receiver.transport.transport
        muted_at = boot_s()

        async def mute(data: bytes) -> None:
            return None

        transport._send = mute
        gone_at = await listener.wait("gone", (1, False))
        assert gone_at - muted_at > 1.8 - 1.6  # the last report may be 1.5 s old
        await player.close()


@pytest.mark.parametrize("keeps", [True, False])
@leaves_nothing
async def test_ice_checks_alone_keep_a_client_only_if_the_setting_says_so(keeps: bool) -> None:
    settings = EmulatorSettings(
        width=640,
        height=360,
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        # A machine that stands still for this long makes a client silent.
        notice_silent_client_s=4.0 if keeps else 0.3,
        notice_silent_client_min_s=0.3,
        ice_checks_keep_connected=keeps,
    )

    async with running(settings) as (host, listener):
        peer = Peer(
            ConnectionNumber(1),
            PeerSettings(NetworkRules(loopback_only=True)),
            MediaSinks(PictureSlot(), NullOutput()),
            post=lambda event: None,
        )
        await peer.apply_answer(await host.answer(1, await peer.make_offer()))
        await listener.wait("connected", 1)
        peer.start_checks()
        peer.mute()
        if keeps:
            await asyncio.sleep(6.0)
            assert listener.values("gone") == []
        else:
            await listener.wait("gone", (1, False))
        await peer.close()


@leaves_nothing
async def test_graceful_closes_are_noticed_at_once() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        await player.close()
        await listener.wait("gone", (1, True))

        player = await joined(host, 2)
        await host.inject(Fault(FaultKind.GRACEFUL_CLOSE))
        await listener.wait("gone", (2, True))
        await eventually(lambda: player.pc.connectionState == "closed")
        await player.close()

        player = await joined(host, 3)
        await host.disconnect("idle")
        await player.until(lambda: bool(player.messages))
        message = player.messages[0]
        assert isinstance(message, bytes)
        assert controls.decode(message) == controls.Disconnect("idle")
        assert host.game_state()["connected"] is False
        assert listener.values("gone") == [(1, True), (2, True)]
        await player.close()


@pytest.mark.parametrize(
    ("compound", "expected"),
    [
        (b"", False),
        (bytes(RtcpByePacket(sources=[1])), True),
        (bytes(RtcpRrPacket(ssrc=1)) + bytes(RtcpByePacket(sources=[1])), True),
        (bytes(RtcpRrPacket(ssrc=1)), False),
        (bytes(RtcpRrPacket(ssrc=1)) + bytes(RtcpByePacket(sources=[1]))[:3], False),
    ],
)
def test_a_bye_is_found_anywhere_in_a_compound_packet(compound: bytes, expected: bool) -> None:
    assert holds_bye(compound) is expected


async def test_a_goodbye_is_reported_once_and_only_while_the_client_is_watched() -> None:
    reports: list[bool] = []
    settings = EmulatorSettings(notice_silent_client_s=60.0)
    presence = ClientPresence(lambda: settings, lambda: 100.0, reports.append)
    presence.goodbye_received()
    await asyncio.sleep(0.01)
    assert reports == [], "before the connection is up"
    presence.start()
    presence.packet_authenticated(None)
    presence.packet_authenticated(bytes(RtcpByePacket(sources=[1])))
    presence.goodbye_received()
    await asyncio.sleep(0.01)
    assert reports == [True]
    await presence.close()


async def test_nothing_is_reported_once_the_connection_is_being_closed() -> None:
    reports: list[bool] = []
    settings = EmulatorSettings(notice_silent_client_s=60.0)
    presence = ClientPresence(lambda: settings, lambda: 100.0, reports.append)
    presence.start()
    presence.stop()
    presence.goodbye_received()
    await asyncio.sleep(0.01)
    await presence.close()
    assert reports == []


async def test_changed_settings_apply_to_a_silence_that_lasts() -> None:
    reports: list[bool] = []
    settings = EmulatorSettings(notice_silent_client_s=60.0)
    presence = ClientPresence(lambda: settings, lambda: 100.0, reports.append)
    presence.start()
    presence.set_silent_since(99.0)
    await asyncio.sleep(0.01)
    assert reports == []
    settings = EmulatorSettings(notice_silent_client_s=0.5)
    presence.settings_changed()
    await asyncio.sleep(0.01)
    assert reports == [False]
    await presence.close()
