"""The stream host on real sockets: a plain aiortc client plays, drops, and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import gc
import json
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCapabilities
from av import VideoFrame

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.game import TICKS_PER_S, StripReading, read_strip
from rejoin.emulator.host.host import GameHost
from rejoin.emulator.service.sessions import AdjustableHost, HostFactory
from rejoin.emulator.service.settings import EmulatorSettings, Fault, FaultKind
from rejoin.errors import BadInputError, SignalError
from rejoin.input_protocol import controls
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.codecs import offer_every_profile
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.signal_codec import NetworkRules, decode_response, encode_request

PROTOCOL_URL = "http://127.0.0.1/protocol.js"
SETTINGS = EmulatorSettings(fps=30, bitrate_bps=2_000_000, relay_ports=(0, 0))
DATA = Path(__file__).parents[1] / "data"


async def soon(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came about")


class Listener:
    """The service's side: what the host told, with boot times."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any, float]] = []
        self._changed = asyncio.Event()
        self.shared = False

    def _note(self, what: str, value: Any) -> None:
        self.told.append((what, value, boot_s()))
        self._changed.set()

    def client_connected(self, connection: int) -> None:
        self._note("connected", connection)

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        self._note("gone", (connection, graceful))

    def client_input(self) -> None:
        self._note("input", None)

    def game_exited(self, *, failed: bool, detail: str) -> None:
        self._note("exited", failed)

    def shares_performance(self) -> bool:
        return self.shared

    def values(self, what: str) -> list[Any]:
        return [value for name, value, _ in self.told if name == what]

    async def wait(self, what: str, value: Any) -> float:
        """The boot time at which this was told."""
        while True:
            for name, told, at in self.told:
                if (name, told) == (what, value):
                    return at
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 20)


class Player:
    """A plain WebRTC client, with nothing of ours but the signalling codec."""

    def __init__(self, profile: str = "") -> None:
        """`profile`: the start of the only profile-level-id to offer, or all there are."""
        offer_every_profile()
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connect_as_aiortc = override(self.pc, "_RTCPeerConnection__connect", self._connect)
        self.readings: list[StripReading | None] = []
        self.inbox: list[bytes] = []
        self.messages: list[str | bytes] = []
        self.seen = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._play)
        audio = self.pc.addTransceiver("audio", direction="recvonly")
        video = self.pc.addTransceiver("video", direction="recvonly")
        capabilities: RTCRtpCapabilities | None = RTCRtpReceiver.getCapabilities("video")
        assert capabilities is not None
        video.setCodecPreferences(
            [
                codec
                for codec in capabilities.codecs
                if str(codec.parameters.get("profile-level-id", "")).startswith(profile)
            ]
        )
        connection = audio.receiver.transport.transport._connection
        gather = connection.get_component_candidates

        async def on_loopback(component: int, addresses: list[str], **kwargs: Any) -> Any:
            return await gather(component, ["127.0.0.1"], **kwargs)

        override(connection, "get_component_candidates", on_loopback)
        self.input = self.pc.createDataChannel("inputChannel", ordered=False, maxRetransmits=0)
        self.input.on("message", self._took_input)
        self.message_channel = self.pc.createDataChannel("clientMessageChannel")
        self.message_channel.on("message", self._took_message)

    async def _connect(self) -> None:
        # aiortc runs this as a task nobody awaits, and closing in mid-connect makes it fail.
        with contextlib.suppress(InvalidStateError):
            await self._connect_as_aiortc()

    def _took_input(self, message: bytes) -> None:
        self.inbox.append(message)
        self.seen.set()

    def _took_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        self.seen.set()

    def _play(self, track: Any) -> None:
        self._tasks.append(asyncio.ensure_future(self._receive(track)))

    async def _receive(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.readings.append(read_strip(frame.to_ndarray(format="gray")))
                    self.seen.set()

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return encode_request(self.pc.localDescription.sdp)

    async def accept(self, signal_response: str) -> None:
        answer = decode_response(signal_response, NetworkRules(loopback_only=True))
        await self.pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            self.seen.clear()
            await asyncio.wait_for(self.seen.wait(), 20)

    async def frames(self, count: int) -> list[StripReading]:
        """That many more readable frames."""
        have = len(self.readings)
        await self.until(lambda: len(self.readings) >= have + count)
        return [reading for reading in self.readings[have:] if reading is not None]

    def press(self, sequence: int, keys: set[int], **more: int) -> None:
        held = controls.Controls(frozenset(keys), **more)
        self.input.send(controls.encode(controls.ControlsMessage(sequence, held)))

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(
    settings: EmulatorSettings = SETTINGS,
) -> AsyncIterator[tuple[GameHost, Listener]]:
    """A host with a running game; afterwards nothing of it may be left."""
    before = {thread.name for thread in threading.enumerate()}
    listener = Listener()
    factory: HostFactory = functools.partial(GameHost, protocol_url=PROTOCOL_URL)
    host = factory(listener, settings)
    assert isinstance(host, GameHost)
    assert isinstance(host, AdjustableHost)
    await host.start()
    try:
        yield host, listener
    finally:
        await host.stop()
    assert not tasks.alive()
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if name.startswith("emulator")]


