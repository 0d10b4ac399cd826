"""When the service was last known to say CONNECTED, for all processes.

A process of the release before goes on beside this schema: it names its columns.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("stream_session", sa.Column("connected_at", sa.Double))
    op.add_column("stream_session", sa.Column("settled_at", sa.Double))
