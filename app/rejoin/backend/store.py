"""What the backend keeps of a stream session, in SQLite, so that it survives a restart.

`service_model/fence` has the rules: which attempt may claim a session, and which answers are kept.

Tokens and owners are stored as SHA-256, SignalRequests not at all. The newest SignalResponse is
stored until the session ends, because a lost answer must be recoverable. Only one process may use
a file. Calls take well under a millisecond (write-ahead log without a sync per commit: a power
cut may lose the last writes, a crash of the process does not), so the event loop makes them; a
lock makes them safe from other threads too.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from rejoin.backend.service import StreamId
from rejoin.errors import ServiceError
from rejoin.service_model import fence
from rejoin.service_model.fence import Claim

KEPT_S: Final = 2 * 86400.0
"""A stream session lasts 86,400 s at most (SessionLengthSeconds); rows are kept twice that."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stream_session (
    id TEXT PRIMARY KEY,
    owner_hash TEXT NOT NULL,
    start_token_hash TEXT NOT NULL,
    created_at REAL NOT NULL,
    stream_group TEXT,
    stream_session TEXT,
    attempt INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    answer TEXT,
    older_answer_hash TEXT,
    ended_status TEXT,
    ended_reason TEXT,
    UNIQUE (owner_hash, start_token_hash)
) STRICT;
CREATE TABLE IF NOT EXISTS offer (
    session_id TEXT NOT NULL REFERENCES stream_session (id) ON DELETE CASCADE,
    request_sha256 TEXT NOT NULL,
    PRIMARY KEY (session_id, request_sha256)
) STRICT;
"""
_COLUMNS: Final = (
    "id, owner_hash, stream_group, stream_session, attempt, token_hash, request_sha256,"
    " answer, older_answer_hash, ended_status, ended_reason"
)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One stream session. `answer` belongs to `request_sha256`, the newest attempt's request."""

    id: str
    owner_hash: str = field(repr=False)
    stream: StreamId | None
    """None while the outcome of the start is not known."""
    attempt: int
    token_hash: str = field(repr=False)
    request_sha256: str
    answer: str | None = field(repr=False)
    older_answer_hash: str | None
    """Hash of the answer to the attempt before, which must not be taken for the newest answer."""
    ended_status: str | None
    ended_reason: str | None


def secret_hash(purpose: str, secret: str) -> str:
    """How a token is stored: SHA-256 with its purpose, so that equal tokens have unequal hashes."""
    return hashlib.sha256(f"{purpose}\0{secret}".encode()).hexdigest()


