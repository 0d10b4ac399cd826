"""One drop on real sockets, and its report in the backend's database: emulator, backend, client.
And what a backend process says while it runs: its reports, and its log as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from helpers.headless_scene import scene, small
from helpers.ports import free_port
from helpers.programs import TOKEN, run, started
from helpers.reports import report_body
from helpers.stores import opened
from rejoin.backend.store.reports import DAY_S, ReportStore
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import FaultKind
from rejoin.runtime import player
from rejoin.runtime.report_sender import ReportSender

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


async def test_an_episode_is_reported_once_the_player_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rejoin.backend.calls")
    monkeypatch.setattr(player, "ReportSender", partial(ReportSender, within_s=0.5))
    database, folder = str(tmp_path / "backend.sqlite3"), tmp_path / "reports"
    began_at = boot_s()
    async with scene(small(0.0), database=database, reports_folder=folder) as it:
        await it.live()
        await it.fault(FaultKind.GRACEFUL_CLOSE)
        await it.live(episode=1)
        patience_at = boot_s() + 60.0
        # The folder is empty before the report is written, too: what counts is the backend's log.
        while not any(each.startswith("report 204 ") for each in caplog.messages):
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


async def test_a_running_backend_gives_its_report_and_logs_json(tmp_path: Path) -> None:
    """The database file is locked by it, so the report comes through the port of metrics."""
    settings = tmp_path / "backend.toml"
    content = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "tokens": TOKEN,
        "endpoint_url": "http://127.0.0.1:9",
        "access_key_id": "nobody",
        "secret_access_key": "nothing",
        "database": str(tmp_path / "backend.sqlite3"),
        "metrics_port": free_port(),
        "port": 0,
    }
    settings.write_text("".join(f"{name} = {json.dumps(content[name])}\n" for name in content))
    settings.chmod(0o600)
    report = ("backend", "report", "--settings", str(settings))
    with started("backend", "--settings", str(settings)) as program:
        lines = [await asyncio.to_thread(program.out.readline) for _ in range(2)]
        assert "Metrics" in lines[1]
        async with httpx.AsyncClient(
            base_url=lines[0].split()[-1], trust_env=False, timeout=60
        ) as http:
            http.headers["Authorization"] = f"Bearer {TOKEN}"
            sent = await http.post("/v1/reports", json=report_body(ended_ago_s=0.0, lost_s=4.0))
            assert sent.status_code == 204
            http.headers["Authorization"] = "Bearer CANARY-of-somebody-else"
            assert (await http.post("/v1/reports", json=report_body())).status_code == 401
        running = await asyncio.to_thread(run, *report)
        program.send(signal.SIGTERM)
        ended = await asyncio.to_thread(program.done)
    assert "1 drops, 1 saved" in running.out
    assert (await asyncio.to_thread(run, *report)).out == running.out, "and from the file"
    assert ended.code == 0
    logged = [json.loads(line) for line in ended.err.splitlines()]
    calls = [(line["operation"], line["status"]) for line in logged if "operation" in line]
    assert calls == [("report", 204), ("none", 401)]
    by_id = {line.get("request_id"): line for line in logged}
    assert by_id[sent.headers["X-Request-Id"]]["owner"]
    for secret in ("CANARY", "127.0.0.1"):
        assert secret not in ended.err
