"""Saves the player's sign-in token between two runs: in the keyring of the OS and nowhere else.

A session id is saved here too where knowing it opens the game. If there is no keyring, or it stays
locked, nothing is saved and the player enters the token again; it is never written to a file. A
keyring may prompt the player or hang in D-Bus, so each call has a time limit and its own thread.

A token serves one origin. The keyring has it under its origin. A token that the player enters
belongs to the origin that they type or agree to in the same command. A ticket recognises, by a
digest, the token that was sent to its origin before.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from typing import Final, Protocol

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.signaling.backend_url import origin_of

__all__ = ["TokenStore", "digest_of", "is_token_of", "origin_of"]

_log = logging.getLogger("rejoin.tokens")

SERVICE: Final = "rejoin"
NO_TOKEN_SAVED: Final = (
    "No sign-in token for that studio is saved on this computer (it has no keyring, or the "
    "keyring is locked): use `rejoin sign-in`, --token-file, or set REJOIN_TOKEN."
)
NO_SESSION_SAVED: Final = (
    "The last game cannot be rejoined: its session id is not in this computer's keyring."
)
SESSION: Final = "#session"
NEVER_SAVED: Final = "https://nothing-is-saved-here.invalid:443"
"""An entry that is read to see whether a keyring answers."""
WITHIN_S: Final = 5.0
FETCHED_WITHIN_S: Final = 30.0
"""Longer, because the player may have to unlock the keyring first."""


class Keyring(Protocol):
    """The part of `keyring.backend.KeyringBackend` that is used."""

    def set_password(self, service: str, username: str, password: str) -> None: ...
    def get_password(self, service: str, username: str) -> str | None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class TokenStore:
    """Tokens by the origin of their backend. No call raises."""

    def __init__(self, backend: Keyring | None = None) -> None:
        """`backend`: which keyring; None: that of the OS, looked up when it is first used."""
        self._backend = backend

    async def save(
        self, backend_url: str, token: str, what: str = "", *, within_s: float = WITHIN_S
    ) -> bool:
        """Save it; returns whether that worked. `what`: SESSION for a session id, empty for the
        sign-in token."""
        try:
            origin = origin_of(backend_url) + what
            await run_in_daemon_thread(
                lambda: self._keyring().set_password(SERVICE, origin, token),
                name="keyring",
                within_s=within_s,
            )
        except Exception as error:
            # Keyrings raise errors of any type, and the text may contain the token.
            _log.info("the keyring saved nothing: %s", type(error).__name__)
            return False
        return True

    async def fetch(
        self, backend_url: str, what: str = "", *, within_s: float = FETCHED_WITHIN_S
    ) -> str | None:
        """The saved token, or None."""
        try:
            origin = origin_of(backend_url) + what
            return await run_in_daemon_thread(
                lambda: self._keyring().get_password(SERVICE, origin),
                name="keyring",
                within_s=within_s,
            )
        except Exception as error:
            _log.info("the keyring returned nothing: %s", type(error).__name__)
            return None

    async def delete(
        self, backend_url: str, what: str = "", *, within_s: float = FETCHED_WITHIN_S
    ) -> bool:
        """Delete it; returns whether nothing is saved any more."""
        try:
            origin = origin_of(backend_url) + what

            def delete() -> None:
                keyring = self._keyring()
                if keyring.get_password(SERVICE, origin) is not None:
                    keyring.delete_password(SERVICE, origin)

            await run_in_daemon_thread(delete, name="keyring", within_s=within_s)
        except Exception as error:
            _log.info("the keyring deleted nothing: %s", type(error).__name__)
            return False
        return True

    async def problem(self, *, within_s: float = WITHIN_S) -> str | None:
        """Why nothing can be saved, as a sentence; None if a keyring answers."""
        try:
            await run_in_daemon_thread(
                lambda: self._keyring().get_password(SERVICE, NEVER_SAVED),
                name="keyring",
                within_s=within_s,
            )
        except TimeoutError:
            return f"The keyring did not answer within {within_s:.0f} s: it may be locked."
        except ModuleNotFoundError:
            return "The Python package keyring is missing."
        except Exception as error:
            _log.info("the keyring does not work: %s", type(error).__name__)
            if type(error).__name__ in ("NoKeyringError", "InitError"):
                return "This computer has no keyring."
            return "The keyring cannot be used: it is locked, or a plain file."
        return None

    def _keyring(self) -> Keyring:
        if self._backend is None:
            import keyring

            found = keyring.get_keyring()
            if type(found).__module__.startswith("keyrings.alt"):
                raise RuntimeError("this keyring is a plain file")
            self._backend = found
        return self._backend


def digest_of(token: str, salt: str | None = None) -> str:
    """A salted digest that recognises a token but does not reveal it:

    "SALT:DIGEST" in hex. Takes some 50 ms and 16 MiB, which makes guessing expensive (RFC 7914).
    """
    salt = salt or secrets.token_hex(16)
    found = hashlib.scrypt(token.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32)
    return f"{salt}:{found.hex()}"


def is_token_of(digest: str, token: str) -> bool:
    """Whether the digest was made of this token; an empty digest is of none."""
    salt, separator, _ = digest.partition(":")
    return bool(separator) and hmac.compare_digest(digest, digest_of(token, salt))
