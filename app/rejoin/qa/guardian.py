"""Starts the guardian of a test run, and reports its sessions to it (`guardian_process`)."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import threading
from typing import Final

from rejoin.child_program import child_command, end_child
from rejoin.qa.messages import Began, Charge, Over, ToGuardian

END_WITHIN_S: Final = 60.0
"""How long the guardian may take."""
EACH_WITHIN_S: Final = 0.25
"""How much longer for each remaining session."""


class Guardian:
    """May be used on any thread."""

    def __init__(self, charge: Charge) -> None:
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._process = subprocess.Popen(
            child_command("qa-guardian"),
            stdin=subprocess.PIPE,
            # It must outlive us, and Ctrl+C in a terminal.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._say(charge)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def session_began(self, key: str, session_id: str) -> None:
        self._running.add(key)
        self._say(Began(key, session_id))

    def session_over(self, key: str) -> None:
        self._running.discard(key)
        self._say(Over(key))

    def close(self) -> None:
        """The run is over: the guardian ends the remaining sessions, and then itself."""
        end_child(self._process, END_WITHIN_S + EACH_WITHIN_S * len(self._running))

    def _say(self, message: ToGuardian) -> None:
        assert self._process.stdin is not None
        # A guardian that was killed guards nothing; the ledger is still there.
        with self._lock, contextlib.suppress(OSError, ValueError):
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
