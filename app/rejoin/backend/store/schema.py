"""The tables of the backend's database; `migrations` lead here from every earlier version.

Times are seconds of Unix time by the clock of the process that wrote them, where nothing else is
said. They decide which rows are looked at again, never whether a session or a call in flight is
over.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
    func,
)

METADATA: Final = MetaData()

DATABASE_NOW: Final = cast(func.extract("epoch", func.clock_timestamp()), Double)
"""The clock of a PostgreSQL server, in Unix time, when the statement comes to it."""

_HASH: Final = String(64)
"""SHA-256 in hexadecimal."""

STREAM_SESSION: Final = Table(
    "stream_session",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner_hash", _HASH, nullable=False),
    Column("start_token_hash", _HASH, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("stream_group", Text),
    Column("stream_session", Text),
    Column("attempt", Integer, nullable=False),
    Column("tag", String(64)),
    Column("ended_status", Text),
    Column("ended_reason", Text),
    Column("connected_at", Double),
    Column("settled_at", Double),
    Column("connection_timeout_s", Double),
    UniqueConstraint("tag", name="one_session_of_a_tag"),
    UniqueConstraint("owner_hash", "start_token_hash", name="one_session_of_a_start"),
    UniqueConstraint("stream_group", "stream_session", name="one_owner_of_a_stream"),
    Index("stream_session_by_age", "created_at"),
)
"""`stream_group` and `stream_session` are null while the outcome of the start is not known.
`attempt`: the number of the newest attempt. `tag`: the session's UserId at the service, by which it
is found again when the start's answer is lost; null in rows of an older version.
By the database's clock, if it could be trusted then (`proofs`): `connected_at`: when the newest
status call that returned CONNECTED began; `settled_at`: when the service last said something of the
session that lists may not show yet. `connection_timeout_s`: as the service said it when the session
was started; else null."""

ATTEMPT: Final = Table(
    "attempt",
    METADATA,
    Column(
        "session_id",
        String(64),
        ForeignKey("stream_session.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("request_sha256", _HASH, primary_key=True),
    Column("number", Integer),
    Column("key_hash", _HASH),
    Column("client_token", Text),
    Column("answer", Text),
    Column("answer_hash", _HASH),
    UniqueConstraint("session_id", "key_hash", name="one_offer_of_a_key"),
)
"""`number`, `key_hash` and `client_token` are null for offers that an older version recorded.
`answer` is kept for the newest attempt alone, `answer_hash` for every one that was answered."""

FLIGHT: Final = Table(
    "flight",
    METADATA,
    Column(
        "session_id",
        String(64),
        ForeignKey("stream_session.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("beat", Integer, nullable=False),
    Column("lands_within_s", Double, nullable=False),
)
"""A create call on its way. `lands_within_s`: from its beginning, after which it has no effect."""

CALL_BUDGET: Final = Table(
    "call_budget",
    METADATA,
    Column("shard", String(64), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("free_at", Double, nullable=False),
    Column("per_s", Double, nullable=False),
    Column("halved_at", Double, nullable=False),
)
"""Calls of the streaming service, of each operation by itself (`call_rate`). The times are the
database's own; on SQLite the boot clock of its one process."""

CREATE_TURN: Final = Table(
    "create_turn",
    METADATA,
    Column("session_id", String(64), primary_key=True),
    Column("shard", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("unreleased", Boolean, nullable=False),
    Column("shown_at", Double, nullable=False),
    Column("latest_at", Double, nullable=False),
    Column("present_until_at", Double, nullable=False),
    Column("kept_until_at", Double, nullable=False),
    Column("could_be_saved", Boolean, nullable=False),
    Index("create_turn_by_deadline", "shard", "state", "unreleased", "shown_at"),
    Index("create_turn_by_latest", "shard", "could_be_saved", "latest_at"),
)
"""The queue of reconnects (`turns`). `owner`: the process that the client called last. `state`:
"waits", "granted" or "served". `present_until_at`: until when the client waits for the answer to
its call; `kept_until_at`: until when it keeps its place. `could_be_saved`: a maximum matching of
the calls that were made saves it. Times as in `call_budget`."""

QUEUE_PROCESS: Final = Table(
    "queue_process",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("seen_at", Double, nullable=False),
)
"""Processes with clients that wait for a turn, and when they last asked for turns."""

LIST_READER: Final = Table(
    "list_reader",
    METADATA,
    Column("lists", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("renewed_at", Double, nullable=False),
    Column("page", Integer, nullable=False),
    Column("pass_page", Integer, nullable=False),
)
"""The process that reads the service's lists for all (`list_pages`). `lists`: which ones. `page`:
the number of the newest page that it has recorded; `pass_page`: of the first one of its pass. Times
as in `call_budget`."""

LISTED_PAGE: Final = Table(
    "listed_page",
    METADATA,
    Column("lists", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("written_at", Double, nullable=False),
    Column("items", Text, nullable=False),
    Column("ending", Integer),
)
"""What the lists said, for a minute. `items`: JSON. `ending`: null while the pass goes on, else
whether it was complete, 1 or 0."""

SERVER_KEY: Final = Table(
    "server_key",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("secret", String(64), nullable=False),
)
"""One row: the secret from which ClientTokens and tags are made."""


ONE_BOOT: Final = (CALL_BUDGET, CREATE_TURN, QUEUE_PROCESS, LIST_READER, LISTED_PAGE)
"""Tables whose times are the boot clock's on SQLite: what is in them ends with the process."""
RECONNECT_REPORT: Final = Table(
    "reconnect_report",
    METADATA,
    Column("owner_tag", String(32), primary_key=True),
    Column("record_id", String(32), primary_key=True),
    Column("received_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("cause", String(40), nullable=False),
    Column("verdict", String(40)),
    Column("outcome", String(16), nullable=False),
    Column("ending", String(40)),
    Column("lost_s", Double, nullable=False),
    Column("noticed_after_s", Double, nullable=False),
    Column("requested_after_s", Double),
    Column("answered_after_s", Double),
    Column("attempts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failures", String(1000), nullable=False),
    Column("client_version", String(40), nullable=False),
    Index("reconnect_report_by_end", "ended_at"),
)
"""What clients reported of their reconnects (`signaling/wire.ReportBody`). `ended_at`: by this
backend's clock and the client's `ended_ago_s`. `failures`: words with commas between them."""

GAME_DAY: Final = Table(
    "game_day",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("reported", Integer, primary_key=True),
    Column("games", Integer, nullable=False),
)
"""Games whose rows are deleted, as `reports.Games` counts them. `day`: of Unix time, when they
began. `reported`: 1 where the player has sent a report since."""


def secret_hash(purpose: str, secret: str) -> str:
    """How a token is stored: SHA-256 with its purpose, so that equal tokens have unequal hashes."""
    return hashlib.sha256(f"{purpose}\0{secret}".encode()).hexdigest()


def is_storable(text: str) -> bool:
    """Whether a database can keep this text, or look it up: PostgreSQL takes no NUL, and half of a
    pair of surrogates cannot be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def owner_tag(server_key: bytes, owner_hash: str) -> str:
    """What stands for a player in logs and reports: 32 hexadecimal digits of an HMAC under the
    backend's secret."""
    said = f"owner tag\0{owner_hash}".encode()
    return hmac.new(server_key, said, hashlib.sha256).hexdigest()[:32]
