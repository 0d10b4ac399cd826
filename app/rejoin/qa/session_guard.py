"""Ends every game that a test or fleet leaves at a studio's backend, by ledger and guardian.

As in `qa.campaign`: each session is in the ledger before it starts, and a process that outlives
this one ends what is left.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rejoin.errors import BadInputError
from rejoin.qa.client_case import utc_now
from rejoin.qa.guardian import Guardian
from rejoin.qa.ledger import Entry, Ledger
from rejoin.qa.messages import Charge
from rejoin.runtime.studio_profile import StudioProfile


@dataclass(frozen=True, slots=True)
class Guarded:
    """One session. `known` gets its id; `over`: it is known to be over, or never began."""

    known: Callable[[str], None]
    over: Callable[[], None]


class SessionGuard:
    """For all sessions of a test run at one backend. Raises BadInputError where the ledger cannot
    be written: then no session is started."""

    def __init__(self, profile: StudioProfile, folder: Path) -> None:
        self.name = f"{utc_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self._profile = profile
        self._ledger = Ledger(folder)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self._ledger.run(self.name))
        self._guardian = Guardian(Charge(profile, folder))
        self._stack.callback(self._guardian.close)

    def begin(self, case: str) -> Guarded:
        """A session is about to be started. Raises BadInputError."""
        with self._lock:
            number = next(self._numbers)
        entry = Entry(
            f"{self.name}-{number}",
            self.name,
            case,
            self._profile.backend_url,
            self._profile.dialect.name,
            time.time(),
        )
        self._ledger.note(entry)

        def known(session_id: str) -> None:
            self._guardian.session_began(entry.key, session_id)
            if not self._profile.dialect.session_is_secret:
                # A disk that has just become full: the guardian still knows the session.
                with contextlib.suppress(BadInputError):
                    self._ledger.session_known(entry, session_id)

        def over() -> None:
            self._ledger.over(entry.key)
            self._guardian.session_over(entry.key)

        return Guarded(known, over)

    def close(self) -> None:
        """Let the guardian end the sessions that are left."""
        self._stack.close()
