"""The rates of calls that all processes share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "call_budget",
        sa.Column("shard", sa.String(64), primary_key=True),
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("free_at", sa.Double, nullable=False),
        sa.Column("per_s", sa.Double, nullable=False),
        sa.Column("halved_at", sa.Double, nullable=False),
    )
