"""The program that plays one batch: the batch comes on standard input, messages go to standard
output, and signals follow on standard input, a line each.

It is a process of its own, so that players that block or crash disturb no scheduler. When standard
input ends, its parent is gone, or the run was stopped: it ends its games and then itself.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import IO, Final

import psutil

from rejoin.interpreter import freeze_startup_objects, loop_factory
from rejoin.qa.fleet import players
from rejoin.qa.fleet.messages import Batch, FromBatch, to_text
from rejoin.qa.fleet.players import Signal

EXIT_ABANDONED: Final = 3
"""The parent was gone before it had sent the whole batch."""


def main(arguments: list[str]) -> int:
    """Play the batch that comes on standard input."""
    del arguments
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints does not print into `out`
    # Unbuffered: what follows the batch is read by its descriptor.
    source = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115
    try:
        batch: Batch = pickle.load(source)
    except (EOFError, pickle.UnpicklingError):
        return EXIT_ABANDONED
    freeze_startup_objects()
    signals = LineSignals(source)

    def say(message: FromBatch) -> None:
        try:
            out.write(to_text(message) + "\n")
            out.flush()
        except OSError:
            return  # the parent is gone

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(players.play_batch(batch, say, signals, memory()))
    return 0


class LineSignals:
    """Signals as lines; the end of the source is "stop"."""

    def __init__(self, source: IO[bytes]) -> None:
        self._given: dict[Signal, threading.Event] = {
            "start": threading.Event(),
            "begin": threading.Event(),
            "stop": threading.Event(),
        }
        threading.Thread(target=self._read, args=(source,), name="signals", daemon=True).start()

    def wait(self, signal: Signal, timeout_s: float) -> bool:
        return self._given[signal].wait(timeout_s)

    def _read(self, source: IO[bytes]) -> None:
        while line := source.readline():
            for name, event in self._given.items():
                if line.strip() == name.encode():
                    event.set()
        self._given["stop"].set()


def memory() -> Callable[[], int]:
    """How many bytes of memory this process uses."""
    process = psutil.Process()

    def used() -> int:
        return int(process.memory_info().rss)

    return used


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
