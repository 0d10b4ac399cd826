from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiortc import RTCPeerConnection

from rejoin import tasks
from rejoin.input_protocol.controls import (
    INPUT_CHANNEL,
    MESSAGE_CHANNEL,
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


def test_a_change_is_sent_at_once_and_three_times_in_all() -> None:
    async def play() -> list[ControlsMessage]:
        wire = Wire()
        sender = ControlsSender(wire.send, name="t")
        sender.set_controls(Controls(pointer_x_total=5))
        assert len(wire.sent) == 1
        await until(lambda: len(wire.sent) >= 3)
        await asyncio.sleep(0.2)
        await sender.close()
        return wire.sent

    sent = asyncio.run(play())
    assert len(sent) == 3
    assert {message.sequence for message in sent} == {1}


def test_held_controls_are_repeated_until_they_are_released() -> None:
    async def play() -> list[ControlsMessage]:
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
        return wire.sent[held:]

    after = asyncio.run(play())
    assert [message.controls.held for message in after] == [False] * 3
    assert {message.sequence for message in after} == {2}


def test_nothing_is_queued_while_the_channel_is_closed() -> None:
    async def play() -> ControlsSender:
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
        return sender

    sender = asyncio.run(play())
    assert sender.messages_sent == 0
    assert sender.messages_not_sent >= 2


def with_channels(
    play: Callable[[Channels, dict[str, Any], list[object]], Any], *, may_send: bool = True
) -> list[object]:
    """Channels on a connection that never connects; events are put in by hand."""
    reported: list[object] = []

    async def run() -> None:
        pc = RTCPeerConnection()
        channels = Channels(
            pc,
            name="t",
            may_send=lambda: may_send,
            callbacks=ChannelCallbacks(
                on_input_open=lambda: reported.append("open"),
                on_controls_known=reported.append,
                on_disconnect=reported.append,
                on_closed=reported.append,
            ),
        )
        both = {INPUT_CHANNEL: channels._input, MESSAGE_CHANNEL: channels._messages}
        await play(channels, both, reported)
        await channels.close()
        await pc.close()
        assert not tasks.alive()

    asyncio.run(run())
    return reported


def test_a_channel_that_opens_during_the_close_starts_nothing() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        await channels.close()
        both[INPUT_CHANNEL].emit("open")
        assert not tasks.alive()
        assert reported == []

    with_channels(play)


def test_both_channels_are_created_as_in_the_web_sdk() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        assert both[INPUT_CHANNEL].label == "inputChannel"
        assert not both[INPUT_CHANNEL].ordered
        assert both[INPUT_CHANNEL].maxRetransmits == 0
        assert both[MESSAGE_CHANNEL].label == "clientMessageChannel"
        assert both[MESSAGE_CHANNEL].ordered
        assert both[MESSAGE_CHANNEL].maxRetransmits is None

    with_channels(play)


def test_a_host_that_sends_hello_speaks_our_protocol() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        both[INPUT_CHANNEL]._setReadyState("open")
        both[INPUT_CHANNEL].emit("message", encode(Hello(1)))
        await asyncio.sleep(1.2)

    assert with_channels(play) == ["open", True]


def test_a_host_that_is_silent_for_a_second_or_has_another_version_does_not() -> None:
    async def silent(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        both[INPUT_CHANNEL]._setReadyState("open")
        await asyncio.sleep(1.3)

    async def newer(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        both[INPUT_CHANNEL]._setReadyState("open")
        both[INPUT_CHANNEL].emit("message", encode(Hello(2)))

    assert with_channels(silent) == ["open", False]
    assert with_channels(newer) == ["open", False]


def test_a_disconnect_is_reported_with_its_reason() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        both[MESSAGE_CHANNEL].emit("message", encode(Disconnect("idle\n")))

    assert with_channels(play) == ["idle"]


def test_bad_bytes_are_counted_and_change_nothing() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        for data in (b"", b"\x52", "text", b"x" * 5000, encode(ControlsMessage(1, HELD))):
            both[INPUT_CHANNEL].emit("message", data)
            both[MESSAGE_CHANNEL].emit("message", data)
        both[MESSAGE_CHANNEL].emit("message", encode(Hello(1)))
        assert channels.bad_messages == 11

    assert with_channels(play) == []


def test_a_muted_connection_sends_no_controls() -> None:
    async def play(channels: Channels, both: dict[str, Any], reported: list[object]) -> None:
        both[INPUT_CHANNEL]._setReadyState("open")
        channels.controls.set_controls(HELD)
        assert channels.controls.messages_sent == 0

    with_channels(play, may_send=False)
