"""Lines are written on a thread, and a stream that nobody reads stops nobody."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator

import pytest

from rejoin.backend import log_writer
from rejoin.backend.log_writer import LogWriter

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Pipe(io.StringIO):
    """A stream whose reader may not read; `writing`: a write has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.writing = threading.Event(), threading.Event()
        self.reading.set()
        self.text = ""
        self.gone = False

    def write(self, text: str) -> int:
        if self.gone:
            raise ValueError("I/O operation on closed file")
        self.writing.set()
        self.reading.wait(60)
        self.text += text
        return len(text)


@pytest.fixture(name="pipe")
def _pipe() -> Pipe:
    return Pipe()


@pytest.fixture(name="writer")
def _writer(pipe: Pipe) -> Iterator[LogWriter]:
    writer = LogWriter(pipe, most=3)
    writer.setFormatter(logging.Formatter("%(message)s"))
    yield writer
    pipe.reading.set()
    writer.close()
    writer.close()


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("rejoin", logging.INFO, __file__, 1, text, (), None)


def test_lines_are_written_in_order(writer: LogWriter, pipe: Pipe) -> None:
    for number in range(3):
        writer.emit(line(str(number)))
        writer.flush()
    assert pipe.text == "0\n1\n2\n"


def test_what_nobody_reads_is_counted_and_said_once_somebody_does(
    writer: LogWriter, pipe: Pipe
) -> None:
    pipe.reading.clear()
    writer.emit(line("in the pipe"))
    assert pipe.writing.wait(60)
    for number in range(10):
        writer.emit(line(str(number)))
    assert pipe.text == ""
    pipe.reading.set()
    writer.flush()
    writer.emit(line("again"))
    writer.flush()
    assert pipe.text.splitlines() == [
        *("in the pipe", "0", "1", "2"),
        "7 lines before it are left out: the log was not read",
        "again",
    ]


def test_a_stream_that_is_closed_ends_nothing(writer: LogWriter, pipe: Pipe) -> None:
    pipe.gone = True
    writer.emit(line("lost"))
    writer.flush()
    pipe.gone = False
    writer.emit(line("heard"))
    writer.flush()
    assert pipe.text == "heard\n"


def test_a_reader_that_hung_through_a_flush_is_not_waited_for_again(
    writer: LogWriter, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`logging` flushes and closes its handlers at the end of a program."""
    pipe.reading.clear()
    for number in range(4):
        writer.emit(line(str(number)))
        assert pipe.writing.wait(60)
    monkeypatch.setattr(log_writer, "_CLOSE_S", 0.01)
    writer.flush()
    monkeypatch.setattr(log_writer, "_CLOSE_S", 600.0)
    writer.close()
    assert pipe.text == "", "nobody has read yet"
    pipe.reading.set()
    writer.flush()
    assert pipe.text == "0\n1\n2\n3\n"
