"""`rejoin backend report`: from a file, as table, CSV and page, and what it says without one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from helpers.command_line import Rejoin
from helpers.postgres import postgres_server
from helpers.reports import stored_report
from helpers.stores import opened
from rejoin.backend.store.reports import DAY_S, ReportStore


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Path:
    file = tmp_path / "backend.toml"
    file.write_text(
        'region = "us-west-2"\nstream_group = "sg-1"\napplication = "a-1"\n'
        f'tokens = "0123456789abcdefghij"\ndatabase = "{tmp_path / "x.sqlite3"}"\n'
    )
    file.chmod(0o600)
    return file


def fill(url: str) -> None:
    async def main() -> None:
        async with opened(url) as store:
            reports = ReportStore(store.database)
            now = time.time()
            report = stored_report(0, ended_at=now, lost_s=2.5)
            await reports.add("1" * 32, "a" * 32, report, within_s=60.0)
            old = stored_report(0, ended_at=now - 20 * DAY_S)
            await reports.add("1" * 32, "b" * 32, old, within_s=60.0)

    asyncio.run(main())


def test_a_table_csv_and_a_page(rejoin: Rejoin, settings: Path, tmp_path: Path) -> None:
    fill(str(tmp_path / "x.sqlite3"))
    given = ("--settings", str(settings))
    code, out, err = rejoin("backend", "report", *given)
    assert (code, err) == (0, "")
    assert ": 1 drops, 1 saved (100.0 %), 0 lost, 0 left by the player." in out.splitlines()[0]
    code, out, err = rejoin("backend", "report", *given, "--days", "30", "--csv")
    assert (code, err) == (0, "")
    assert "\nall,all,2,2,0,0,1.500,2.500,,,,\n" in out
    page = tmp_path / "report.html"
    assert rejoin("backend", "report", *given, "--html", str(page)) == (0, "", "")
    assert "1 of 1" in page.read_text(encoding="utf-8")
    assert rejoin("backend", "report", *given, "--html", str(tmp_path / "none" / "x"))[0] == 2


def test_from_a_postgresql_that_backends_use(
    rejoin: Rejoin, settings: Path, tmp_path: Path
) -> None:
    with postgres_server() as server:
        url = server.new_database()
        text = settings.read_text()
        settings.write_text(text.replace(str(tmp_path / "x.sqlite3"), url))
        given = ("backend", "report", "--settings", str(settings))
        code, out, err = rejoin(*given)
        assert (code, out) == (7, "")
        assert "no backend has used it" in err
        fill(url)
        code, out, err = rejoin(*given)
    assert (code, err) == (0, "")
    assert ": 1 drops, 1 saved (100.0 %)" in out.splitlines()[0]


def test_what_cannot_be_read_is_one_sentence(
    rejoin: Rejoin, settings: Path, tmp_path: Path
) -> None:
    given = ("backend", "report", "--settings", str(settings))
    assert rejoin(*given) == (2, "", "rejoin: The backend's database file does not exist.\n")
    assert not (tmp_path / "x.sqlite3").exists()
    (tmp_path / "x.sqlite3").touch()
    code, out, err = rejoin(*given)
    assert (code, out) == (7, "")
    assert "no backend has used it" in err

    settings.write_text(settings.read_text().replace("x.sqlite3", ":memory:"))
    settings.write_text(settings.read_text().replace(f"{tmp_path}/:memory:", ":memory:"))
    code, out, err = rejoin(*given)
    assert (code, out) == (7, "")
    assert "set metrics_port" in err