async def joined(host: GameHost, connection: int, profile: str = "") -> Player:
    player = Player(profile)
    await player.accept(await host.answer(connection, await player.offer()))
    await player.frames(1)
    return player


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def guarded() -> None:
        async with asyncio.timeout(60):
            await test()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.sleep(0)
        assert not [task for task in left if not task.done()]

    asyncio.run(guarded())
    gc.collect()  # sockets left behind would warn here, and warnings are errors


def counter_of(host: GameHost) -> int:
    counter = host.game_state()["counter"]
    assert isinstance(counter, int)
    return counter


def media_of(host: GameHost) -> dict[str, Any]:
    media = host.game_state()["media"]
    assert isinstance(media, dict)
    return media


def test_play_press_drop_and_come_back() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            first = await joined(host, 1)
            assert listener.values("connected") == [1]
            seen = await first.frames(10)
            counters = [reading.counter for reading in seen]
            assert len(counters) == 10
            assert counters == sorted(set(counters))
            assert abs(counters[-1] - counter_of(host)) < TICKS_PER_S
            assert media_of(host)["codec_profile"] == "baseline", "what it lists first"

            # hello comes by itself, a key moves the game
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
            # half a second without a message lets go
            await asyncio.sleep(controls.RELEASE_AFTER_S + 0.2)
            assert host.game_state()["keys_held"] == []

            # silence with nothing injected between: noticed by the rule, not before
            settings = EmulatorSettings(
                fps=30, bitrate_bps=2_000_000, relay_ports=(0, 0), notice_silent_client_s=0.4
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
            assert state["key_presses"] == 1  # what happened stays happened
            assert abs(new[-1].counter - counter_of(host)) < TICKS_PER_S
            await first.close()
            await second.close()
            await listener.wait("gone", (2, True))

    run(test)


def test_performance_stats_come_each_second_to_those_who_were_promised_them() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            listener.shared = True
            player = await joined(host, 1)
            await player.until(lambda: len(player.messages) >= 2)
            for message in player.messages:
                assert isinstance(message, bytes)
                taken = controls.decode(message)
                assert isinstance(taken, controls.Performance)
                assert set(json.loads(taken.stats)) == {"application", "system"}
            await player.close()

    run(test)


def test_noticing_at_once_and_after_a_freeze() -> None:
    settings = EmulatorSettings(
        fps=30, bitrate_bps=2_000_000, relay_ports=(0, 0), notice_silent_client_s=0
    )

    async def test() -> None:
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

    run(test)


def test_a_silence_that_ends_in_time_is_never_noticed() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.SILENCE, duration_s=0.5, scope="all"))
            await asyncio.sleep(0.6)
            await player.frames(3)
            assert listener.values("gone") == []
            assert host.game_state()["connected"] is True
            await player.close()

    run(test)


