"""`rejoin qa storm`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from distributed import LocalCluster

from rejoin.cli.qa import qa
from rejoin.errors import ServiceError


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(qa, ["storm", *map(str, args)], standalone_mode=False)


def test_it_prints_games_lost_and_writes_a_chart(tmp_path: Path) -> None:
    chart, lines = tmp_path / "a" / "storm.svg", tmp_path / "storm.jsonl"
    result = invoke(
        *("--players", "400", "--outage", "30", "--quota", "20", "--quota", "5"),
        *("--window", "60", "--window", "60+120", "--jobs", "1"),
        *("--chart", chart, "--json", lines),
    )
    assert result.exception is None
    assert result.return_value == 0
    assert "400 games dropped at once, nothing reached for 30 s." in result.output
    assert "60+120 s" in result.output
    assert chart.read_text(encoding="utf-8").startswith("<svg")
    assert len(lines.read_text(encoding="utf-8").splitlines()) == 4


def test_storms_are_spread_by_seed_over_the_workers_of_a_scheduler(tmp_path: Path) -> None:
    """Dask's own scheduler and worker, in this process; each storm is as without them."""
    arguments = (
        *("--players", "200", "--outage", "30", "--quota", "20", "--window", "60"),
        *("--failing", "0.2", "--seeds", "3", "--json"),
    )
    with LocalCluster(
        n_workers=1,
        processes=False,
        host="127.0.0.1",
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    ) as there:
        spread = invoke(*arguments, tmp_path / "a", "--scheduler", there.scheduler_address)
    assert spread.exception is None
    alone = invoke(*arguments, tmp_path / "b", "--jobs", "1")
    assert spread.output == alone.output
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    lines = (tmp_path / "a").read_text(encoding="utf-8").splitlines()
    seeds = [json.loads(line)["storm"]["seed"] for line in lines]
    assert seeds == [1, 2, 3]


def test_a_scheduler_that_is_not_there_is_a_sentence() -> None:
    found = invoke("--scheduler", "nonsense://x").exception
    assert isinstance(found, ServiceError)
    assert "scheduler cannot be reached" in str(found)


@pytest.mark.parametrize("window", ["", "long", "0", "4000", "30+", "+".join(["30"] * 9), "nan"])
def test_a_window_that_is_none_is_refused(window: str) -> None:
    found = invoke("--window", window).exception
    assert isinstance(found, click.BadParameter)
    assert "has to look like 120" in found.format_message()


def test_an_outage_after_which_connections_heal_is_refused() -> None:
    assert isinstance(invoke("--outage", "4").exception, click.BadParameter)
