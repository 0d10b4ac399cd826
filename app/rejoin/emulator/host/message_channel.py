"""The reliable data channel to one client: application messages, statistics, the disconnect."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import RTCSctpTransport

from rejoin import tasks
from rejoin.emulator.host.performance import SHARE_EVERY_S, LoadMeter
from rejoin.emulator.service.protocol_script import MAX_APPLICATION_MESSAGE
from rejoin.input_protocol import controls
from rejoin.rtc import aiortc_seam

FLUSH_POLLS = 40
FLUSH_POLL_EVERY_S = 0.005
"""A DISCONNECT message has 0.2 s in all to be acknowledged before the connection is closed."""


class MessageChannel:
    """The client's `clientMessageChannel`, once the client has opened it."""

    def __init__(self, may_send: Callable[[], bool]) -> None:
        """`may_send`: whether the connection may send now (not frozen, not being closed)."""
        self._may_send = may_send
        self._channel: RTCDataChannel | None = None
        self._sharing: asyncio.Task[None] | None = None

    def opened(self, channel: RTCDataChannel) -> None:
        """The client opened the channel."""
        self._channel = channel
        channel.on("message", self._echo)

    def share_performance(self) -> None:
        """Send performance statistics from now on, every second."""
        self._sharing = tasks.spawn(self._share_performance(), name="emulator-stats")

    async def send_disconnect(self, reason: str, sctp: RTCSctpTransport | None) -> None:
        """Tell the client why it will be closed, and wait until the message is acknowledged."""
        channel = self._channel
        if channel is None or sctp is None or channel.readyState != "open":
            return
        channel.send(controls.encode(controls.Disconnect(reason)))
        for _ in range(FLUSH_POLLS):
            if not channel.bufferedAmount and not aiortc_seam.unacknowledged_bytes(sctp):
                return
            await asyncio.sleep(FLUSH_POLL_EVERY_S)

    async def close(self) -> None:
        """Leave no task behind. The channel itself is closed with its connection."""
        await tasks.cancel(self._sharing)

    def _echo(self, message: str | bytes) -> None:
        """Send application messages back unchanged, so that clients can test them."""
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if self._channel is not None and size <= MAX_APPLICATION_MESSAGE and self._may_send():
            with contextlib.suppress(ValueError):  # larger than this client accepts
                self._channel.send(message)

    async def _share_performance(self) -> None:
        meter = LoadMeter()
        while True:
            await asyncio.sleep(SHARE_EVERY_S)
            channel = self._channel
            if channel is not None and channel.readyState == "open" and self._may_send():
                channel.send(controls.encode(controls.Performance(meter.read())))