def test_an_unprovoked_silence_is_noticed_after_the_minimum() -> None:
    settings = EmulatorSettings(
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        notice_silent_client_s=0,
        notice_unprovoked_min_s=1.8,
    )

    async def test() -> None:
        async with running(settings) as (host, listener):
            player = await joined(host, 1)
            # longer than the minimum, heard all the time by its receiver reports
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

    run(test)


@pytest.mark.parametrize("holds", [True, False])
def test_checks_alone_hold_a_session_only_where_the_setting_says_so(holds: bool) -> None:
    settings = EmulatorSettings(
        fps=30,
        bitrate_bps=2_000_000,
        relay_ports=(0, 0),
        notice_silent_client_s=0.3,
        notice_unprovoked_min_s=0.3,
        checks_hold_connected=holds,
    )

    async def test() -> None:
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
            if holds:
                await asyncio.sleep(1.5)
                assert listener.values("gone") == []
            else:
                await listener.wait("gone", (1, False))
            await peer.close()

    run(test)


def test_graceful_ends_are_told_at_once() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await player.close()
            await listener.wait("gone", (1, True))

            player = await joined(host, 2)
            await host.inject(Fault(FaultKind.GRACEFUL_CLOSE))
            await listener.wait("gone", (2, True))
            await soon(lambda: player.pc.connectionState == "closed")
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

    run(test)


@pytest.mark.parametrize(
    ("offered", "played"), [("42e0", "baseline"), ("4d", "main"), ("64", "high")]
)
def test_the_profile_that_was_offered_is_played(offered: str, played: str) -> None:
    async def test() -> None:
        async with running() as (host, _):
            player = await joined(host, 1, offered)
            assert media_of(host)["codec_profile"] == played
            await player.close()

    run(test)


def test_kill_ends_the_game_and_its_counter() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.KILL))
            assert listener.values("exited") == [True]
            state = host.game_state()
            assert state["running"] is False
            await asyncio.sleep(0.1)
            assert host.game_state()["counter"] == state["counter"]
            await player.close()

    run(test)


def test_a_new_offer_closes_the_former_connection() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            first = await joined(host, 1)
            second = await joined(host, 2)
            await soon(lambda: first.pc.connectionState == "closed")
            await second.frames(2)
            assert listener.values("gone") == []
            await first.close()
            await second.close()

    run(test)


@pytest.mark.parametrize("version", ["1.2.0", "1.0.0"])
def test_the_web_sdks_own_offer_is_answered(version: str) -> None:
    offer = (DATA / f"signal-request-websdk-{version}-chromium-156.json").read_text()

    async def test() -> None:
        async with running(EmulatorSettings()) as (host, _):
            text = await host.answer(1, offer)
            response = json.loads(text)
            assert response["type"] == "answer"
            assert response["webSdkProtocolUrl"] == PROTOCOL_URL
            sections = response["sdp"].split("\r\nm=")[1:]
            offered = json.loads(offer)["sdp"].replace("\r\n", "\n").split("\nm=")[1:]
            assert [s.split(" ")[0] for s in sections] == [s.split(" ")[0] for s in offered]
            # the relay's address, and nothing but it, in the first section
            candidates = [s.count("a=candidate:") for s in sections]
            assert candidates == [1, 0, 0]
            port = int(sections[0].split("a=candidate:")[1].split(" ")[5])
            assert 33435 <= port <= 33465
            assert "a=end-of-candidates" not in response["sdp"]
            # the profile that this browser lists first, with its RTX and the feedback we obey
            video = next(s for s in sections if s.startswith("video"))
            assert "profile-level-id=42001f" in video
            feedback = set(re.findall(r"a=rtcp-fb:\d+ (.+?)\r?$", video, re.MULTILINE))
            assert feedback == {"nack", "nack pli", "goog-remb"}
            assert "stereo=1" in next(s for s in sections if s.startswith("audio"))
            assert "rtx/90000" in video
            assert "a=sendonly" in video
            with pytest.raises(SignalError, match="fresh"):
                await host.answer(2, offer)
            # our side of the codec can read it
            decode_response(text, NetworkRules(loopback_only=True))

    run(test)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "{}",
        '{"type": "offer", "sdp": "v=0"}',
        '{"type": "answer", "sdp": "v=0\\r\\n"}',
    ],
)
def test_bad_offers_are_refused_and_change_nothing(offer: str) -> None:
    async def test() -> None:
        async with running() as (host, _):
            with pytest.raises(SignalError):
                await host.answer(1, offer)
            assert host.game_state()["connected"] is False

    run(test)


