"""Shows the progress of a long command on standard error, as a bar with the time left or as lines.

Work that is done within two seconds shows nothing. Where standard error is no terminal, as in a CI,
there is a line every half a minute. No colours and no escape codes are used. What is logged while a
bar is drawn stands above it.
"""

from __future__ import annotations

import enum
import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TextIO

from rejoin.cli.messages import is_terminal, say, say_lines, say_progress, warn

SHOWN_AFTER_S: Final = 2.0
REDRAWN_EVERY_S: Final = 0.25
LINE_EVERY_S: Final = 30.0
_WIDTH: Final = 30
_LEAST_WIDTH: Final = 5


class Pace(enum.Enum):
    """How work passes, which decides what can be said of the time left."""

    EVEN = "even"
    """Each part takes about as long as the others: the time left is estimated."""
    SECONDS = "seconds"
    """The work is measured in seconds, which pass by themselves: only corrections need calls."""
    STEPS = "steps"
    """The time of a step is unknown: the progress shows which one runs, and for how long."""


class Progress:
    """One piece of work, used as a context manager. May be called on any thread.

    `total`: how much there is to do, in any unit; None: it is not known, and only the time so far
    is shown; 0: nothing is shown.
    """

    def __init__(
        self,
        label: str,
        total: float | None,
        pace: Pace = Pace.EVEN,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._pace = pace
        self._clock = clock
        self._began_at = self._corrected_at = clock()
        self._done = 0.0
        self._note = ""
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._drawn = 0
        """Characters of the bar that is on the screen."""
        self._thread: threading.Thread | None = None
        self._logs: list[tuple[logging.StreamHandler[Any], Any]] = []
        """The handlers that write to the terminal of the bar, with their own streams."""

    def __enter__(self) -> Progress:
        if self._total is None or self._total > 0:
            if is_terminal(sys.stderr):
                self._take_logs()
            self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._clear()
        while self._logs:
            handler, stream = self._logs.pop()
            handler.setStream(stream)

    def to(self, done: float, note: str = "") -> None:
        """Set how much is done. `note`: what is being done now."""
        with self._lock:
            self._done, self._note, self._corrected_at = done, note, self._clock()

    def leaves(self, left_s: float, note: str = "") -> None:
        """Set how many seconds are left, of work that is measured in them."""
        with self._lock:
            self._done = self._clock() - self._began_at
            self._total = self._done + left_s
            self._note, self._corrected_at = note, self._clock()

    def note(self, note: str) -> None:
        """Set the note that says what is being done now."""
        with self._lock:
            self._note = note

    def add(self, done: float = 1.0) -> None:
        """Add this much to what is done."""
        with self._lock:
            self._done += done
            self._corrected_at = self._clock()

    def _take_logs(self) -> None:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and is_terminal(handler.stream):
                self._logs.append((handler, handler.stream))
                handler.setStream(_AboveBar(self, handler.stream))

    def write_above(self, text: str, stream: TextIO) -> None:
        """Write whole lines to this stream, which leads to the terminal of the bar."""
        with self._lock:
            self._clear()
            stream.write(text)

    def say(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        with self._lock:
            self._clear()
            say(line)

    def say_lines(self, text: str) -> None:
        """The same with a text that we laid out in lines."""
        with self._lock:
            self._clear()
            say_lines(text)

    def warn(self, sentence: str) -> None:
        """Print a sentence on standard error, above the bar."""
        with self._lock:
            self._clear()
            warn(sentence)

    @property
    def left_s(self) -> float | None:
        """How long it will take at the speed so far; None: not known, or not yet."""
        with self._lock:
            if self._total is None or self._pace is Pace.STEPS:
                return None
            left = max(0.0, self._total - self._now_done())
            if self._pace is Pace.SECONDS:
                return left
            took_s = self._clock() - self._began_at
            return None if self._done <= 0 else left * took_s / self._done

    def _now_done(self) -> float:
        if self._pace is Pace.SECONDS:
            return self._done + self._clock() - self._corrected_at
        return self._done

    def _watch(self) -> None:
        terminal = is_terminal(sys.stderr)
        every_s, after_s = REDRAWN_EVERY_S, SHOWN_AFTER_S
        if not terminal:
            every_s = after_s = LINE_EVERY_S
        wait_s = after_s
        while not self._over.wait(wait_s):
            with self._lock:
                if terminal:
                    self._draw()
                else:
                    say(self.line(), err=True)
            wait_s = every_s

    def line(self) -> str:
        """Label, share, time left and note, for a log."""
        with self._lock:
            note = f" ({self._note})" if self._note else ""
            if self._total is None:
                return f"{self._label}: {_clock_time(self._clock() - self._began_at)} so far{note}"
            if self._pace is Pace.STEPS:
                return f"{self._step()}, for {self._lasts()}{note}"
            left = self._left()
            return f"{self._label}: {self._share():.0%}{', ' if left else ''}{left}{note}"

    def _draw(self) -> None:
        line = self._bar_line(shutil.get_terminal_size().columns)
        say_progress(line.ljust(self._drawn))
        self._drawn = len(line)

    def _bar_line(self, width: int) -> str:
        # Not click's own bar: it makes its estimate of the time from the last few steps alone.
        if self._total is None:
            parts = [self._label, _clock_time(self._clock() - self._began_at)]
        elif self._pace is Pace.STEPS:
            lasts = self._lasts()
            taken = len(f"{self._step()} []  {lasts}")
            parts = [f"{self._step()} {self._bar(width - 1 - taken)}", lasts]
        else:
            share, left = f"{self._share():4.0%}", self._left()
            taken = len(f"{self._label} [] {share}  {left}")
            parts = [f"{self._label} {self._bar(width - 1 - taken)} {share}", left]
        line = "  ".join(part for part in (*parts, self._note) if part)
        return line[: width - 1]

    def _share(self) -> float:
        return min(1.0, self._now_done() / self._total) if self._total else 0.0

    def _bar(self, place: int) -> str:
        """`place`: how many columns it may have, so that what follows it can be read."""
        width = max(_LEAST_WIDTH, min(_WIDTH, place))
        return f"[{'#' * round(width * self._share()):-<{width}}]"

    def _left(self) -> str:
        left_s = self.left_s
        if left_s is None:
            return ""
        if self._pace is Pace.SECONDS and not left_s:
            return "longer than usual"
        return f"about {_clock_time(left_s)} left"

    def _step(self) -> str:
        total = round(self._total or 0)
        return f"{self._label} {min(total, int(self._done) + 1)} of {total}"

    def _lasts(self) -> str:
        """How long the step has lasted."""
        return _clock_time(self._clock() - self._corrected_at)

    def _clear(self) -> None:
        if self._drawn:
            say_progress(" " * self._drawn)
            say_progress("")
            self._drawn = 0


class _AboveBar:
    """The stream of a handler of `logging` while a bar is drawn: a record is one `write`."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        self._progress = progress
        self._stream = stream

    def write(self, text: str) -> None:
        self._progress.write_above(text, self._stream)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
