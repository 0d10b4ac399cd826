"""How Alembic reaches the database: over the connection that `database` hands to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

from rejoin.backend.store.schema import METADATA


def _on_apply(
    ctx: MigrationContext,
    step: MigrationInfo,
    heads: Collection[Any],
    run_args: Mapping[str, Any],
) -> None:
    del ctx, heads, run_args
    if not step.is_stamp and step.up_revision_id is not None:
        context.config.attributes["on_step"](step.up_revision_id)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    on_version_apply=_on_apply,
)
with context.begin_transaction():
    context.run_migrations()
