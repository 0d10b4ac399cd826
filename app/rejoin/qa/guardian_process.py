"""The guardian: a process that ends the sessions of a test run whose process is gone.

It reads a message for each session that begins or ends. When its standard input ends, the run is
over or was killed, and the guardian ends the remaining sessions. It keeps the sign-in token and
secret ids only in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import signal
import sys
from typing import IO, Any

from rejoin.qa.ledger import Ledger
from rejoin.qa.messages import Began, Charge, Over
from rejoin.qa.sweep import End, end_each


def main(arguments: list[str]) -> int:
    """Guard until standard input ends."""
    del arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    charge, running = read(sys.stdin.buffer)
    if charge is not None and running:
        asyncio.run(end_all(charge, running))
    return 0


def read(source: IO[bytes]) -> tuple[Charge | None, dict[str, str]]:
    """The guarded profile, and the sessions that still run when the source ends, by the keys of
    their entries."""
    charge: Charge | None = None
    running: dict[str, str] = {}
    with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            message: Any = pickle.load(source)
            match message:
                case Charge():
                    charge = message
                case Began(key, session_id):
                    running[key] = session_id
                case Over(key):
                    running.pop(key, None)
                case _:
                    pass
    return charge, running


async def end_all(charge: Charge, running: dict[str, str]) -> None:
    """End these sessions; those that are over leave the ledger."""
    ledger = Ledger(charge.ledger_folder)

    def keep(key: str, end: End, _why: str) -> None:
        if end is not End.STILL_OPEN:
            ledger.over(key)

    await end_each(charge.profile, running, keep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
