"""One process reads the service's lists for all: who, and what it has read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "list_reader",
        sa.Column("lists", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("renewed_at", sa.Double, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("pass_page", sa.Integer, nullable=False),
    )
    op.create_table(
        "listed_page",
        sa.Column("lists", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("written_at", sa.Double, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("ending", sa.Integer),
    )
