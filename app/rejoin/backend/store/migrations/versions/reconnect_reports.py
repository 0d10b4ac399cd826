"""Reconnect reports of clients, and counts of games whose rows are deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "reconnect_report",
        sa.Column("owner_tag", sa.String(32), primary_key=True),
        sa.Column("record_id", sa.String(32), primary_key=True),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(40)),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("ending", sa.String(40)),
        sa.Column("lost_s", sa.Double, nullable=False),
        sa.Column("noticed_after_s", sa.Double, nullable=False),
        sa.Column("requested_after_s", sa.Double),
        sa.Column("answered_after_s", sa.Double),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("failures", sa.String(1000), nullable=False),
        sa.Column("client_version", sa.String(40), nullable=False),
    )
    op.create_index("reconnect_report_by_end", "reconnect_report", ["ended_at"])
    op.create_table(
        "game_day",
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("reported", sa.Integer, primary_key=True),
        sa.Column("games", sa.Integer, nullable=False),
    )
