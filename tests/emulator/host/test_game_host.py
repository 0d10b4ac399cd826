"""The stream host on real sockets: a plain aiortc client plays, drops, and reconnects."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiortc.rtcsctptransport import WEBRTC_DCEP, Chunk, DataChunk

from helpers.game_hosts import (
    PROTOCOL_URL,
    SETTINGS,
    Listener,
    Player,
    counter_of,
    joined,
    media_of,
    relay_of,
    running,
    still,
)
from helpers.leaves_nothing import leaves_nothing
from helpers.sctp_floods import FIRST, UNORDERED, WHOLE, bundled, data, opening
from helpers.waiting import eventually
from rejoin.emulator.host import game_host
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.host.message_channel import ECHO_BUFFERED_MAX_BYTES
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.protocol_script import MAX_APPLICATION_MESSAGE
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError, SignalError
from rejoin.input_protocol import controls
from rejoin.rtc.sctp_limits import CHANNELS, KEPT_MAX_BYTES, MISORDERED_MAX


@leaves_nothing
async def test_play_press_drop_and_come_back() -> None:
    async with running() as (host, listener):
        first = await joined(host, 1)
        assert listener.values("connected") == [1]
        seen = await first.frames(10)
        counters = [reading.counter for reading in seen]
        assert len(counters) >= 10
        assert counters == sorted(set(counters))
        await first.shows(counter_of(host))
        assert media_of(host)["codec_profile"] == "baseline", "what it lists first"

        # the host sends Hello first; a key moves the game
        await first.until(lambda: bool(first.inbox))
        assert controls.decode(first.inbox[0]) == controls.Hello(controls.VERSION)
        first.press(1, {0x4F})
        await listener.wait("input", None)
        assert host.game_state()["key_presses"] == 1
        assert host.game_state()["keys_held"] == [0x4F]
        first.press(0, set())  # older: ignored
        first.message_channel.send("are you there")
        await first.until(lambda: first.messages == ["are you there"])
        assert host.game_state()["keys_held"] == [0x4F]
        # half a second without a message releases the keys
        await asyncio.sleep(controls.RELEASE_AFTER_S + 0.2)
        assert host.game_state()["keys_held"] == []

        # an injected silence is noticed after the setting's time, not before
        settings = EmulatorSettings(
            width=1280,
            height=720,
            fps=30,
            bitrate_bps=2_000_000,
            relay_ports=(0, 0),
            notice_silent_client_s=0.4,
        )
        host.settings_changed(settings)
        at = await host.inject(Fault(FaultKind.SILENCE))
        gone_at = await listener.wait("gone", (1, False))
        assert gone_at - at >= 0.4
        last = first.readings[-1]
        assert last is not None

        second = await joined(host, 2)
        new = await second.frames(2)
        assert listener.values("connected") == [1, 2]
        assert new[0].counter > last.counter
        state = host.game_state()
        assert state["key_presses"] == 1  # the game kept its state
        await second.shows(counter_of(host))
        await first.close()
        await second.close()
        await listener.wait("gone", (2, True))


@leaves_nothing
async def test_kill_ends_the_game_and_its_counter() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.KILL))
        assert len(listener.values("exited")) == 1
        state = host.game_state()
        assert state["running"] is False
        await asyncio.sleep(0.1)
        assert host.game_state()["counter"] == state["counter"]
        await player.close()


@leaves_nothing
async def test_a_restarted_game_is_found_by_the_next_connection() -> None:
    async with running() as (host, listener):
        host.settings_changed(
            dataclasses.replace(host.settings, notice_silent_client_s=0.2, heartbeat_s=0.05)
        )
        first = await joined(host, 1)
        await first.until(lambda: len(first.messages) > 2)
        await host.inject(Fault(FaultKind.RESTART))
        await listener.wait("gone", (1, False))
        assert listener.values("exited") == []
        second = await joined(host, 2)
        await second.until(lambda: len(second.messages) > 2)
        old, new = json.loads(first.messages[-1]), json.loads(second.messages[0])
        assert old["game"] != new["game"]
        assert new["game"] == json.loads(second.messages[-1])["game"]
        (reading, *_) = await second.frames(1)
        assert reading.counter >= new["heartbeat"]
        assert counter_of(host) - reading.counter < 600, "it is the new game that is shown"
        await host.inject(Fault(FaultKind.KILL))
        with pytest.raises(BadInputError, match="has ended"):
            await host.inject(Fault(FaultKind.RESTART))
        await first.close()
        await second.close()


async def test_when_a_connection_has_closed_its_remains_are_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collected: list[int] = []
    async with running() as (host, _):
        monkeypatch.setattr(
            game_host,
            "collect_soon",
            lambda *, trim: collected.append(len(host._connections) if trim else -1),
        )
        player = await joined(host, 1)
        assert collected == []
        await player.close()
    assert collected == [0]


@leaves_nothing
async def test_the_url_of_the_script_can_differ_in_each_answer() -> None:
    async with running() as (host, _):
        urls: list[str] = []
        for varies in (False, True, True):
            host.settings_changed(dataclasses.replace(host.settings, protocol_url_varies=varies))
            player = Player()
            answer = await host.answer(len(urls) + 1, await player.offer())
            urls.append(json.loads(answer)["webSdkProtocolUrl"])
            await player.pc.close()
        assert urls[0] == PROTOCOL_URL
        assert len(set(urls)) == 3
        assert {url.partition("?")[0] for url in urls} == {PROTOCOL_URL}


@leaves_nothing
async def test_a_new_offer_closes_the_connection_before() -> None:
    async with running() as (host, listener):
        first = await joined(host, 1)
        second = await joined(host, 2)
        await eventually(lambda: first.pc.connectionState == "closed")
        await second.frames(2)
        assert listener.values("gone") == []
        await first.close()
        await second.close()


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "{}",
        '{"type": "offer", "sdp": "v=0"}',
        '{"type": "answer", "sdp": "v=0\\r\\n"}',
    ],
)
@leaves_nothing
async def test_bad_offers_are_refused_and_change_nothing(offer: str) -> None:
    async with running() as (host, _):
        with pytest.raises(SignalError):
            await host.answer(1, offer)
        assert host.game_state()["connected"] is False


@leaves_nothing
async def test_stopping_while_an_answer_is_made_leaves_nothing() -> None:
    for step in range(8):
        async with running() as (host, _):
            player = Player()
            offer = await player.offer()
            answering = asyncio.ensure_future(host.answer(1, offer))
            for _ in range(step):
                await asyncio.sleep(0)
            if step % 2:
                answering.cancel()
            await host.stop()
            await asyncio.gather(answering, return_exceptions=True)
        await player.close()


@leaves_nothing
async def test_a_fault_needs_a_running_game() -> None:
    host = GameHost(Listener(), SETTINGS, protocol_url=PROTOCOL_URL)
    with pytest.raises(BadInputError):
        await host.inject(Fault(FaultKind.SILENCE))
    await host.stop()


@leaves_nothing
async def test_dtls_closed_by_the_host_ends_the_connection_and_not_the_game() -> None:
    async with running() as (host, listener):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.DTLS_CLOSE))
        await listener.wait("gone", (1, True))
        await eventually(lambda: player.pc.connectionState == "closed")
        again = await joined(host, 2)
        await again.frames(2)
        await player.close()
        await again.close()


@leaves_nothing
async def test_a_killed_game_sends_nothing_after_the_faults_are_cleared() -> None:
    async with running() as (host, _):
        player = await joined(host, 1)
        await host.inject(Fault(FaultKind.KILL))
        await host.inject(Fault(FaultKind.NONE))
        assert await still(player)
        await player.close()


@leaves_nothing
async def test_the_round_trip_setting_applies_before_and_after_a_fault() -> None:
    async with running(dataclasses.replace(SETTINGS, round_trip_s=0.04)) as (host, _):
        first = await joined(host, 1)
        before = relay_of(host)["packets_delayed"]
        assert before > 0
        # a fault clears every network profile, but not the round trip of the settings
        await host.inject(Fault(FaultKind.SILENCE))
        second = await joined(host, 2)
        assert relay_of(host)["packets_delayed"] > before
        host.settings_changed(SETTINGS)
        await eventually(lambda: relay_of(host)["packets_waiting"] == 0)
        at_last = relay_of(host)["packets_delayed"]
        await second.frames(3)
        assert relay_of(host)["packets_delayed"] == at_last
        await first.close()
        await second.close()


@leaves_nothing
async def test_the_path_loses_packets_if_the_setting_says_so() -> None:
    async with running() as (host, _):
        player = await joined(host, 1)
        assert relay_of(host)["packets_dropped"] == 0
        host.settings_changed(dataclasses.replace(SETTINGS, loss=0.2))
        await eventually(lambda: relay_of(host)["packets_dropped"] > 0)
        host.settings_changed(SETTINGS)
        lost = relay_of(host)["packets_dropped"]
        await player.frames(3)
        assert relay_of(host)["packets_dropped"] == lost
        await player.close()


def never_ending(tsn: int) -> Iterator[Chunk]:
    yield data(tsn, FIRST, bytes(1100))
    for ahead in range(1, 1500):
        yield data(tsn + ahead, 0, bytes(1100))


def tiny_fragments(tsn: int) -> Iterator[Chunk]:
    yield from bundled((data(tsn + ahead, UNORDERED, b"x") for ahead in range(10_000)), 50)


def whole_messages_behind_a_hole(tsn: int) -> Iterator[Chunk]:
    yield from bundled((data(tsn + ahead, WHOLE, b"x") for ahead in range(1, 10_000)), 50)


def channels(tsn: int) -> Iterator[Chunk]:
    opened = (
        data(tsn + ahead, WHOLE, opening(b"x"), stream=100 + ahead, protocol=WEBRTC_DCEP)
        for ahead in range(4000)
    )
    yield from bundled(opened, 30)


def malformed(tsn: int) -> Iterator[Chunk]:
    for ahead in range(2000):
        yield data(tsn + ahead, WHOLE, b"\x02", stream=90, number=ahead, protocol=WEBRTC_DCEP)


def messages_that_are_echoed(tsn: int) -> Iterator[Chunk]:
    """On the message channel, whose echo this client never acknowledges."""
    for ahead in range(4000):
        yield data(tsn + ahead, WHOLE, bytes(1000), stream=3, number=ahead)


@pytest.mark.parametrize(
    "flood",
    [
        never_ending,
        tiny_fragments,
        whole_messages_behind_a_hole,
        channels,
        malformed,
        messages_that_are_echoed,
    ],
)
@leaves_nothing
async def test_a_client_that_floods_its_data_channels_hurts_nobody(
    flood: Callable[[int], Iterator[Chunk]], caplog: pytest.LogCaptureFixture
) -> None:
    """What is kept for it is bounded, its own pictures and those of another session go on."""
    async with running() as (host, _):
        elsewhere = GameHost(Listener(), SETTINGS, protocol_url=PROTOCOL_URL)
        await elsewhere.start()
        flooder, other = await joined(host, 1), await joined(elsewhere, 1)
        await flooder.until(lambda: bool(flooder.inbox))
        theirs: Any = flooder.pc.sctp
        assert theirs is not None
        stream = flooder.message_channel.id

        async def ignored(_packet: bytes) -> None:
            """It acknowledges nothing."""

        theirs._handle_data = ignored
        number = theirs._outbound_stream_seq.get(stream, 0)
        for count, chunk in enumerate(flood(theirs._local_tsn)):
            if flood is messages_that_are_echoed and isinstance(chunk, DataChunk):
                chunk.stream_id, chunk.stream_seq = stream, (number + count) % 2**16
            await theirs._send_chunk(chunk)
            if count % 20 == 0:
                await asyncio.sleep(0)
        await other.frames(5)
        await flooder.frames(5)
        assert host.connection is not None
        ours: Any = host.connection._pc.sctp
        assert sum(each.cost for each in ours._inbound_streams.values()) <= KEPT_MAX_BYTES
        assert len(ours._sack_misordered) <= MISORDERED_MAX
        assert len(ours._data_channels) <= CHANNELS
        assert len(ours._reconfig_queue) <= 135
        unsent = sum(len(message) for _, _, message in ours._data_channel_queue)
        assert unsent <= ECHO_BUFFERED_MAX_BYTES + MAX_APPLICATION_MESSAGE
        assert len(caplog.records) <= 1
        await flooder.close()
        await other.close()
        await elsewhere.stop()
