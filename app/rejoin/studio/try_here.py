"""*Try it here*: a game against the emulated service on this computer, without an account.

Of the part `studio` only the child process needs anything: this module loads without it, and says
how to get it.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from rejoin.errors import MissingPartError
from rejoin.parts import explanation
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.process import OnWait, StudioProcess, studio_command

STUDIO_MODULES: Final = (
    "alembic",
    "asyncpg",
    "boto3",
    "fastapi",
    "jwt",
    "prometheus_client",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
)
"""What the part `studio` installs and the part `player` does not, by the names of its modules."""
NOTICE_SILENT_CLIENT_S: Final = 5.0
CONNECTION_TIMEOUT_S: Final = 120.0
"""As `rejoin demo` has them."""


def why_not() -> str | None:
    """One sentence how to get the emulator where it is not installed; None where it is."""
    for name in STUDIO_MODULES:
        try:
            found = importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            error = ModuleNotFoundError(f"No module named {name!r}", name=name)
            return explanation(error, ("player", "studio"))
    return None


class TryHere:
    """The emulator for one game. `start` blocks; `stop` may be called on any thread, also while it
    starts. The emulator ends when it is stopped, and when this process ends, even if killed."""

    def __init__(self) -> None:
        self._process = StudioProcess(
            studio_command(
                notice_silent_client_s=NOTICE_SILENT_CLIENT_S,
                connection_timeout_s=CONNECTION_TIMEOUT_S,
            )
        )

    def start(self, on_wait: OnWait = lambda waited_s: None) -> StudioProfile:
        """Start the emulator; returns what to play. `on_wait`: called now and then meanwhile, with
        the seconds so far. To be called once.

        Raises MissingPartError where it is not installed, ServiceError where it does not start.
        """
        missing = why_not()
        if missing is not None:
            raise MissingPartError(missing)
        there = self._process.start(on_wait)
        return StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )

    def stop(self) -> None:
        """End the emulator and every game on it. May be called more than once."""
        self._process.close()
