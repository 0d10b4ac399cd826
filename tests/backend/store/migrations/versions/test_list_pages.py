"""A database of the version before gets the tables of shared lists, and keeps its sessions."""

from __future__ import annotations

from pathlib import Path

from helpers.list_pages import pages_of
from helpers.stores import at_version, opened
from rejoin.backend.store.migrations.versions import budgets_and_turns, list_pages
from rejoin.backend.store.schema import secret_hash

MINE = secret_hash("owner", "me")
SOON_S = 60.0


async def test_it_follows_the_one_before_and_keeps_what_is_there(tmp_path: Path) -> None:
    assert list_pages.down_revision == budgets_and_turns.revision
    path = tmp_path / "x.sqlite3"
    at_version(path, budgets_and_turns.revision, MINE)
    async with opened(str(path)) as store:
        assert await store.find("s", MINE, within_s=SOON_S) is not None
        assert await pages_of(store, "one").lead(within_s=SOON_S)
