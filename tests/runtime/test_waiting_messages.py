"""Messages that wait for an instance: in order, by connection, bounded."""

from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.input_module.port import Channel
from rejoin.runtime.waiting_messages import MAX_BYTES, MAX_MESSAGES, WaitingMessages

ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)


def test_they_wait_in_order_and_by_connection() -> None:
    waiting = WaitingMessages()
    waiting.add(ONE, Channel.INPUT, b"a")
    waiting.add(TWO, Channel.INPUT, b"b")
    waiting.add(ONE, Channel.MESSAGES, "c")
    assert waiting.pop(ONE) == [(Channel.INPUT, b"a"), (Channel.MESSAGES, "c")]
    assert waiting.pop(ONE) == []
    waiting.clear()
    assert waiting.pop(TWO) == []


def test_neither_many_nor_large_messages_are_kept() -> None:
    waiting = WaitingMessages()
    for number in range(MAX_MESSAGES + 3):
        waiting.add(ONE, Channel.INPUT, bytes([number]))
    assert len(waiting.pop(ONE)) == MAX_MESSAGES
    waiting.add(ONE, Channel.INPUT, bytes(MAX_BYTES))
    waiting.add(ONE, Channel.INPUT, b"x")
    assert len(waiting.pop(ONE)) == 1