def test_an_offer_without_our_codecs_is_refused() -> None:
    offer = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    offer["sdp"] = offer["sdp"].replace("H264/90000", "H263/90000")

    async def test() -> None:
        async with running() as (host, _):
            with pytest.raises(SignalError, match=r"H\.264"):
                await host.answer(1, json.dumps(offer))

    run(test)


def test_closing_in_mid_connect_leaves_nothing() -> None:
    async def test() -> None:
        for step in range(12):
            async with running() as (host, _):
                player = Player()
                await player.accept(await host.answer(1, await player.offer()))
                await asyncio.sleep(step * 0.006)
            await player.close()

    run(test)


def test_stopping_while_an_answer_is_made_leaves_nothing() -> None:
    async def test() -> None:
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

    run(test)


def test_a_fault_needs_a_running_game() -> None:
    async def test() -> None:
        host = GameHost(Listener(), SETTINGS, protocol_url=PROTOCOL_URL)
        with pytest.raises(BadInputError):
            await host.inject(Fault(FaultKind.SILENCE))
        await host.stop()

    run(test)


# --- faults of the host and of the network --------------------------------------------------------


def relay_of(host: GameHost) -> dict[str, Any]:
    relay = host.game_state()["relay"]
    assert isinstance(relay, dict)
    return relay


async def still(player: Player, for_s: float = 0.3) -> bool:
    """Whether no new picture comes for a while, those on their way aside."""
    await asyncio.sleep(0.1)
    have = len(player.readings)
    await asyncio.sleep(for_s)
    return len(player.readings) <= have + 1


def test_no_media_leaves_everything_else_alive() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.NO_MEDIA))
            assert host.game_state()["fault"] == "no_media"
            assert await still(player)
            player.message_channel.send("are you there")
            await player.until(lambda: player.messages == ["are you there"])
            player.press(1, {0x4F})
            await listener.wait("input", None)
            # lifted, the picture is the newest: nothing was lost, so no key frame is needed
            await host.inject(Fault(FaultKind.NONE))
            [reading] = await player.frames(1)
            assert abs(reading.counter - counter_of(host)) < TICKS_PER_S
            assert listener.values("gone") == []
            await player.close()

    run(test)


def test_no_media_for_all_is_about_new_connections_too_and_ends_by_itself() -> None:
    async def test() -> None:
        async with running() as (host, _):
            await host.inject(Fault(FaultKind.NO_MEDIA, scope="all"))
            player = Player()
            await player.accept(await host.answer(1, await player.offer()))
            await soon(lambda: host.game_state()["connected"] is True)
            assert await still(player)
            assert player.readings == []
            await host.inject(Fault(FaultKind.NO_MEDIA, duration_s=0.2))
            await player.frames(2)
            assert host.game_state()["fault"] is None
            await player.close()

    run(test)


def test_a_slow_start_shows_the_first_picture_late() -> None:
    async def test() -> None:
        async with running() as (host, _):
            await host.inject(Fault(FaultKind.SLOW_START, duration_s=0.8))
            player = Player()
            await player.accept(await host.answer(1, await player.offer()))
            await soon(lambda: host.game_state()["connected"] is True)
            connected_at = boot_s()
            await player.frames(1)
            assert boot_s() - connected_at > 0.6
            await player.close()

    run(test)


def test_dtls_closed_by_the_host_ends_the_connection_and_not_the_game() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.DTLS_CLOSE))
            await listener.wait("gone", (1, True))
            await soon(lambda: player.pc.connectionState == "closed")
            again = await joined(host, 2)
            await again.frames(2)
            await player.close()
            await again.close()

    run(test)


