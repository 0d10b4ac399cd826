"""Reads the fields of the service's answers, and keeps only values that the contract can carry.

An unusable optional field counts as absent; without a usable required field the call has failed. So
an odd answer never looks like a fault of this backend.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rejoin.backend.service import (
    SENTENCES,
    ListedStream,
    ServiceFault,
    StreamId,
    StreamServiceError,
    StreamStatus,
)
from rejoin.backend.store.schema import is_storable
from rejoin.signaling.wire import MAX_SECONDS, MAX_SIGNAL_BYTES, MAX_STATUS

_STATUS: Final = re.compile(rf"[ -~]{{1,{MAX_STATUS}}}")
_IDENTIFIER: Final = re.compile(r"[!-~]{1,2000}")
"""An ARN or a UserId: at most 1,024 characters at AWS."""


def status_of(answer: Mapping[str, object]) -> StreamStatus:
    """The stream session in an answer. Raises StreamServiceError (FAILED) without a status."""
    length_s = _seconds(answer.get("SessionLengthSeconds"))
    created = answer.get("CreatedAt")
    ends_in_s: float | None = None
    if length_s is not None and isinstance(created, datetime):
        # By the service's clock where the answer has it, so that ours need not be right. The Date
        # header has whole seconds, rounded down: one second less keeps this a lower bound.
        now = _server_time(answer.get("ResponseMetadata")) or datetime.now(UTC)
        left_s = length_s - (now - created).total_seconds() - 1.0
        ends_in_s = min(max(0.0, left_s), MAX_SECONDS)
    return StreamStatus(
        status=_needed(_matching(_STATUS, answer.get("Status"))),
        reason=_matching(_STATUS, answer.get("StatusReason")),
        connection_timeout_s=_seconds(answer.get("ConnectionTimeoutSeconds")),
        session_ends_in_s=ends_in_s,
        signal_request=signal_of(answer.get("SignalRequest")),
        signal_response=signal_of(answer.get("SignalResponse")),
    )


def listed_of(item: Mapping[str, object], group: str) -> ListedStream:
    """One stream session of a list. Raises StreamServiceError (FAILED) without an ARN."""
    return ListedStream(
        StreamId(group, arn_of(item)),
        _matching(_STATUS, item.get("Status")) or "",
        _matching(_IDENTIFIER, item.get("UserId")) or "",
    )


def arn_of(answer: Mapping[str, object]) -> str:
    """Raises StreamServiceError (FAILED) without one."""
    return _needed(_matching(_IDENTIFIER, answer.get("Arn")))


def needed_signal(value: object) -> str:
    """A signal string that an answer must have. Raises StreamServiceError (FAILED)."""
    return _needed(signal_of(value))


def signal_of(value: object) -> str | None:
    """A signal string that a client can be sent and the database can keep, else None (an unset
    SignalResponse arrives as "")."""
    if not isinstance(value, str) or not value or not is_storable(value):
        return None
    return value if len(value.encode()) <= MAX_SIGNAL_BYTES else None


def _seconds(value: object) -> float | None:
    if not isinstance(value, int) or not 0 <= value <= MAX_SECONDS:
        return None
    return float(value)


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _needed(value: str | None) -> str:
    """botocore reads a broken body as an empty one."""
    if value is None:
        raise StreamServiceError(ServiceFault.FAILED, SENTENCES[ServiceFault.FAILED])
    return value


def _server_time(metadata: Any) -> datetime | None:
    text = header_of(metadata, "date")
    if text is None:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def header_of(metadata: Any, name: str) -> str | None:
    """A header of an answer, from its `ResponseMetadata`."""
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, dict) else None
    value = headers.get(name) if isinstance(headers, dict) else None
    return value if isinstance(value, str) else None
