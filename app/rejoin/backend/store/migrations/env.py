"""How Alembic reaches the database: over the connection that `database` hands to it, perhaps with
what is to be called after each step."""

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
    on_step = context.config.attributes.get("on_step")
    if on_step is not None and not step.is_stamp and step.up_revision_id is not None:
        on_step(step.up_revision_id)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    on_version_apply=_on_apply,
)
with context.begin_transaction():
    context.run_migrations()
