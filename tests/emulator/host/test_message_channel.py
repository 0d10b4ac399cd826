"""The reliable channel to a client."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from aiortc import RTCDataChannel
from aiortc.rtcsctptransport import RTCSctpTransport

from helpers.fake_port import FakeClock
from helpers.game_hosts import joined, running
from helpers.leaves_nothing import leaves_nothing
from helpers.waiting import eventually
from rejoin.emulator.host import message_channel
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.message_channel import MessageChannel
from rejoin.emulator.service.protocol_script import MAX_APPLICATION_MESSAGE
from rejoin.input_protocol import controls
from rejoin.qa.drop_evidence import Beat, read_beat


class FakeChannel:
    """An open data channel: keeps what is sent, and delivers what `receive` is given."""

    readyState = "open"
    bufferedAmount = 0

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.receive: Callable[[str | bytes], None] = lambda message: None

    def on(self, event: str, handler: Callable[[str | bytes], None]) -> None:
        assert event == "message"
        self.receive = handler

    def send(self, message: str | bytes) -> None:
        self.sent.append(message)


def opened(*, frozen: bool = False) -> tuple[MessageChannel, FakeChannel]:
    channel = FakeChannel()
    messages = MessageChannel(lambda: frozen)
    messages.opened(cast(RTCDataChannel, channel))
    return messages, channel


@pytest.mark.parametrize("frozen", [False, True])
def test_application_messages_are_echoed_until_the_connection_is_closed(frozen: bool) -> None:
    # SCTP delivers the echo of a frozen connection when it thaws: nothing reliable is lost.
    messages, channel = opened(frozen=frozen)
    channel.receive("hello")
    channel.receive(bytes(MAX_APPLICATION_MESSAGE + 1))
    assert channel.sent == ["hello"]
    messages.stop()
    channel.receive("too late")
    assert channel.sent == ["hello"]


def test_nothing_is_echoed_to_a_client_that_reads_nothing() -> None:
    _, channel = opened()
    channel.bufferedAmount = message_channel.ECHO_BUFFERED_MAX_BYTES + 1
    channel.receive("hello")
    assert channel.sent == []
    channel.bufferedAmount = message_channel.ECHO_BUFFERED_MAX_BYTES
    channel.receive("there")
    assert channel.sent == ["there"]


class ShortMessages(FakeChannel):
    """To a client that takes no message of more than a few bytes (`a=max-message-size`)."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def send(self, message: str | bytes) -> None:
        self.refused += 1
        raise ValueError("too long")


@leaves_nothing
async def test_a_client_that_takes_short_messages_alone_gets_none_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(message_channel, "SHARE_EVERY_S", 0.001)
    channel = ShortMessages()
    messages = MessageChannel(lambda: False)
    messages.opened(cast(RTCDataChannel, channel))
    channel.receive("hello")
    messages.share_performance()
    await eventually(lambda: channel.refused > 3)
    sctp = cast(RTCSctpTransport, SimpleNamespace(_flight_size=0))
    await messages.send_disconnect("terminated", sctp)
    await messages.close()


@leaves_nothing
async def test_a_frozen_connection_shares_no_performance_statistics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(message_channel, "SHARE_EVERY_S", 0.001)
    running_messages, shared = opened()
    frozen_messages, withheld = opened(frozen=True)
    for messages in (frozen_messages, running_messages):
        messages.share_performance()
    await eventually(lambda: len(shared.sent) > 3)
    for messages in (frozen_messages, running_messages):
        await messages.close()
    assert withheld.sent == []


@leaves_nothing
async def test_a_game_sends_heartbeats_if_the_setting_says_so() -> None:
    clock, game = FakeClock(100.0), Game(100.0)
    beating, sent = opened()
    hanging, withheld = opened(frozen=True)
    for messages in (hanging, beating):
        messages.send_heartbeats(0.001, game, clock)
    await eventually(lambda: len(sent.sent) > 3)
    clock.now = 101.0
    count = len(sent.sent)
    await eventually(lambda: len(sent.sent) > count + 1)
    beating.stop()
    for messages in (hanging, beating):
        await messages.close()
    first, last = read_beat(bytes_of(sent.sent[0]), 0.0), read_beat(bytes_of(sent.sent[-1]), 1.0)
    assert first == Beat(0.0, 0, game.start_id)
    assert last == Beat(1.0, 60, game.start_id)
    assert withheld.sent == []
    assert Game(101.0).start_id != game.start_id


def bytes_of(message: str | bytes) -> bytes:
    assert isinstance(message, bytes)
    return message


@leaves_nothing
async def test_performance_statistics_are_sent_each_second_if_the_session_shares_them() -> None:
    async with running() as (host, listener):
        listener.shared = True
        player = await joined(host, 1)
        await player.until(lambda: len(player.messages) >= 2)
        for message in player.messages:
            assert isinstance(message, bytes)
            taken = controls.decode(message)
            assert isinstance(taken, controls.Performance)
            assert set(json.loads(taken.stats)) == {"timestamp", "application", "system"}
        await player.close()