class Store:
    """The sessions of one backend. `path` is a file or ":memory:"."""

    def __init__(self, path: str = ":memory:", *, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        try:
            if path != ":memory:":
                # Created here, so that no other user of this machine can read it.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=2.0
            )
        except (OSError, sqlite3.Error) as error:
            raise ServiceError("The backend's database file cannot be opened.") from error
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("PRAGMA foreign_keys = ON")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise ServiceError(
                "The backend's database file was not made by this program."
            ) from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def begin_start(
        self, *, owner_hash: str, token: str, attempt: int, request_sha256: str
    ) -> tuple[Claim, StoredSession]:
        """Record a start before the service is called.

        The same owner and token again: REPEATED for the same attempt and request, else REUSED.
        """
        start_token_hash = secret_hash("start", token)
        with self._transaction():
            self._database.execute(
                "DELETE FROM stream_session WHERE created_at < ?", (self._wall() - KEPT_S,)
            )
            known = self._database.execute(
                f"SELECT {_COLUMNS} FROM stream_session"
                " WHERE owner_hash = ? AND start_token_hash = ?",
                (owner_hash, start_token_hash),
            ).fetchone()
            if known is not None:
                row = _row(known)
                # Later attempts replaced number and request, but the hash of every offer is kept.
                same = self._offered(row.id, request_sha256) and attempt <= row.attempt
                return (Claim.REPEATED if same else Claim.REUSED), row
            session_id = secrets.token_urlsafe(24)
            self._database.execute(
                "INSERT INTO stream_session (id, owner_hash, start_token_hash, created_at,"
                " attempt, token_hash, request_sha256) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    session_id,
                    owner_hash,
                    start_token_hash,
                    self._wall(),
                    attempt,
                    start_token_hash,
                    request_sha256,
                ),
            )
            self._remember_offer(session_id, request_sha256)
            return Claim.NEW, self._get(session_id)

    def started(self, session_id: str, stream: StreamId) -> None:
        """The service accepted the start."""
        with self._transaction():
            self._database.execute(
                "UPDATE stream_session SET stream_group = ?, stream_session = ? WHERE id = ?",
                (stream.stream_group, stream.stream_session, session_id),
            )

    def forget(self, session_id: str) -> None:
        """The start certainly failed: there is no such session."""
        with self._transaction():
            self._database.execute("DELETE FROM stream_session WHERE id = ?", (session_id,))

    def find(self, session_id: str, owner_hash: str) -> StoredSession | None:
        """The session if it exists *and* belongs to this owner."""
        with self._lock:
            found = self._database.execute(
                f"SELECT {_COLUMNS} FROM stream_session WHERE id = ?", (session_id,)
            ).fetchone()
        if found is None:
            return None
        row = _row(found)
        return row if hmac.compare_digest(row.owner_hash, owner_hash) else None

    def age_s(self, session_id: str) -> float:
        """How long ago the start was recorded; infinite for an unknown session."""
        with self._lock:
            found = self._database.execute(
                "SELECT created_at FROM stream_session WHERE id = ?", (session_id,)
            ).fetchone()
        return math.inf if found is None else max(0.0, self._wall() - float(found[0]))

    def claim(
        self, session_id: str, *, attempt: int, token: str, request_sha256: str
    ) -> tuple[Claim, StoredSession]:
        """Fence: make this attempt the session's newest, or return why not (Rules 1 and 2)."""
        token_hash = secret_hash("connection", token)
        with self._transaction():
            row = self._get(session_id)
            same_bytes = hmac.compare_digest(row.token_hash, token_hash) and (
                row.request_sha256 == request_sha256
            )
            claim = fence.claim(
                attempt,
                row.attempt,
                same_bytes=same_bytes,
                offered_before=self._offered(session_id, request_sha256),
            )
            if claim is not Claim.NEW:
                return claim, row
            older = row.older_answer_hash
            if row.answer is not None:
                older = secret_hash("answer", row.answer)
            self._database.execute(
                "UPDATE stream_session SET attempt = ?, token_hash = ?, request_sha256 = ?,"
                " answer = NULL, older_answer_hash = ? WHERE id = ?",
                (attempt, token_hash, request_sha256, older, session_id),
            )
            self._remember_offer(session_id, request_sha256)
            return Claim.NEW, self._get(session_id)

    def answered(
        self, session_id: str, *, attempt: int, request_sha256: str, answer: str
    ) -> StoredSession:
        """The service answered this attempt; stored only while it is the newest (Rule 3)."""
        with self._transaction():
            if fence.keeps_answer(attempt, self._get(session_id).attempt):
                self._database.execute(
                    "UPDATE stream_session SET answer = ?"
                    " WHERE id = ? AND request_sha256 = ? AND ended_status IS NULL",
                    (answer, session_id, request_sha256),
                )
            return self._get(session_id)

    def ended(self, session_id: str, status: str, reason: str | None) -> StoredSession:
        """The service reported the end; the answer is not needed any more."""
        with self._transaction():
            self._database.execute(
                "UPDATE stream_session SET ended_status = ?, ended_reason = ?, answer = NULL"
                " WHERE id = ?",
                (status, reason, session_id),
            )
            return self._get(session_id)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _get(self, session_id: str) -> StoredSession:
        found = self._database.execute(
            f"SELECT {_COLUMNS} FROM stream_session WHERE id = ?", (session_id,)
        ).fetchone()
        if found is None:
            raise SessionForgottenError("The backend no longer knows this stream session.")
        return _row(found)

    def _offered(self, session_id: str, request_sha256: str) -> bool:
        return (
            self._database.execute(
                "SELECT 1 FROM offer WHERE session_id = ? AND request_sha256 = ?",
                (session_id, request_sha256),
            ).fetchone()
            is not None
        )

    def _remember_offer(self, session_id: str, request_sha256: str) -> None:
        self._database.execute("INSERT INTO offer VALUES (?, ?)", (session_id, request_sha256))


class SessionForgottenError(ServiceError):
    """The row was deleted meanwhile: its start failed, or it became too old."""

    code = "session_forgotten"


def _row(found: tuple[object, ...]) -> StoredSession:
    (
        session_id,
        owner_hash,
        stream_group,
        stream_session,
        attempt,
        token_hash,
        request_sha256,
        answer,
        older_answer_hash,
        ended_status,
        ended_reason,
    ) = found
    assert isinstance(attempt, int)
    return StoredSession(
        id=str(session_id),
        owner_hash=str(owner_hash),
        stream=None if stream_session is None else StreamId(str(stream_group), str(stream_session)),
        attempt=attempt,
        token_hash=str(token_hash),
        request_sha256=str(request_sha256),
        answer=_text(answer),
        older_answer_hash=_text(older_answer_hash),
        ended_status=_text(ended_status),
        ended_reason=_text(ended_reason),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
