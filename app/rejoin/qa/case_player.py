"""Plays a job in a process of its own, and makes a result even if that process crashes or hangs."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import IO, Final

from rejoin.child_program import child_command, end_child
from rejoin.qa.client_case import Job, utc_now
from rejoin.qa.messages import Done, FromCase, Playing, SessionKnown
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Judgement, Verdict, Why

END_WITHIN_S: Final = 55.0
"""How long a process that is to stop may take to end its game (`case_process.END_WITHIN_S`)."""
_MAX_MESSAGES: Final = 100_000
"""A day has 86,400 of a game that is played."""
ONE_ARENA: Final = {"MALLOC_ARENA_MAX": "1"}
"""For the memory in results. glibc gives threads an arena each, up to a number: a new connection's
threads took 5 MB or nothing, by chance, and a leak of 1 MB a drop could hardly be seen."""


class CasePlayer:
    """One job. `play` blocks; `stop` may be called on any thread."""

    def __init__(
        self,
        job: Job,
        on_session: Callable[[str], None],
        on_playing: Callable[[Playing], None] = lambda now: None,
    ) -> None:
        """`on_session` gets the session's id as soon as it is known, and `on_playing` how the game
        goes, about once a second; both on a thread of its own."""
        self._job = job
        self._on_session = on_session
        self._on_playing = on_playing
        self._session_known = False
        self._done: CaseRecord | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def play(self, timeout_s: float) -> CaseRecord:
        """The result, `timeout_s` and the end of its game later at the latest."""
        started_at, began_at = utc_now(), time.monotonic()
        with self._lock:
            if self._was_stopped():
                return self._failed(Why.INTERRUPTED, "it was interrupted", 0.0, started_at)
            process = self._process = subprocess.Popen(
                child_command("qa-case"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl+C in a terminal stops only us: the process then ends its game.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                env=ONE_ARENA | os.environ,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        late = False
        with contextlib.suppress(OSError, ValueError):  # ended at once; or `stop` closed its input
            pickle.dump(self._job, process.stdin)
            process.stdin.flush()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            late = self._done is None
        end_child(process, END_WITHIN_S)
        reader.join(END_WITHIN_S)
        process.stdout.close()
        took_s = time.monotonic() - began_at
        if self._done is not None:
            return self._done
        if self._was_stopped():
            return self._failed(Why.INTERRUPTED, "it was interrupted", took_s, started_at)
        if late:
            sentence = f"it was not over after {timeout_s:g} s"
            return self._failed(Why.TIMEOUT, sentence, took_s, started_at)
        sentence = f"the client's process ended with exit code {process.returncode}"
        return self._failed(Why.CLIENT, sentence, took_s, started_at)

    def stop(self) -> None:
        """End the game, and the process; `play` then returns soon."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                process.stdin.close()

    def _was_stopped(self) -> bool:
        return self._stopped

    def _read(self, out: IO[bytes]) -> None:
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            for _ in range(_MAX_MESSAGES):
                message: FromCase = pickle.load(out)
                match message:
                    case SessionKnown(session_id):
                        self._session_known = True
                        self._on_session(session_id)
                    case Playing():
                        self._on_playing(message)
                    case Done(record):
                        self._done = record

    def _failed(self, why: Why, sentence: str, took_s: float, started_at: datetime) -> CaseRecord:
        """Without a session there was no game, so a hang says nothing about reconnection."""
        verdict = Verdict.FAILED
        if why is Why.INTERRUPTED or (why is Why.TIMEOUT and not self._session_known):
            verdict = Verdict.INCONCLUSIVE
        judgement = Judgement(verdict, why, (sentence,))
        return self._job.record(judgement, started_at, took_s)
