from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCPeerConnection

from rejoin import tasks
from rejoin.input_protocol.controls import INPUT_CHANNEL, MESSAGE_CHANNEL
from rejoin.rtc.channels import (
    MAX_MESSAGE,
    MOST_BUFFERED,
    ChannelCallbacks,
    Channels,
    ChannelState,
)


class Scene:
    """Channels on a connection that never connects; tests emit their events."""

    def __init__(self, *, may_send: bool = True) -> None:
        self.reported: list[object] = []
        self.heard: list[tuple[str, bytes | str]] = []
        self.states: list[tuple[str, str]] = []
        self.pc = RTCPeerConnection()
        self.may_send = may_send
        self.channels = Channels(
            self.pc,
            may_send=lambda: self.may_send,
            callbacks=ChannelCallbacks(
                on_input_open=lambda: self.reported.append("open"),
                on_input_unavailable=lambda: self.reported.append("unavailable"),
                on_message=lambda label, data: self.heard.append((label, data)),
                on_state=lambda label: self.states.append(
                    (label, self.channels.state(label).ready_state)
                ),
                on_closed=self.reported.append,
            ),
        )
        self.input: Any = self.channels._input
        self.messages: Any = self.channels._messages
        self.sent: list[bytes] = []

    def open(self, channel: Any, *, buffered: int = 0) -> None:
        """Open it, with this much unsent; what it sends is only recorded."""
        channel.send = self.sent.append
        channel._addBufferedAmount(buffered)
        channel._setReadyState("open")


@asynccontextmanager
async def channels(*, may_send: bool = True) -> AsyncIterator[Scene]:
    scene = Scene(may_send=may_send)
    yield scene
    scene.channels.close()
    await scene.pc.close()
    assert not tasks.alive()


async def test_a_channel_that_opens_during_the_close_is_not_reported() -> None:
    async with channels() as scene:
        scene.channels.close()
        scene.input.emit("open")
        scene.input.emit("message", b"late")
        assert (scene.reported, scene.heard, scene.states) == ([], [], [])
        assert scene.channels.state(INPUT_CHANNEL).ready_state == "closed"
        assert not scene.channels.send(INPUT_CHANNEL, b"late")


async def test_both_channels_are_created_as_in_the_web_sdk() -> None:
    async with channels() as scene:
        assert scene.input.label == "inputChannel"
        assert not scene.input.ordered
        assert scene.input.maxRetransmits == 0
        assert scene.messages.label == "clientMessageChannel"
        assert scene.messages.ordered
        assert scene.messages.maxRetransmits is None


async def test_whatever_the_host_sends_is_passed_on_unread() -> None:
    async with channels() as scene:
        for data in (b"", b"\x52\x01\x01", "text", b"x" * 5000):
            scene.input.emit("message", data)
            scene.messages.emit("message", data)
        assert [data for label, data in scene.heard if label == INPUT_CHANNEL] == [
            b"",
            b"\x52\x01\x01",
            "text",
            b"x" * 5000,
        ]
        assert len(scene.heard) == 8
    assert scene.reported == []


@pytest.mark.parametrize("label", [INPUT_CHANNEL, MESSAGE_CHANNEL])
async def test_bytes_go_out_on_either_channel_once_it_is_open(label: str) -> None:
    async with channels() as scene:
        assert scene.channels.state(label) == ChannelState("connecting", 0)
        assert not scene.channels.send(label, b"early")
        scene.open(scene.channels._by_label[label], buffered=7)
        assert scene.states == [(label, "open")]
        assert scene.channels.state(label) == ChannelState("open", 7)
        assert scene.channels.send(label, b"now")
        assert scene.sent == [b"now"], "what came too early is not sent later"
        assert (scene.channels.messages_sent, scene.channels.messages_not_sent) == (1, 1)


@pytest.mark.parametrize("label", [INPUT_CHANNEL, MESSAGE_CHANNEL])
async def test_a_muted_connection_sends_nothing_on_either_channel(label: str) -> None:
    async with channels(may_send=False) as scene:
        scene.open(scene.channels._by_label[label])
        assert not scene.channels.send(label, b"held")
        assert scene.sent == []
        scene.may_send = True
        assert scene.channels.send(label, b"free")
    assert scene.sent == [b"free"]


@pytest.mark.parametrize("label", [INPUT_CHANNEL, MESSAGE_CHANNEL])
async def test_what_a_stuck_path_cannot_take_is_dropped(label: str) -> None:
    async with channels() as scene:
        channel = scene.channels._by_label[label]
        scene.open(channel, buffered=MOST_BUFFERED[label])
        assert scene.channels.send(label, b"fits")
        channel._addBufferedAmount(1)
        assert not scene.channels.send(label, b"stale")
        channel._addBufferedAmount(-channel.bufferedAmount)
        assert not scene.channels.send(label, bytes(MAX_MESSAGE + 1))
        assert not scene.channels.send(label, "ü" * (MAX_MESSAGE // 2 + 1))
        assert scene.channels.send(label, bytes(MAX_MESSAGE))


async def test_a_message_that_this_host_does_not_accept_is_not_sent() -> None:
    async with channels() as scene:
        scene.open(scene.input)

        def refuse(data: bytes) -> None:
            raise ValueError

        scene.input.send = refuse
        assert not scene.channels.send(INPUT_CHANNEL, b"large")
        assert scene.channels.messages_not_sent == 1


async def test_a_channel_that_closes_is_reported_only_if_it_was_open() -> None:
    async with channels() as scene:
        scene.messages._setReadyState("closed")
        assert scene.reported == []
        scene.input._setReadyState("closed")
        assert scene.reported == ["unavailable"]
    async with channels() as scene:
        for channel in (scene.input, scene.messages):
            channel._setReadyState("open")
            channel._setReadyState("closed")
    assert scene.reported == ["open", "inputChannel", "clientMessageChannel"]
    assert [state for _, state in scene.states] == ["open", "closed"] * 2


async def test_an_association_that_ends_before_the_input_channel_opened_leaves_no_input() -> None:
    async with channels() as scene:
        scene.messages._setReadyState("open")
        scene.channels.association_ended()
    assert scene.reported == ["unavailable"]
    async with channels() as scene:
        scene.input._setReadyState("open")
        scene.channels.association_ended()
    assert scene.reported == ["open"]
    async with channels() as scene:
        scene.channels.close()
        scene.channels.association_ended()
    assert scene.reported == []
    await asyncio.sleep(0)
