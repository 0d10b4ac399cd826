"""Writes log lines on a thread of its own, so that a slow reader does not stop a call.

A pipe that nobody empties blocks its writer. Here only the thread waits; lines beyond `MOST` are
counted, and the count is written once there is room again.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Final, TextIO

MOST: Final = 5000
"""Lines that wait; some 2 MB."""
_CLOSE_S: Final = 1.0


class LogWriter(logging.Handler):
    """A handler for `stream`. `flush` and `close` wait for a second at most; `close` does not where
    nothing could be written all through a `flush`: `logging` calls both at the end of a program."""

    def __init__(self, stream: TextIO, *, most: int = MOST) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(most)
        self._left_out = 0
        self._hangs = False
        """Whether no line was written since the last `flush` began."""
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Format the line here: it may need the context of the call (its request's id)."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if self._left_out:
            line = f"{self.format(_left_out(self._left_out))}\n{line}"
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1
        else:
            self._left_out = 0

    def flush(self) -> None:
        lines = self._lines
        with lines.all_tasks_done:
            self._hangs = True
            if lines.all_tasks_done.wait_for(lambda: not lines.unfinished_tasks, _CLOSE_S):
                self._hangs = False

    def close(self) -> None:
        if self._thread.is_alive():
            self._end()
        super().close()

    def _end(self) -> None:
        within_s = 0.0 if self._hangs else _CLOSE_S
        try:
            self._lines.put(None, timeout=within_s)
        except queue.Full:
            return  # it is a daemon thread
        self._thread.join(within_s)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):  # closed, or a disk that is full
                continue
            finally:
                with self._lines.all_tasks_done:
                    self._hangs = False
                self._lines.task_done()


def _left_out(count: int) -> logging.LogRecord:
    return logging.LogRecord(
        __name__,
        logging.WARNING,
        __file__,
        0,
        "%d lines before it are left out: the log was not read",
        (count,),
        None,
    )
