"""States that lie until they are read: their order beside frames, and when none can lie."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator

import pytest

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


def test_what_lies_counts_after_the_frames_before_it(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    for after, command in ((0, b"a"), (1, b"b"), (1, b"c"), (3, b"d")):
        assert sender.put(after, command)
    assert receiver.due(9) == [], "nothing was fetched"
    receiver.fetch()
    assert receiver.due(0) == [b"a"]
    assert receiver.due(2) == [b"b", b"c"]
    assert receiver.due(2) == []
    assert sender.put(4, b"e")
    receiver.fetch()
    assert receiver.due(4) == [b"d", b"e"]


def test_counts_may_begin_again(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    last = (1 << 32) - 1
    assert sender.put(last, b"a")
    assert sender.put(last + 1, b"b")
    receiver.fetch()
    assert receiver.due(last) == [b"a"]
    assert receiver.due(last + 1) == [b"b"]


def test_a_reader_that_finds_nothing_does_not_wait(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    receiver.fetch()
    assert receiver.due(0) == []
    sender.close()
    receiver.fetch()
    assert not sender.put(0, b"a")
    sender.close()


def test_only_whole_commands_lie(ends: tuple[Sender, Receiver]) -> None:
    sender, receiver = ends
    assert not sender.put(0, bytes(select.PIPE_BUF))
    command = b"x" * 1000
    count = 0
    while sender.put(0, command):
        count += 1
    assert count > 1
    receiver.fetch()
    assert receiver.due(0) == [command] * count
    assert sender.put(0, command), "there is room again"


def test_where_nobody_reads_nothing_lies() -> None:
    sender = Sender()
    sender.started()
    assert not sender.put(0, b"a")
    sender.close()
