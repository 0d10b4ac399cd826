"""The player's sign-in token between two lives: in the keyring of the OS, and nowhere else. The id
of a session that opens to whoever knows it is kept here too.

Where there is no keyring, or it stays locked, nothing is kept and the player gives the token again;
nobody here ever writes it to a file. A keyring may ask the player something or hang in D-Bus, so
each call has a time limit and is made beside the loop.
"""

from __future__ import annotations

import logging
from typing import Final, Protocol
from urllib.parse import urlsplit

from rejoin.runtime.daemon_thread import run_in_daemon_thread

_log = logging.getLogger("rejoin.tokens")

SERVICE: Final = "rejoin"
NOT_KEPT: Final = (
    "No sign-in token is kept on this computer for that studio (there is no keyring, or it is "
    "locked): give --token or set REJOIN_TOKEN."
)
SESSION_NOT_KEPT: Final = (
    "There is no way back into the last game: what opens it is not in this computer's keyring."
)
SESSION: Final = "#session"
WITHIN_S: Final = 5.0
ANSWERED_WITHIN_S: Final = 30.0
"""Coming back waits longer: the keyring may have to be unlocked by the player first."""


class Keyring(Protocol):
    """What is needed of `keyring.backend.KeyringBackend`."""

    def set_password(self, service: str, username: str, password: str) -> None: ...
    def get_password(self, service: str, username: str) -> str | None: ...


class TokenStore:
    """Tokens by the origin of the backend that they are for. No call raises."""

    def __init__(self, backend: Keyring | None = None) -> None:
        """`backend`: which keyring; None is the one of this OS, looked up when it is needed."""
        self._backend = backend

    async def keep(
        self, backend_url: str, token: str, what: str = "", *, within_s: float = WITHIN_S
    ) -> bool:
        """Whether it is kept now. `what`: SESSION, or nothing for the sign-in token."""
        try:
            origin = origin_of(backend_url) + what
            await run_in_daemon_thread(
                lambda: self._keyring().set_password(SERVICE, origin, token),
                name="keyring",
                within_s=within_s,
            )
        except Exception as error:
            # Of a keyring any error may come, and its text may hold what it was given.
            _log.info("the keyring kept nothing: %s", type(error).__name__)
            return False
        return True

    async def fetch(
        self, backend_url: str, what: str = "", *, within_s: float = ANSWERED_WITHIN_S
    ) -> str | None:
        """What was kept, or None."""
        try:
            origin = origin_of(backend_url) + what
            return await run_in_daemon_thread(
                lambda: self._keyring().get_password(SERVICE, origin),
                name="keyring",
                within_s=within_s,
            )
        except Exception as error:
            _log.info("the keyring gave nothing: %s", type(error).__name__)
            return None

    def _keyring(self) -> Keyring:
        if self._backend is None:
            import keyring

            found = keyring.get_keyring()
            if type(found).__module__.startswith("keyrings.alt"):
                raise RuntimeError("this keyring is a plain file")
            self._backend = found
        return self._backend


def origin_of(backend_url: str) -> str:
    """Scheme, host and port: a token is for one of these, and for no other path's sake shared."""
    parts = urlsplit(backend_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
