"""A database of the version before gets the tables of reports, and keeps its sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.stores import at_version, opened
from rejoin.backend.store.database import Database
from rejoin.backend.store.migrations.versions import attempts_and_flights, reconnect_reports
from rejoin.backend.store.reports import ReportStore
from rejoin.backend.store.schema import secret_hash
from rejoin.errors import ServiceError

MINE = secret_hash("owner", "me")
SOON_S = 60.0


async def test_it_follows_the_one_before_and_keeps_what_is_there(tmp_path: Path) -> None:
    assert reconnect_reports.down_revision == attempts_and_flights.revision
    path = tmp_path / "x.sqlite3"
    at_version(path, attempts_and_flights.revision, MINE)
    unmigrated = Database(str(path))
    with pytest.raises(ServiceError, match="older version"):
        await unmigrated.open(migrate=False)
    async with opened(str(path)) as store:
        assert await store.find("s", MINE, within_s=SOON_S) is not None
        assert await ReportStore(store.database).of_day(0, within_s=SOON_S) == ()
