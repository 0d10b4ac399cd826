"""A client's input: the newest message counts, and silence releases everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import cast

import pytest
from aiortc import RTCDataChannel

from helpers.waiting import eventually
from rejoin.emulator.host import client_input
from rejoin.emulator.host.client_input import ClientInput
from rejoin.emulator.host.game import Game
from rejoin.input_protocol import controls

RIGHT = 0x4F


class Played:
    """A game with one client's input, on a clock that stands still."""

    def __init__(self) -> None:
        self.game = Game(100.0)
        self.applied = 0
        self.input = ClientInput(self.game, lambda: 100.0, self._applied)

    def _applied(self) -> None:
        self.applied += 1

    def send(self, sequence: int, keys: set[int], **more: int) -> None:
        held = controls.Controls(frozenset(keys), **more)
        self.input.on_message(controls.encode(controls.ControlsMessage(sequence, held)))

    def send_pad(self, sequence: int, buttons: int, pad: int = 0) -> None:
        gamepad = controls.Gamepad(buttons)
        self.input.on_message(controls.encode(controls.GamepadMessage(sequence, pad, gamepad)))


@contextlib.contextmanager
def playing() -> Iterator[Played]:
    """A player whose input is closed in the end, which releases everything."""
    played = Played()
    yield played
    played.input.close()
    assert not played.game.held.held


async def test_a_newer_message_replaces_the_state_and_an_older_one_does_not() -> None:
    with playing() as played:
        played.send(5, {RIGHT})
        played.send(4, set())
        assert played.game.held.keys == {RIGHT}
        played.send(5, {RIGHT})  # a repeat
        played.send(6, set())
        assert played.game.held.keys == frozenset()
        assert played.input.messages == played.applied == 3
        assert played.game.key_presses == 1


class RecordedChannel:
    """Stands in for aiortc's data channel."""

    def __init__(self) -> None:
        self.readyState = "open"
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_input, "GREET_EVERY_S", 0.001)


@pytest.mark.usefixtures("hasty")
async def test_a_client_is_greeted_until_it_speaks() -> None:
    """HELLO gets lost as any packet does, and a client may wait for it."""
    hello = controls.encode(controls.Hello(controls.VERSION))
    with playing() as played:
        channel = RecordedChannel()
        played.input.greet(cast(RTCDataChannel, channel))
        await eventually(lambda: len(channel.sent) > 3)
        assert set(channel.sent) == {hello}
        played.send(1, set())
        heard = len(channel.sent)
        await asyncio.sleep(0.05)
        assert len(channel.sent) == heard


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_never_speaks_is_not_greeted_for_ever() -> None:
    with playing() as played:
        channel = RecordedChannel()
        played.input.greet(cast(RTCDataChannel, channel))
        await eventually(lambda: len(channel.sent) == client_input.GREET_TIMES)
        await asyncio.sleep(0.05)
        assert len(channel.sent) == client_input.GREET_TIMES
        closed = RecordedChannel()
        closed.readyState = "closed"
        played.input.greet(cast(RTCDataChannel, closed))
        assert closed.sent == []


async def test_the_first_message_moves_nothing_and_later_ones_move_the_difference() -> None:
    with playing() as played:
        before = played.game.scene().player
        played.send(1, set(), pointer_x_total=1000, pointer_y_total=500)
        played.game.advance(100.1)
        assert played.game.scene().player == before
        played.send(2, set(), pointer_x_total=1010, pointer_y_total=490)
        played.game.advance(100.2)
        assert played.game.scene().player == (before[0] + 10, before[1] - 10)


async def test_after_a_silence_numbers_may_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the client's script was started again: it counts travel from 0 too."""
    monkeypatch.setattr(controls, "RELEASE_AFTER_S", 0.05)
    with playing() as played:
        moved: list[tuple[int, int]] = []
        hold = played.game.hold

        def noted(held: controls.Controls, now: float, *, travel: tuple[int, int] = (0, 0)) -> None:
            moved.append(travel)
            hold(held, now, travel=travel)

        monkeypatch.setattr(played.game, "hold", noted)
        played.send(500, {RIGHT}, pointer_x_total=900)
        played.send_pad(70, 1)
        played.send(1, {RIGHT})
        played.send_pad(1, 2)
        assert played.applied == 2, "something older, while the state still counts"
        await eventually(lambda: not played.game.held.held)
        moved.clear()
        played.send(1, {RIGHT}, pointer_x_total=3)
        assert played.game.held.keys == {RIGHT}
        assert moved == [(0, 0)], "the first one gives the starting values of the totals"
        played.send(2, {RIGHT}, pointer_x_total=8)
        assert moved[-1] == (5, 0)
        played.send_pad(1, 2)
        assert played.applied == 5


async def test_gamepads_have_sequences_of_their_own_and_add_to_the_keys() -> None:
    with playing() as played:
        played.send(50, {RIGHT})
        played.send_pad(3, 1 << 12)  # up on the directional pad
        assert played.game.held.keys == {RIGHT, 0x52}
        played.send_pad(2, 0)
        assert played.game.held.keys == {RIGHT, 0x52}
        played.send_pad(1, 1 << 13, pad=1)
        assert played.game.held.keys == {RIGHT, 0x52, 0x51}
        played.send(51, set())
        assert played.game.held.keys == {0x52, 0x51}


async def test_everything_is_released_when_no_message_comes() -> None:
    with playing() as played:
        played.send(1, {RIGHT})
        played.send_pad(1, 1 << 12)
        await asyncio.sleep(controls.RELEASE_AFTER_S + 0.1)
        assert not played.game.held.held
        played.send_pad(2, 0)
        assert not played.game.held.held


@pytest.mark.parametrize(
    "message",
    ["text", b"", b"\x00\x01", controls.encode(controls.Hello(controls.VERSION))],
)
async def test_other_messages_are_ignored(message: str | bytes) -> None:
    with playing() as played:
        played.input.on_message(message)
        assert played.applied == 0


async def test_limits_are_reported_when_they_change() -> None:
    limits: list[controls.Limits] = []
    client = ClientInput(Game(100.0), lambda: 100.0, lambda: None, limits.append)
    low, high = controls.Limits(1000, 720), controls.Limits(8000)
    for each in (low, low, high, low):
        client.on_message(controls.encode(each))
    assert limits == [low, high, low]
    assert client.messages == 0, "they are no input"
    client.close()
