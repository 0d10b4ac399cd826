"""Checks values before they go into a URL or a header; malformed ones are not sent."""

from __future__ import annotations

import re

from rejoin.core.model import SessionId
from rejoin.core.retry import FailureKind
from rejoin.language import Message
from rejoin.signaling.exchange import Exchange


def checked_session(exchange: Exchange, session_id: SessionId, pattern: str) -> SessionId:
    """The session's name, unchanged. Raises CallFailedError (INVALID) if it is malformed."""
    if not re.fullmatch(pattern, session_id):
        raise exchange.failed(
            FailureKind.INVALID, Message("was not called: the session id has a bad form")
        )
    return session_id
