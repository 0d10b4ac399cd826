"""States that lie until they are read: their order beside frames, and when none can lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from rejoin.input_events.events import PadState
from rejoin.input_module.pad_mailbox import Receiver, Sender

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such pipe is used there")


@pytest.fixture
def ends() -> Iterator[tuple[Sender, Receiver]]:
    sender = Sender()
    mine = os.dup(sender.descriptor)  # as the process has it
    sender.started()
    yield sender, Receiver(mine)
    sender.close()
    os.close(mine)


def state(value: float = 0.0) -> PadState:
    return PadState(2, True, "pad", (value, 1.0), (-1.0,))


def lying(value: float) -> tuple[float, ...]:
    return (2, 2, 1, value, 1.0, -1.0)


def test_what_lies_counts_after_the_frames_before_it(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    for after, value in ((0, 0.1), (1, 0.2), (1, 0.3), (3, 0.4)):
        assert sender.put(after, state(value))
    assert receiver.due(9) == [], "nothing was fetched"
    receiver.fetch()
    assert receiver.due(0) == [lying(0.1)]
    assert receiver.due(2) == [lying(0.2), lying(0.3)]
    assert receiver.due(2) == []
    assert sender.put(4, state(0.5))
    receiver.fetch()
    assert receiver.due(4) == [lying(0.4), lying(0.5)]


def test_counts_may_begin_again(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    last = (1 << 32) - 1
    assert sender.put(last, state(0.1))
    assert sender.put(last + 1, state(0.2))
    receiver.fetch()
    assert receiver.due(last) == [lying(0.1)]
    assert receiver.due(last + 1) == [lying(0.2)]


def test_a_reader_that_finds_nothing_does_not_wait(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    receiver.fetch()
    assert receiver.due(0) == []
    before = receiver.is_open
    sender.close()
    receiver.fetch()
    assert (before, receiver.is_open) == (True, False)
    assert not sender.put(0, state())
    sender.close()


def test_only_whole_states_lie(ends: tuple[Sender, Receiver]) -> None:
    """As many buttons and axes as a command has, in their range, until there is no room."""
    sender, receiver = ends
    pad = PadState(3, True, "pad", (2.0, -1.0, *(0.5,) * 40), (-3.0, float("nan"), *(0.5,) * 20))
    count = 0
    while sender.put(0, pad):
        count += 1
    assert count > 1
    receiver.fetch()
    whole = (3, 32, 16, 1.0, 0.0, *(0.5,) * 30, -1.0, 0.0, *(0.5,) * 14)
    sticks = (3, 0, 16, -1.0, 0.0, *(0.5,) * 14)
    assert receiver.due(0) == [whole, *[sticks] * (count - 1)]
    assert sender.put(0, pad), "there is room again"


def test_buttons_lie_with_the_first_state_after_a_frame(ends: tuple[Sender, Receiver]) -> None:
    """A frame may have changed what the browser has, as a `ReleaseAll` does."""
    sender, receiver = ends
    buttons = (1.0, 0.0)
    for after, value in ((1, 0.1), (1, 0.2), (2, 0.3), (2, 0.4)):
        assert sender.put(after, PadState(2, True, "pad", buttons, (value,)))
    assert sender.put(2, PadState(2, True, "pad", (0.0, 0.0), (0.4,)))
    assert sender.put(2, PadState(1, True, "other", (0.0, 0.0), (0.4,)))
    receiver.fetch()
    assert receiver.due(2) == [
        (2, 2, 1, *buttons, 0.1),
        (2, 0, 1, 0.2),
        (2, 2, 1, *buttons, 0.3),
        (2, 0, 1, 0.4),
        (2, 2, 1, 0.0, 0.0, 0.4),
        (1, 2, 1, 0.0, 0.0, 0.4),
    ]


def test_where_nobody_reads_nothing_lies() -> None:
    sender = Sender()
    sender.started()
    assert not sender.put(0, state())
    sender.close()
