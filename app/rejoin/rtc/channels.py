"""The two data channels as bytes: what the input module sends goes out, and the host's comes in.

Labels and reliability are those that AWS's Web SDK was observed to use. Only the module knows what
the bytes mean. Nothing is queued here: a message that cannot be sent now is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from aiortc import RTCPeerConnection

from rejoin.input_protocol.controls import INPUT_CHANNEL, MESSAGE_CHANNEL
from rejoin.rtc.handshake_seam import keep_sctp_closed

MOST_BUFFERED: Final = {INPUT_CHANNEL: 16 * 1024, MESSAGE_CHANNEL: 1024 * 1024}
"""Bytes per channel. With more than this unsent the path is stuck, and new messages are dropped:
input that arrives seconds late would do harm."""

MAX_MESSAGE: Final = 64 * 1024
"""Bytes; what both sides accept by default (RFC 8841, 6.1)."""


class ChannelListener(Protocol):
    """The one reader of a connection's channels; called on the event loop."""

    def message(self, label: str, data: bytes | str) -> None:
        """The host sent this."""

    def state(self, label: str) -> None:
        """The channel opened or closed."""


@dataclass(frozen=True, slots=True)
class ChannelCallbacks:
    """What the channels report; called on the event loop.

    `on_input_unavailable()`: the input channel will not open. `on_message(label, data)`: the host
    sent a message. `on_state(label)`: as of `ChannelListener`. `on_closed(label)`: the host closed
    one channel that was open.
    """

    on_input_open: Callable[[], None]
    on_input_unavailable: Callable[[], None]
    on_message: Callable[[str, bytes | str], None]
    on_state: Callable[[str], None]
    on_closed: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """`ready_state`, `buffered_bytes`: RTCDataChannel's readyState and bufferedAmount."""

    ready_state: str
    buffered_bytes: int


class Channels:
    """Both channels of one connection; create it before the offer is made."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        *,
        may_send: Callable[[], bool],
        callbacks: ChannelCallbacks,
    ) -> None:
        self.messages_sent = 0
        self.messages_not_sent = 0
        """Messages that could not or must not be sent at that moment; they were dropped."""
        self._may_send = may_send
        self._callbacks = callbacks
        self._closed = False
        self._input = connection.createDataChannel(INPUT_CHANNEL, ordered=False, maxRetransmits=0)
        self._messages = connection.createDataChannel(MESSAGE_CHANNEL)
        self._by_label = {INPUT_CHANNEL: self._input, MESSAGE_CHANNEL: self._messages}
        self._sctp = connection.sctp
        self._opened: set[str] = set()
        for label, channel in self._by_label.items():
            channel.on("open", partial(self._on_open, label))
            channel.on("message", partial(self._on_message, label))
            channel.on("close", partial(self._on_close, label))

    def keep_closed(self) -> None:
        """The answer has no data channels: send nothing for ours. Call it before it is applied."""
        if self._sctp is not None:
            keep_sctp_closed(self._sctp)
        self.association_ended()

    def close(self) -> None:
        """Report nothing more; the channels close with their connection."""
        self._closed = True

    def association_ended(self) -> None:
        """SCTP was aborted or given up, or the host has none: nothing opens any more."""
        if INPUT_CHANNEL not in self._opened and not self._closed:
            self._callbacks.on_input_unavailable()

    def send(self, label: str, data: bytes | str) -> bool:
        """Send a message on this channel now, or never. Returns whether it was sent."""
        channel = self._by_label[label]
        sendable = (
            not self._closed
            and channel.readyState == "open"
            and self._may_send()
            and len(data if isinstance(data, bytes) else data.encode()) <= MAX_MESSAGE
            and channel.bufferedAmount <= MOST_BUFFERED[label]
        )
        try:
            if sendable:
                channel.send(data)
        except ValueError:
            sendable = False  # larger than this host accepts
        if sendable:
            self.messages_sent += 1
        else:
            self.messages_not_sent += 1
        return sendable

    def state(self, label: str) -> ChannelState:
        """What a browser would show of this channel."""
        channel = self._by_label[label]
        ready_state = "closed" if self._closed else channel.readyState
        return ChannelState(ready_state, channel.bufferedAmount)

    def _on_open(self, label: str) -> None:
        if self._closed:
            return  # it opened while the connection was being closed
        self._opened.add(label)
        self._callbacks.on_state(label)
        if label == INPUT_CHANNEL:
            self._callbacks.on_input_open()

    def _on_message(self, label: str, data: bytes | str) -> None:
        if not self._closed:
            self._callbacks.on_message(label, data)

    def _on_close(self, label: str) -> None:
        """Only a channel that was open says something about the host when it closes."""
        if self._closed:
            return
        self._callbacks.on_state(label)
        if label in self._opened:
            self._callbacks.on_closed(label)
        elif label == INPUT_CHANNEL:
            self.association_ended()
