"""One drop on real sockets, and its report in the backend's database: emulator, backend, client."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from helpers.headless_scene import scene, small
from helpers.stores import opened
from rejoin.backend.store.reports import DAY_S, ReportStore
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import FaultKind
from rejoin.runtime import player
from rejoin.runtime.report_sender import ReportSender

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


async def test_an_episode_is_reported_once_the_player_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "ReportSender", partial(ReportSender, within_s=0.5))
    database, folder = str(tmp_path / "backend.sqlite3"), tmp_path / "reports"
    began_at = boot_s()
    async with scene(small(0.0), database=database, reports_folder=folder) as it:
        await it.live()
        await it.fault(FaultKind.GRACEFUL_CLOSE)
        await it.live(episode=1)
        patience_at = boot_s() + 60.0
        while not folder.exists() or list(folder.iterdir()):
            assert boot_s() < patience_at, "the report was not delivered"
            await asyncio.sleep(0.05)
        records = [record for record in it.records if record.name == "RequestWritten"]
        [timeline] = it.timelines()
    async with opened(database) as store:
        kept, today = ReportStore(store.database), int(time.time() / DAY_S)
        reports = [
            report for day in (today - 1, today) for report in await kept.of_day(day, within_s=60.0)
        ]
        games = await kept.games(today - 1, within_s=60.0)
    [report] = reports
    assert timeline.outcome == "live"
    assert (report.outcome, report.verdict) == ("rejoined", "host_closed")
    assert report.cause in ("dtls_closed", "channel_closed", "rtcp_bye", "server_disconnected")
    assert report.tries == len(records)
    assert 0 < report.lost_s < boot_s() - began_at
    assert [(game.outcome, game.reported, game.games) for game in games] == [("let_in", True, 1)]
