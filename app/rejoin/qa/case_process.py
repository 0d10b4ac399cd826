"""The program that plays one case: a job comes on standard input, messages go to standard output.

It has a process of its own, so that a case that blocks, crashes or hangs affects no other case.
When standard input ends, its parent is gone: it ends its game and then itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Final

from rejoin.core.trace import to_line
from rejoin.errors import BadInputError, RejoinError
from rejoin.interpreter import freeze_startup_objects, loop_factory
from rejoin.qa import client_case, traces
from rejoin.qa.client_case import Job
from rejoin.qa.messages import Done, FromCase, SessionKnown
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.tasks import cancel, spawn

TRACES: Final = "traces"
"""The folder of traces, in that of the results."""
EXIT_ABANDONED: Final = 3
"""The parent of this process is gone."""
END_WITHIN_S: Final = 45.0
"""How long an abandoned process may take to end its game."""
_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

_log = logging.getLogger("rejoin.qa.case")


def main(arguments: list[str]) -> int:
    """Play the job that comes on standard input."""
    del arguments
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints does not print into `out`
    try:
        job: Job = pickle.load(sys.stdin.buffer)
    except (EOFError, pickle.UnpicklingError):
        return EXIT_ABANDONED  # the run was interrupted before it had sent all of the job
    freeze_startup_objects()

    def say(message: FromCase) -> None:
        try:
            pickle.dump(message, out)
            out.flush()
        except OSError:
            return  # the parent is gone

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_until_abandoned(job, say, sys.stdin.buffer))


async def _until_abandoned(job: Job, say: Callable[[FromCase], None], stdin: IO[bytes]) -> int:
    loop = asyncio.get_running_loop()
    abandoned = asyncio.Event()

    def watch() -> None:
        # Not `stdin.read`: Python aborts when it ends while a thread holds the lock of that buffer.
        with contextlib.suppress(OSError):
            while os.read(stdin.fileno(), 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed: the play is over
            loop.call_soon_threadsafe(abandoned.set)

    threading.Thread(target=watch, name="abandoned", daemon=True).start()
    playing = spawn(_played(job, say), name="case")
    waiting = spawn(abandoned.wait(), name="abandoned")
    await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        await cancel(waiting)
        say(Done(playing.result()))
        return 0
    playing.cancel()  # which ends its game
    await asyncio.wait({playing}, timeout=END_WITHIN_S)
    return EXIT_ABANDONED


async def _played(job: Job, say: Callable[[FromCase], None]) -> CaseRecord:
    began_at, started_at = asyncio.get_running_loop().time(), client_case.utc_now()
    secrets: set[str] = set()

    def known(session_id: str) -> None:
        if session_id not in secrets:
            secrets.add(session_id)
            say(SessionKnown(session_id))

    try:
        record, trace = await client_case.play(job, known, on_playing=say)
    except (RejoinError, OSError) as error:
        judgement = _not_played(error)
        took_s = asyncio.get_running_loop().time() - began_at
        return job.record(judgement, started_at, took_s)
    # A session's id that is a secret is not in it.
    hidden = secrets if job.profile.dialect.session_is_secret else set()
    try:
        file = job.prepare(TRACES, "jsonl")
        if file is None or not trace:
            return record
        traces.write_lines(file, (_without(to_line(each), hidden) for each in trace))
    except BadInputError as error:
        _log.warning("%s: the trace is missing: %s", record.name, error)
        return record
    return replace(record, attachments={**record.attachments, "trace": f"{TRACES}/{file.name}"})


def _not_played(error: RejoinError | OSError) -> Judgement:
    """A file that cannot be written says nothing about the game. Raises an error that is a bug."""
    if isinstance(error, BadInputError):
        return Judgement(Verdict.INCONCLUSIVE, Why.FILE, (str(error),))
    if isinstance(error, RejoinError):
        return Judgement(Verdict.FAILED, Why.CLIENT, (str(error),))
    if error.errno not in _DISK_ERRORS:
        raise error
    sentence = f"a file could not be written: {error.strerror}"
    return Judgement(Verdict.INCONCLUSIVE, Why.FILE, (sentence,))


def _without(line: str, secrets: set[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "secret")
    return line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
