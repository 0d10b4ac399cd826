"""The reliable data channel to one client: application messages, statistics, the disconnect.

The game itself sends one kind of application message: a heartbeat, from which reconnection tests
see whether it is still the same game (docs/testing.md).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import RTCSctpTransport

from rejoin import tasks
from rejoin.clock import Clock
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.performance import SHARE_EVERY_S, LoadMeter
from rejoin.emulator.service.protocol_script import MAX_APPLICATION_MESSAGE
from rejoin.input_protocol import controls
from rejoin.rtc import aiortc_seam

ECHO_BUFFERED_MAX_BYTES = 1024 * 1024
"""With more than this unsent the client reads nothing, and messages are not echoed."""

FLUSH_POLLS = 40
FLUSH_POLL_EVERY_S = 0.005
"""A DISCONNECT message has 0.2 s in all to be acknowledged before the connection is closed."""


class MessageChannel:
    """The client's `clientMessageChannel`, once the client has opened it."""

    def __init__(self, is_frozen: Callable[[], bool]) -> None:
        """`is_frozen`: whether the game sends nothing now, because it hangs or has ended."""
        self._is_frozen = is_frozen
        self._stopped = False
        self._channel: RTCDataChannel | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None

    def opened(self, channel: RTCDataChannel) -> None:
        """The client opened the channel."""
        self._channel = channel
        channel.on("message", self._echo)

    def share_performance(self) -> None:
        """Send performance statistics from now on, every second."""
        self._sharing = tasks.spawn(self._share_performance(), name="emulator-stats")

    def send_heartbeats(self, every_s: float, game: Game, clock: Clock) -> None:
        """Send the game's heartbeat from now on: its ticks, and which start of it this is."""
        beating = self._send_heartbeats(every_s, game, clock)
        self._beating = tasks.spawn(beating, name="emulator-heartbeat")

    async def send_disconnect(self, reason: str, sctp: RTCSctpTransport | None) -> None:
        """Send the client the reason for the disconnect, and wait for its acknowledgement."""
        channel = self._channel
        if channel is None or sctp is None or channel.readyState != "open":
            return
        if not _sent(channel, controls.encode(controls.Disconnect(reason))):
            return
        for _ in range(FLUSH_POLLS):
            if not channel.bufferedAmount and not aiortc_seam.unacknowledged_bytes(sctp):
                return
            await asyncio.sleep(FLUSH_POLL_EVERY_S)

    def stop(self) -> None:
        """The connection is being closed: echo and share nothing more."""
        self._stopped = True

    async def close(self) -> None:
        """Stop and leave no task behind. The channel itself is closed with its connection."""
        self._stopped = True
        await tasks.cancel(self._sharing, self._beating)

    def _echo(self, message: str | bytes) -> None:
        """Send application messages back unchanged, so that clients can test them.

        Also while frozen: what arrived before is answered when the connection thaws, as SCTP
        retransmits it until then.
        """
        channel = self._channel
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if channel is None or size > MAX_APPLICATION_MESSAGE or self._stopped:
            return
        if channel.readyState == "open" and channel.bufferedAmount <= ECHO_BUFFERED_MAX_BYTES:
            _sent(channel, message)

    async def _share_performance(self) -> None:
        meter = LoadMeter()
        while True:
            await asyncio.sleep(SHARE_EVERY_S)
            channel = self._channel
            if channel is None or channel.readyState != "open":
                continue
            if not self._stopped and not self._is_frozen():
                _sent(channel, controls.encode(controls.Performance(meter.read())))

    async def _send_heartbeats(self, every_s: float, game: Game, clock: Clock) -> None:
        while not self._stopped:
            channel = self._channel
            if channel is not None and channel.readyState == "open" and not self._is_frozen():
                beat = {"heartbeat": game.advance(clock()), "game": game.start_id}
                _sent(channel, json.dumps(beat).encode())
            await asyncio.sleep(every_s)


def _sent(channel: RTCDataChannel, message: str | bytes) -> bool:
    """Send it; False if it is longer than this client accepts (`a=max-message-size`)."""
    try:
        channel.send(message)
    except ValueError:
        return False
    return True
