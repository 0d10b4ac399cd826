"""A running `GameHost` on real sockets, and a plain aiortc client for it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

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
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.host.strip import StripReading, read_strip
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostFactory
from rejoin.input_protocol import controls
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.codecs import offer_every_profile
from rejoin.rtc.signal_codec import decode_response, encode_request

PROTOCOL_URL = "http://127.0.0.1/protocol.js"
PATIENCE_S = 240.0
"""On a busy machine a first picture has taken more than a minute. Perhaps because aiortc's own
client waits after a gap until 128 more packets have come; that was not looked into."""


SETTINGS = EmulatorSettings(
    width=640, height=360, fps=30, bitrate_bps=2_000_000, relay_ports=(0, 0)
)


DATA = Path(__file__).parents[1] / "data"


class Listener:
    """The service's side: what the host reported, with boot times."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, Any, float]] = []
        self._changed = asyncio.Event()
        self.shared = False

    def _note(self, what: str, value: Any) -> None:
        self.reports.append((what, value, boot_s()))
        self._changed.set()

    def client_connected(self, connection: int) -> None:
        self._note("connected", connection)

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        self._note("gone", (connection, graceful))

    def client_input(self) -> None:
        self._note("input", None)

    def game_exited(self, detail: str) -> None:
        self._note("exited", detail)

    def shares_performance(self) -> bool:
        return self.shared

    def values(self, what: str) -> list[Any]:
        return [value for name, value, _ in self.reports if name == what]

    async def wait(self, what: str, value: Any) -> float:
        """Wait for this report; returns its boot time."""
        while True:
            for name, reported, at in self.reports:
                if (name, reported) == (what, value):
                    return at
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE_S)


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
        self.input.on("message", self._on_input)
        self.message_channel = self.pc.createDataChannel("clientMessageChannel")
        self.message_channel.on("message", self._on_message)

    async def _connect(self) -> None:
        # aiortc runs this as a task that nothing awaits; it fails if closed while connecting.
        with contextlib.suppress(InvalidStateError):
            await self._connect_as_aiortc()

    def _on_input(self, message: bytes) -> None:
        self.inbox.append(message)
        self.seen.set()

    def _on_message(self, message: str | bytes) -> None:
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
            await asyncio.wait_for(self.seen.wait(), PATIENCE_S)

    async def frames(self, count: int) -> list[StripReading]:
        """Wait for this many more readable frames."""
        have = len(self.readings)
        await self.until(lambda: len(self.readings) >= have + count)
        return [each for each in self.readings[have : have + count] if each is not None]

    async def shows(self, counter: int) -> None:
        """Wait for a picture of the game at this counter or later; those that are on their way may
        be older."""
        await self.until(
            lambda: any(each is not None and each.counter >= counter for each in self.readings[-1:])
        )

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
    """A host with a running game; checks that it leaves nothing running."""
    before = {thread.name for thread in threading.enumerate()}
    listener = Listener()
    factory: HostFactory = functools.partial(GameHost, protocol_url=PROTOCOL_URL)
    host = factory(listener, settings)
    assert isinstance(host, GameHost)
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


def counter_of(host: GameHost) -> int:
    counter = host.game_state()["counter"]
    assert isinstance(counter, int)
    return counter


def media_of(host: GameHost) -> dict[str, Any]:
    media = host.game_state()["media"]
    assert isinstance(media, dict)
    return media


def relay_of(host: GameHost) -> dict[str, Any]:
    relay = host.game_state()["relay"]
    assert isinstance(relay, dict)
    return relay


async def still(player: Player, for_s: float = 0.3) -> bool:
    """Whether no new picture arrives for a while, apart from those already in transit."""
    for _ in range(10):
        have = len(player.readings)
        await asyncio.sleep(for_s)
        if len(player.readings) == have:
            return True
    return False
