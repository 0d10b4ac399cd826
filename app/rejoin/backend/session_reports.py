"""A stream session as its owner sees it, from the stored row and the service's report."""

from __future__ import annotations

from typing import Final

from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.requests import Remaining, SessionReport
from rejoin.backend.service import StreamId, StreamStatus
from rejoin.backend.session_memory import SessionMemory
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.session_rows import StoredSession
from rejoin.signaling.wire import sha256_hex

REMAINING_STATUSES: Final = frozenset({"CONNECTED", "PENDING_CLIENT_RECONNECTION", "RECONNECTING"})
"""The window counts from the last CONNECTED in these; after ACTIVE a second window runs."""


def report_of(
    row: StoredSession, status: StreamStatus, memory: SessionMemory, now: float
) -> SessionReport:
    """`now`: the boot clock, by which `remaining` has aged."""
    timeout_s = status.connection_timeout_s or memory.connection_timeout_s
    request_sha256, answer = answer_held(row, status)
    return SessionReport(
        session_id=row.id,
        status=status.status,
        reason=status.reason,
        connection_timeout_s=timeout_s,
        session_ends_in_s=status.session_ends_in_s,
        remaining=_remaining(memory, status.status, timeout_s, now),
        attempt=row.attempt,
        signal_request_sha256=request_sha256,
        signal_response=answer,
    )


def _remaining(
    memory: SessionMemory, status: str, timeout_s: float | None, now: float
) -> Remaining | None:
    connected_at = memory.connected_asked_at
    if status not in REMAINING_STATUSES or timeout_s is None or connected_at is None:
        return None
    return Remaining(at_least_s=timeout_s, age_s=max(0.0, now - connected_at))


def answer_held(row: StoredSession, status: StreamStatus) -> tuple[str | None, str | None]:
    """Hash of the SignalRequest that the service holds, and the answer to exactly that one."""
    if row.answer is not None:
        return row.request_sha256, row.answer
    if status.signal_request is None:
        return None, None
    request_sha256 = sha256_hex(status.signal_request)
    answer = status.signal_response
    if (
        answer is not None
        and request_sha256 == row.request_sha256
        and secret_hash("answer", answer) in row.earlier_answers
    ):
        # The service shows the new request with the answer to an earlier one.
        answer = None
    return request_sha256, answer


def not_ended(row: StoredSession) -> StoredSession:
    """Raises RefusedError."""
    if row.ended_status is not None:
        raise RefusedError(Reason.ENDED, session_status=row.ended_status)
    return row


def stream_of(row: StoredSession) -> StreamId:
    """Raises RefusedError while the outcome of the start is not known."""
    if row.stream is None:
        raise RefusedError(Reason.STILL_STARTING)
    return row.stream
