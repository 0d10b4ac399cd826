"""The two data channels: the player's controls to the host, its Hello and Disconnect to us.

Labels and reliability are those that AWS's Web SDK was observed to use; the messages are defined in
`input_protocol/controls`. Nothing is queued: what cannot be sent now is not sent later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiortc import RTCPeerConnection

from rejoin.input_protocol.controls import (
    INPUT_CHANNEL,
    MESSAGE_CHANNEL,
    REPEAT_AFTER_CHANGE,
    REPEAT_EVERY_S,
    VERSION,
    Controls,
    ControlsFormatError,
    ControlsMessage,
    Disconnect,
    Hello,
    Message,
    decode,
    encode,
)
from rejoin.rtc.handshake_seam import keep_sctp_closed
from rejoin.tasks import cancel, spawn

HELLO_WITHIN_S = 1.0
"""A host that speaks our input protocol sends Hello at once; after this time it does not."""

MOST_BUFFERED_BYTES = 2048
"""With more than this unsent the path is stuck; a newer state is sent when it is free again."""


class ControlsSender:
    """Sends the whole state of the controls: at once on a change, three times in all, and then
    for as long as anything is held."""

    def __init__(self, send: Callable[[bytes], bool], *, name: str) -> None:
        self.messages_sent = 0
        self.messages_not_sent = 0
        """States that could not be sent at that moment; they were dropped."""
        self._send = send
        self._name = name
        self._controls = Controls()
        self._sequence = 0
        self._repeats_left = 0
        self._repeating: asyncio.Task[None] | None = None
        self._closed = False

    def set_controls(self, controls: Controls) -> None:
        """The player pressed, released or moved something."""
        if self._closed or controls == self._controls:
            return
        self._controls = controls
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        self._repeats_left = REPEAT_AFTER_CHANGE
        self._send_state()
        if self._repeating is None or self._repeating.done():
            self._repeating = spawn(self._repeat(), name=self._name)

    async def close(self) -> None:
        self._closed = True
        await cancel(self._repeating)

    async def _repeat(self) -> None:
        while self._repeats_left > 0 or self._controls.held:
            await asyncio.sleep(REPEAT_EVERY_S)
            if self._repeats_left > 0 or self._controls.held:
                self._send_state()

    def _send_state(self) -> None:
        self._repeats_left = max(0, self._repeats_left - 1)
        if self._send(encode(ControlsMessage(self._sequence, self._controls))):
            self.messages_sent += 1
        else:
            self.messages_not_sent += 1


@dataclass(frozen=True, slots=True)
class ChannelCallbacks:
    """What the channels report; called on the event loop.

    `on_input_unavailable()`: the input channel will not open. `on_controls_known(known)`: whether
    the host speaks our input protocol. `on_disconnect(reason)`: the host ended the session.
    `on_closed(label)`: the host closed one channel that was open.
    """

    on_input_open: Callable[[], None]
    on_input_unavailable: Callable[[], None]
    on_controls_known: Callable[[bool], None]
    on_disconnect: Callable[[str], None]
    on_closed: Callable[[str], None]


class Channels:
    """Both channels of one connection; create it before the offer is made."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        *,
        name: str,
        may_send: Callable[[], bool],
        callbacks: ChannelCallbacks,
    ) -> None:
        self.bad_messages = 0
        """Messages that are not of our protocol; ignored."""
        self._name = name
        self._may_send = may_send
        self._callbacks = callbacks
        self._controls_known: bool | None = None
        self._closed = False
        self._hello_timeout: asyncio.Task[None] | None = None
        self._input = connection.createDataChannel(INPUT_CHANNEL, ordered=False, maxRetransmits=0)
        self._messages = connection.createDataChannel(MESSAGE_CHANNEL)
        self._sctp = connection.sctp
        self.controls = ControlsSender(self._send, name=f"{name}-controls")
        self._input.on("open", self._on_open)
        self._input.on("message", self._on_input_message)
        self._messages.on("message", self._on_client_message)
        self._opened: set[str] = set()
        for channel in (self._input, self._messages):
            channel.on("open", partial(self._opened.add, channel.label))
            channel.on("close", partial(self._on_close, channel.label))

    def keep_closed(self) -> None:
        """The answer has no data channels: send nothing for ours. Call it before it is applied."""
        if self._sctp is not None:
            keep_sctp_closed(self._sctp)
        self.association_ended()

    async def close(self) -> None:
        """Cancel our tasks; the channels close with their connection."""
        self._closed = True
        await self.controls.close()
        await cancel(self._hello_timeout)

    def association_ended(self) -> None:
        """SCTP was aborted or given up, or the host has none: nothing opens any more."""
        if self._input.label not in self._opened and not self._closed:
            self._callbacks.on_input_unavailable()

    def _on_close(self, label: str) -> None:
        """Only the end of what was open says something about the host."""
        if label in self._opened:
            self._callbacks.on_closed(label)
        elif label == self._input.label:
            self.association_ended()

    def _on_open(self) -> None:
        if self._closed:
            return  # it opened while the connection was being closed
        self._callbacks.on_input_open()
        if self._controls_known is None:
            self._hello_timeout = spawn(self._await_hello(), name=f"{self._name}-hello")

    async def _await_hello(self) -> None:
        await asyncio.sleep(HELLO_WITHIN_S)
        if self._controls_known is None:
            self._set_controls_known(False)

    def _set_controls_known(self, known: bool) -> None:
        if known != self._controls_known:
            self._controls_known = known
            self._callbacks.on_controls_known(known)

    def _on_input_message(self, data: Any) -> None:
        match self._read(data):
            case Hello(version):
                self._set_controls_known(version == VERSION)
            case None:
                pass
            case _:
                self.bad_messages += 1

    def _on_client_message(self, data: Any) -> None:
        match self._read(data):
            case Disconnect(reason):
                self._callbacks.on_disconnect("".join(c for c in reason if c.isprintable()))
            case None:
                pass
            case _:
                self.bad_messages += 1

    def _read(self, data: Any) -> Message | None:
        try:
            if isinstance(data, bytes):
                return decode(data)
        except ControlsFormatError:
            pass
        self.bad_messages += 1
        return None

    def _send(self, message: bytes) -> bool:
        channel = self._input
        if channel.readyState != "open" or not self._may_send():
            return False
        if channel.bufferedAmount > MOST_BUFFERED_BYTES:
            return False
        try:
            channel.send(message)
        except ValueError:
            return False  # longer than this host accepts (a=max-message-size)
        return True