def test_a_killed_game_stays_dark_when_the_faults_are_lifted() -> None:
    async def test() -> None:
        async with running() as (host, _):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.KILL))
            await host.inject(Fault(FaultKind.NONE))
            assert await still(player)
            await player.close()

    run(test)


def test_a_lossy_profile_is_played_through_by_resending() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            fault = Fault(FaultKind.PROFILE, profile="bursty_10_short", seed=3)
            await host.inject(fault)
            state = host.game_state()
            assert (state["fault"], state["profile"]) == ("profile", "bursty_10_short")
            await player.frames(30)
            assert relay_of(host)["packets_dropped"] > 0
            assert media_of(host)["resent"] > 0
            # it is about the connections that come as well
            second = await joined(host, 2)
            await second.frames(5)
            await host.inject(Fault(FaultKind.NONE))
            dropped = relay_of(host)["packets_dropped"]
            await second.frames(5)
            assert relay_of(host)["packets_dropped"] == dropped
            assert listener.values("gone") == []
            await player.close()
            await second.close()

    run(test)


def test_a_cut_is_noticed_like_a_silence_and_a_short_one_is_not() -> None:
    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.PROFILE, profile="cut_0.4s"))
            assert await still(player, 0.1)
            await player.frames(3)
            assert listener.values("gone") == []
            host.settings_changed(dataclasses.replace(SETTINGS, notice_silent_client_s=0.7))
            at = await host.inject(Fault(FaultKind.PROFILE, profile="cut_forever"))
            gone_at = await listener.wait("gone", (1, False))
            assert gone_at - at >= 0.7
            await player.close()

    run(test)


def test_one_way_cuts_are_what_they_say() -> None:
    settings = EmulatorSettings(
        fps=30, bitrate_bps=2_000_000, relay_ports=(0, 0), notice_silent_client_s=0.3
    )

    async def test() -> None:
        async with running(settings) as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.PROFILE, profile="oneway_down"))
            assert await still(player, 0.5)
            # the host goes on hearing the client
            player.press(1, {0x4F})
            await listener.wait("input", None)
            assert listener.values("gone") == []
            # the same cut of the other direction alone does nothing
            await host.inject(Fault(FaultKind.PROFILE, profile="oneway_down", direction="up"))
            await player.frames(2)
            await host.inject(Fault(FaultKind.PROFILE, profile="oneway_up"))
            await listener.wait("gone", (1, False))
            await player.close()

    run(test)


def test_a_cut_until_the_window_ends_knows_how_long_that_is() -> None:
    """1 s of window: the cut ends with it, and the client is back in its picture."""

    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            fault = Fault(FaultKind.PROFILE, profile="cut_until_window-1", window_s=1.5)
            at = await host.inject(fault)
            assert await still(player, 0.1)
            await player.frames(2)
            assert boot_s() - at > 0.5
            assert listener.values("gone") == []
            await player.close()

    run(test)


def test_delays_are_on_the_way_and_a_goodbye_arrives_through_them() -> None:
    async def test() -> None:
        async with running() as (host, _):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.PROFILE, profile="geo_sat"))
            await soon(lambda: relay_of(host)["packets_waiting"] > 20)
            await soon(lambda: relay_of(host)["median_lateness_s"] is not None)
            await host.inject(Fault(FaultKind.GRACEFUL_CLOSE))
            await soon(lambda: player.pc.connectionState == "closed")
            await player.close()

    run(test)


@pytest.mark.parametrize(("role", "setup"), [("client", "active"), ("server", "passive")])
def test_the_host_is_in_dtls_what_the_setting_says(
    role: Literal["client", "server"], setup: str
) -> None:
    async def test() -> None:
        async with running(dataclasses.replace(SETTINGS, dtls_role=role)) as (host, _):
            player = Player()
            answer = await host.answer(1, await player.offer())
            assert re.findall(r"a=setup:(\w+)", json.loads(answer)["sdp"]) == [setup] * 3
            await player.accept(answer)
            await player.frames(1)
            await player.close()

    run(test)


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize(("offered", "setup"), [("active", "passive"), ("passive", "active")])
def test_a_client_that_leaves_no_choice_in_dtls_gets_what_it_offered(
    role: Literal["client", "server"], offered: str, setup: str
) -> None:
    async def test() -> None:
        async with running(dataclasses.replace(SETTINGS, dtls_role=role)) as (host, _):
            player = Player()
            offer = (await player.offer()).replace("a=setup:actpass", f"a=setup:{offered}")
            answer = await host.answer(1, offer)
            assert re.findall(r"a=setup:(\w+)", json.loads(answer)["sdp"]) == [setup] * 3
            await player.accept(answer)
            await player.frames(1)
            await player.close()

    run(test)


