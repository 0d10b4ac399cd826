"""Every attempt with its key and ClientToken, flights, one owner of a stream, the server key.

What the first release did not record stays unknown: numbers and keys of earlier attempts, and the
ClientToken of the newest, which was its Idempotency-Key and is stored as a hash. Such an attempt,
sent again by its client, gets a ClientToken of its own; the service refuses it while the first one
holds, as it does any second call.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_HASH = sa.String(64)


def upgrade() -> None:
    bind = op.get_bind()
    rows = bind.execute(sa.text("SELECT * FROM stream_session")).mappings().all()
    offers = bind.execute(sa.text("SELECT session_id, request_sha256 FROM offer")).mappings().all()
    op.drop_table("offer")
    op.drop_table("stream_session")
    session = op.create_table(
        "stream_session",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("owner_hash", _HASH, nullable=False),
        sa.Column("start_token_hash", _HASH, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("stream_group", sa.Text),
        sa.Column("stream_session", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tag", sa.String(64)),
        sa.Column("ended_status", sa.Text),
        sa.Column("ended_reason", sa.Text),
        sa.UniqueConstraint("tag", name="one_session_of_a_tag"),
        sa.UniqueConstraint("owner_hash", "start_token_hash", name="one_session_of_a_start"),
        sa.UniqueConstraint("stream_group", "stream_session", name="one_owner_of_a_stream"),
    )
    op.create_index("stream_session_by_age", "stream_session", ["created_at"])
    reference = sa.ForeignKey("stream_session.id", ondelete="CASCADE")
    attempt = op.create_table(
        "attempt",
        sa.Column("session_id", sa.String(64), reference, primary_key=True),
        sa.Column("request_sha256", _HASH, primary_key=True),
        sa.Column("number", sa.Integer),
        sa.Column("key_hash", _HASH),
        sa.Column("client_token", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("answer_hash", _HASH),
        sa.UniqueConstraint("session_id", "key_hash", name="one_offer_of_a_key"),
    )
    op.create_table(
        "flight",
        sa.Column(
            "session_id",
            sa.String(64),
            sa.ForeignKey("stream_session.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("lands_within_s", sa.Double, nullable=False),
    )
    op.create_table(
        "server_key",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
    )
    kept = [column.name for column in session.columns if column.name != "tag"]
    if rows:
        op.bulk_insert(session, [{name: row[name] for name in kept} for row in rows])
    newest = {(row["id"], row["request_sha256"]): row for row in rows}
    attempts = []
    for offer in offers:
        row = newest.get((offer["session_id"], offer["request_sha256"]))
        answer = None if row is None else row["answer"]
        attempts.append(
            {
                "session_id": offer["session_id"],
                "request_sha256": offer["request_sha256"],
                "number": None if row is None else row["attempt"],
                "key_hash": None if row is None else row["token_hash"],
                "client_token": None,
                "answer": answer,
                "answer_hash": None if answer is None else _answer_hash(answer),
            }
        )
    for row in rows:  # the answer before the newest: of which attempt it was is not known
        if row["older_answer_hash"] is not None:
            attempts.append(
                {
                    "session_id": row["id"],
                    "request_sha256": "before",
                    "number": None,
                    "key_hash": None,
                    "client_token": None,
                    "answer": None,
                    "answer_hash": row["older_answer_hash"],
                }
            )
    if attempts:
        op.bulk_insert(attempt, attempts)


def _answer_hash(answer: str) -> str:
    """As `schema.secret_hash("answer", answer)` of that release."""
    return hashlib.sha256(f"answer\0{answer}".encode()).hexdigest()
