"""The rates of calls that all processes share, and the queue of reconnects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "call_budget",
        sa.Column("shard", sa.String(64), primary_key=True),
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("free_at", sa.Double, nullable=False),
        sa.Column("per_s", sa.Double, nullable=False),
        sa.Column("halved_at", sa.Double, nullable=False),
    )
    op.create_table(
        "create_turn",
        sa.Column("session_id", sa.String(64), primary_key=True),
        sa.Column("shard", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("unreleased", sa.Boolean, nullable=False),
        sa.Column("shown_at", sa.Double, nullable=False),
        sa.Column("latest_at", sa.Double, nullable=False),
        sa.Column("present_until_at", sa.Double, nullable=False),
        sa.Column("kept_until_at", sa.Double, nullable=False),
        sa.Column("could_be_saved", sa.Boolean, nullable=False),
    )
    op.create_index(
        "create_turn_by_deadline", "create_turn", ["shard", "state", "unreleased", "shown_at"]
    )
    op.create_index(
        "create_turn_by_latest", "create_turn", ["shard", "could_be_saved", "latest_at"]
    )
    op.create_table(
        "queue_process",
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.add_column("stream_session", sa.Column("connection_timeout_s", sa.Double))
