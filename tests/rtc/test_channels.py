from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiortc import RTCPeerConnection

from rejoin import tasks
from rejoin.input_protocol.controls import (
    Controls,
    ControlsMessage,
    Disconnect,
    Hello,
    decode,
    encode,
)
from rejoin.rtc.channels import ChannelCallbacks, Channels, ControlsSender

HELD = Controls(keys=frozenset({4, 26}))


async def until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


class Wire:
    def __init__(self, *, open: bool = True) -> None:
        self.open = open
        self.sent: list[ControlsMessage] = []

    def send(self, data: bytes) -> bool:
        if self.open:
            message = decode(data)
            assert isinstance(message, ControlsMessage)
            self.sent.append(message)
        return self.open


async def test_a_change_is_sent_at_once_and_three_times_in_all() -> None:
    wire = Wire()
    sender = ControlsSender(wire.send, name="t")
    sender.set_controls(Controls(pointer_x_total=5))
    assert len(wire.sent) == 1
    await until(lambda: len(wire.sent) >= 3)
    await asyncio.sleep(0.2)
    await sender.close()
    assert len(wire.sent) == 3
    assert {message.sequence for message in wire.sent} == {1}


async def test_held_controls_are_repeated_until_they_are_released() -> None:
    wire = Wire()
    sender = ControlsSender(wire.send, name="t")
    sender.set_controls(HELD)
    await until(lambda: len(wire.sent) > 4)
    held = len(wire.sent)
    sender.set_controls(HELD)
    assert len(wire.sent) == held
    sender.set_controls(HELD.released())
    await until(lambda: "t" not in tasks.alive())
    await sender.close()
    after = wire.sent[held:]
    assert [message.controls.held for message in after] == [False] * 3
    assert {message.sequence for message in after} == {2}


async def test_nothing_is_queued_while_the_channel_is_closed() -> None:
    wire = Wire(open=False)
    sender = ControlsSender(wire.send, name="t")
    sender.set_controls(HELD)
    sender.set_controls(Controls())
    await asyncio.sleep(0.25)
    wire.open = True
    await asyncio.sleep(0.1)
    assert wire.sent == []
    await sender.close()
    sender.set_controls(HELD)
    assert wire.sent == []
    assert sender.messages_sent == 0
    assert sender.messages_not_sent >= 2


class Scene:
    """Channels on a connection that never connects; tests emit their events."""

    def __init__(self, *, may_send: bool = True) -> None:
        self.reported: list[object] = []
        self.pc = RTCPeerConnection()
        self.channels = Channels(
            self.pc,
            name="t",
            may_send=lambda: may_send,
            callbacks=ChannelCallbacks(
                on_input_open=lambda: self.reported.append("open"),
                on_input_unavailable=lambda: self.reported.append("unavailable"),
                on_controls_known=self.reported.append,
                on_disconnect=self.reported.append,
                on_closed=self.reported.append,
            ),
        )
        self.input: Any = self.channels._input
        self.messages: Any = self.channels._messages


@asynccontextmanager
async def open_channels(*, may_send: bool = True) -> AsyncIterator[Scene]:
    scene = Scene(may_send=may_send)
    yield scene
    await scene.channels.close()
    await scene.pc.close()
    assert not tasks.alive()


async def test_a_channel_that_opens_during_the_close_starts_nothing() -> None:
    async with open_channels() as scene:
        await scene.channels.close()
        scene.input.emit("open")
        assert not tasks.alive()
        assert scene.reported == []


async def test_both_channels_are_created_as_in_the_web_sdk() -> None:
    async with open_channels() as scene:
        assert scene.input.label == "inputChannel"
        assert not scene.input.ordered
        assert scene.input.maxRetransmits == 0
        assert scene.messages.label == "clientMessageChannel"
        assert scene.messages.ordered
        assert scene.messages.maxRetransmits is None


async def test_a_host_that_sends_hello_speaks_our_protocol() -> None:
    async with open_channels() as scene:
        scene.input._setReadyState("open")
        scene.input.emit("message", encode(Hello(1)))
        await asyncio.sleep(1.2)
    assert scene.reported == ["open", True]


async def test_a_host_that_is_silent_for_a_second_does_not() -> None:
    async with open_channels() as scene:
        scene.input._setReadyState("open")
        await asyncio.sleep(1.3)
    assert scene.reported == ["open", False]


async def test_a_host_with_another_version_does_not() -> None:
    async with open_channels() as scene:
        scene.input._setReadyState("open")
        scene.input.emit("message", encode(Hello(2)))
    assert scene.reported == ["open", False]


async def test_a_disconnect_is_reported_with_its_reason() -> None:
    async with open_channels() as scene:
        scene.messages.emit("message", encode(Disconnect("idle\n")))
    assert scene.reported == ["idle"]


async def test_bad_bytes_are_counted_and_change_nothing() -> None:
    async with open_channels() as scene:
        for data in (b"", b"\x52", "text", b"x" * 5000, encode(ControlsMessage(1, HELD))):
            scene.input.emit("message", data)
            scene.messages.emit("message", data)
        scene.messages.emit("message", encode(Hello(1)))
        assert scene.channels.bad_messages == 11
    assert scene.reported == []


async def test_a_muted_connection_sends_no_controls() -> None:
    async with open_channels(may_send=False) as scene:
        scene.input._setReadyState("open")
        scene.channels.controls.set_controls(HELD)
        assert scene.channels.controls.messages_sent == 0


async def test_a_channel_that_closes_is_reported_only_if_it_was_open() -> None:
    async with open_channels() as scene:
        scene.messages._setReadyState("closed")
        assert scene.reported == []
        scene.input._setReadyState("closed")
        assert scene.reported == ["unavailable"]
    async with open_channels() as scene:
        for channel in (scene.input, scene.messages):
            channel._setReadyState("open")
            channel._setReadyState("closed")
    assert scene.reported == ["open", "inputChannel", "clientMessageChannel"]


async def test_an_association_that_ends_before_the_input_channel_opened_leaves_no_input() -> None:
    async with open_channels() as scene:
        scene.messages._setReadyState("open")
        scene.channels.association_ended()
    assert scene.reported == ["unavailable"]
    async with open_channels() as scene:
        scene.input._setReadyState("open")
        scene.channels.association_ended()
    assert scene.reported == ["open"]
    async with open_channels() as scene:
        await scene.channels.close()
        scene.channels.association_ended()
    assert scene.reported == []
