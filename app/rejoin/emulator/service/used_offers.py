"""Which offers were used: an offer is good for one connection."""

from __future__ import annotations

import hashlib
import re
from typing import Final

NO_CLIENT_CONNECTION: Final = "NO_CLIENT_CONNECTION"
"""The SignalRequest that starts a session with no client (documented). It is not an offer."""

_OFFERS_REMEMBERED: Final = 10_000


class UsedOffers:
    """The offers that calls have used, the newest 10,000 of them.

    A failed call may be repeated with its own offer, which only its ClientToken can tell from a
    second use. So an offer is remembered with the token until its call has succeeded.
    """

    def __init__(self) -> None:
        self._tokens: dict[bytes, str | None] = {}

    def use(self, signal_request: str, token: str | None) -> bool:
        """Mark an offer as used by a call with this token; False if another call has used it."""
        if signal_request == NO_CLIENT_CONNECTION:
            return True
        key = offer_digest(signal_request)
        if key in self._tokens:
            return token is not None and self._tokens[key] == token
        self._tokens[key] = token
        while len(self._tokens) > _OFFERS_REMEMBERED:
            del self._tokens[next(iter(self._tokens))]
        return True

    def succeeded(self, signal_request: str) -> None:
        """The call with this offer succeeded: from now on no token may use it again."""
        key = offer_digest(signal_request)
        if key in self._tokens:
            self._tokens[key] = None


def offer_digest(signal_request: str) -> bytes:
    """Identifies an offer by its ICE credentials, or by its whole text if it has none."""
    ufrag = re.search(r"a=ice-ufrag:([^\s\\]+)", signal_request)
    password = re.search(r"a=ice-pwd:([^\s\\]+)", signal_request)
    if ufrag is None or password is None:
        return hashlib.sha256(signal_request.encode()).digest()
    return hashlib.sha256(f"{ufrag[1]}\0{password[1]}".encode()).digest()
