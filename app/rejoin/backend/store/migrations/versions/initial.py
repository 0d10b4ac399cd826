"""The schema of the first release, whose files carry no version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "stream_session",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner_hash", sa.Text, nullable=False),
        sa.Column("start_token_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("stream_group", sa.Text),
        sa.Column("stream_session", sa.Text),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("request_sha256", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("older_answer_hash", sa.Text),
        sa.Column("ended_status", sa.Text),
        sa.Column("ended_reason", sa.Text),
        sa.UniqueConstraint("owner_hash", "start_token_hash"),
    )
    op.create_table(
        "offer",
        sa.Column(
            "session_id",
            sa.Text,
            sa.ForeignKey("stream_session.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("request_sha256", sa.Text, primary_key=True),
    )
