"""`rejoin qa storm`: what it prints, writes and refuses."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from rejoin.cli.qa import qa


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


@pytest.mark.parametrize("window", ["", "long", "0", "4000", "30+", "+".join(["30"] * 9), "nan"])
def test_a_window_that_is_none_is_refused(window: str) -> None:
    found = invoke("--window", window).exception
    assert isinstance(found, click.BadParameter)
    assert "has to look like 120" in found.format_message()


def test_an_outage_after_which_connections_heal_is_refused() -> None:
    assert isinstance(invoke("--outage", "4").exception, click.BadParameter)