def test_a_round_trip_is_there_before_and_after_a_fault() -> None:
    async def test() -> None:
        async with running(dataclasses.replace(SETTINGS, round_trip_s=0.04)) as (host, _):
            first = await joined(host, 1)
            before = relay_of(host)["packets_delayed"]
            assert before > 0
            await host.inject(Fault(FaultKind.SILENCE))  # lifts every profile, and this is none
            second = await joined(host, 2)
            assert relay_of(host)["packets_delayed"] > before
            host.settings_changed(SETTINGS)
            await soon(lambda: relay_of(host)["packets_waiting"] == 0)
            at_last = relay_of(host)["packets_delayed"]
            await second.frames(3)
            assert relay_of(host)["packets_delayed"] == at_last
            await first.close()
            await second.close()

    run(test)


def test_the_path_loses_packets_where_the_setting_says_so() -> None:
    async def test() -> None:
        async with running() as (host, _):
            player = await joined(host, 1)
            assert relay_of(host)["packets_dropped"] == 0
            host.settings_changed(dataclasses.replace(SETTINGS, loss=0.2))
            await soon(lambda: relay_of(host)["packets_dropped"] > 0)
            host.settings_changed(SETTINGS)
            lost = relay_of(host)["packets_dropped"]
            await player.frames(3)
            assert relay_of(host)["packets_dropped"] == lost
            await player.close()

    run(test)


@pytest.mark.parametrize("answers", [True, False])
def test_nack_is_answered_only_where_the_setting_says_so(answers: bool) -> None:
    def told(host: GameHost) -> dict[str, Any]:
        media = host.game_state()["media"]
        assert isinstance(media, dict)
        return media

    async def test() -> None:
        settings = dataclasses.replace(SETTINGS, answers_nack=answers)
        async with running(settings) as (host, _):
            player = await joined(host, 1)
            host.settings_changed(dataclasses.replace(settings, loss=0.2))
            await soon(lambda: told(host)["nacked"] > 5)
            if answers:
                await soon(lambda: told(host)["resent"] > 0)
            else:
                assert told(host)["resent"] == 0
            await player.close()

    run(test)


def test_after_a_rebind_a_client_that_does_not_nominate_again_is_heard_and_not_answered() -> None:
    """A client of aiortc as it is."""

    async def test() -> None:
        async with running() as (host, listener):
            player = await joined(host, 1)
            await host.inject(Fault(FaultKind.PROFILE, profile="nat_rebind"))
            await soon(lambda: relay_of(host)["flows_rebound"] == 1)
            up = relay_of(host)["packets_up"]
            player.press(1, {0x4F})
            await listener.wait("input", None)
            assert relay_of(host)["packets_up"] > up
            assert await still(player)
            second = await joined(host, 2)
            await second.frames(2)
            await player.close()
            await second.close()

    run(test)


def test_full_hd_at_thirty_mbit_is_played_and_can_be_read() -> None:
    settings = EmulatorSettings(
        width=1920,
        height=1080,
        fps=30,
        bitrate_bps=30_000_000,
        constant_bitrate=True,
        relay_ports=(0, 0),
    )

    async def test() -> None:
        async with running(settings) as (host, _):
            player = await joined(host, 1)
            readings = await player.frames(12)
            assert len(readings) == 12
            # 125 kB each; on a machine that is too slow there are fewer and larger ones
            media = media_of(host)
            assert media["bytes"] / media["frames"] > 60_000
            await player.close()

    run(test)
