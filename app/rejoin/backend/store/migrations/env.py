"""How Alembic reaches the database: over the connection that `database` hands to it."""

from __future__ import annotations

from alembic import context

from rejoin.backend.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
