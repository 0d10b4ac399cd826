"""One log line for each call of a player: operation, result and duration.

A line has the request's id, the player's tag, operation, HTTP status, the problem's code and
milliseconds. Of what the player sent it has only the id of a session.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from rejoin.backend.audit import Audit
from rejoin.backend.sign_in import shown_address
from rejoin.redact import redact

CALLS: Final = "rejoin.backend.calls"
"""The logger of calls that are not in the audit log."""
_log = logging.getLogger(CALLS)

REQUEST_ID_HEADER: Final = "X-Request-Id"
"""In each answer, so that a player's screenshot leads to the line."""
AWS_REQUEST_ID_HEADER: Final = "x-amzn-RequestId"
"""Header with the id of the last AWS request that the call caused."""

_IN_SCOPE: Final = "rejoin.call"
_AUDITED: Final = frozenset({"start", "reconnect", "terminate"})
_FOUND: Final = frozenset({409, 502, 504})
"""HTTP statuses that prove that the session exists; otherwise its id is a client's text."""
_SIGN_IN: Final = "sign-ins"
"""All refused sign-ins are one source of audit lines."""
_UNKNOWN: Final = "players"
"""The source of players without a tag, because the database's key could not be read."""


@dataclass(slots=True)
class Call:
    """A call that is being answered. `operation`: the contract's name, once the player is admitted.
    `code`: of the problem, "" for none. `refused_sign_in`: the address whose sign-in was refused,
    and its number of refusals within a minute. `aws_requests`: ids of the AWS requests that it
    caused."""

    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    operation: str = "none"
    owner: str | None = None
    session_id: str | None = None
    code: str = ""
    refused_sign_in: tuple[str, int] | None = None
    aws_requests: list[str] = field(default_factory=list)


def begin(scope: Any) -> Call:
    """A new call of this ASGI scope."""
    call = Call()
    scope[_IN_SCOPE] = call
    return call


def note_code(scope: Any, code: str) -> None:
    """The call of this scope ends with a problem."""
    call = scope.get(_IN_SCOPE)
    if isinstance(call, Call):
        call.code = str(code)


class CallLog:
    """Writes the lines. `audit`: receives those of the audit log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def answered(self, call: Call, operation: str, status: int, seconds: float) -> None:
        """`operation`: as the contract names it, or "none". `status`: 0 if the client hung up."""
        if not (_log.isEnabledFor(logging.INFO) or self._audit.enabled):
            return
        fields: dict[str, Any] = {
            "request_id": call.request_id,
            "owner": call.owner,
            "operation": operation,
            "status": status,
            "code": call.code,
            "ms": round(seconds * 1000, 1),
        }
        if call.session_id is not None and (status < 400 or status in _FOUND):
            fields["session"] = call.session_id
        if call.aws_requests:
            fields["aws_requests"] = ", ".join(call.aws_requests)
        if call.refused_sign_in is not None:
            address, count = call.refused_sign_in
            fields |= {"address": redact(shown_address(address)), "refused_in_a_minute": count}
            message = f"sign-in refused: {_sentence(fields)}, {count} of this address in a minute"
            self._audit.note(_SIGN_IN, message, fields)
        elif operation in _AUDITED:
            self._audit.note(call.owner or _UNKNOWN, _sentence(fields), fields)
        else:
            _log.info("%s", _sentence(fields), extra=fields)


def _sentence(fields: dict[str, Any]) -> str:
    code = f" {fields['code']}" if fields["code"] else ""
    player = f", player {fields['owner'][:8]}" if fields["owner"] else ""
    return (
        f"{fields['operation']} {fields['status']}{code} in {fields['ms']:g} ms{player}, "
        f"request {fields['request_id']}"
    )
