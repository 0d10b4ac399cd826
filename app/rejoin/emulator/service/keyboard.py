"""Lines that are typed at a terminal or piped in, read on a thread."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

_MAX_LINE = 80


class Keyboard:
    """Reads lines from a terminal or a pipe.

    A thread reads, because not every platform can wait for a terminal in an event loop. It is a
    daemon, because a blocked read cannot be cancelled. A terminal is read key by key and without
    its own echo, which would disturb the view.
    """

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._restore: Callable[[], None] = lambda: None
        self.typing = ""
        self.changed: Callable[[], None] = lambda: None
        """Called when `typing` has changed."""

    def __enter__(self) -> Keyboard:
        if self._source.isatty():
            self._set_up_terminal()
        threading.Thread(target=self._read, name="rejoin-typed", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    async def next(self) -> str | None:
        """The next line; None at the end of the input."""
        return await self._lines.get()

    def key(self, key: str) -> None:
        """Handle one key, on the event loop."""
        if key in ("\r", "\n"):
            self._lines.put_nowait(self.typing)
            self.typing = ""
        elif key in ("\x7f", "\b"):
            self.typing = self.typing[:-1]
        elif key.isprintable() and len(self.typing) < _MAX_LINE:
            self.typing += key
        self.changed()

    def _set_up_terminal(self) -> None:
        if sys.platform != "win32":
            import termios
            import tty

            number = self._source.fileno()
            before = termios.tcgetattr(number)
            self._restore = lambda: termios.tcsetattr(number, termios.TCSADRAIN, before)
            tty.setcbreak(number, termios.TCSADRAIN)  # Ctrl+C still interrupts.

    def _read(self) -> None:
        for text in self._read_text():
            for key in text:
                self._post(self.key, key)
        self._post(self._lines.put_nowait, None)

    def _read_text(self) -> Iterator[str]:
        if sys.platform == "win32" and self._source.isatty():
            import msvcrt

            while True:
                yield msvcrt.getwch()
        try:
            number = self._source.fileno()
        except OSError:
            yield self._source.read()
            return
        # Not through the source's own buffer: a blocked read would hold its lock until the end.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with contextlib.suppress(OSError):
            while data := os.read(number, 1024):
                yield decoder.decode(data)

    def _post(self, call: Callable[..., None], value: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # The event loop is closed.
            self._loop.call_soon_threadsafe(call, value)
