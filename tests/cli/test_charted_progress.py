"""Live games: charts below the bar, for a person at a terminal; elsewhere as any other work."""

from __future__ import annotations

import io
import sys
import threading
from dataclasses import replace

import pytest

from helpers.qa_results import PLAYING
from rejoin.cli import progress
from rejoin.cli.charted_progress import ChartedProgress
from rejoin.cli.progress import Pace
from rejoin.clock import boot_s
from rejoin.qa.messages import Playing

NOTE = "1 of 2 plays done"


class Terminal(io.TextIOWrapper):
    """Standard error of a person. `drawn` is set once the note of the bar was written."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding, "backslashreplace")
        self.drawn = threading.Event()
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        if NOTE in text:
            self.drawn.set()
        return len(text)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("TERM", "xterm")


def now(seconds_ago: float) -> Playing:
    """How a game of 1 Mbit/s and 30 pictures a second goes."""
    at = 100.0 - seconds_ago
    sample = replace(
        PLAYING.sample,
        at=boot_s() - seconds_ago,
        bytes=round(at * 125_000),
        frames=round(at * 30),
    )
    return replace(PLAYING, sample=sample)


def shown(monkeypatch: pytest.MonkeyPatch, *, encoding: str = "utf-8", games: int = 1) -> str:
    """What a terminal gets while so many games are played, until one is over."""
    terminal = Terminal(encoding)
    monkeypatch.setattr(sys, "stderr", terminal)
    with ChartedProgress("cases", 60, Pace.SECONDS) as work:
        for number in range(games):
            for ago in range(10, -1, -1):
                work.playing(f"case {number}", now(ago))
        work.note(NOTE)
        assert terminal.drawn.wait(60)
        drawn = terminal.text
        for number in range(games):
            work.over(f"case {number}")
        work.say("passed  case 0")
        terminal.drawn.clear()
        terminal.text = ""
        assert terminal.drawn.wait(60)
        assert "case 0: live" not in terminal.text, "its charts are gone"
    return drawn


def test_a_person_sees_charts_of_each_game_below_the_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = shown(monkeypatch, games=5)
    lines = [line.rstrip() for line in drawn.replace("\r", "\n").split("\n")]
    assert any("cases [----" in line and line.endswith(NOTE) for line in lines)
    headings = [line for line in lines if line.endswith("live, the last 40 s")]
    assert headings[-3:] == [f"case {number}: live, the last 40 s" for number in range(3)]
    assert any("bitrate" in line and "█ " in line for line in lines)
    assert any(line.endswith("ms (top 20)") for line in lines)
    assert capsys.readouterr().out == "passed  case 0\n"


def test_the_cursor_is_back_when_the_work_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shown(monkeypatch)
    assert isinstance(sys.stderr, Terminal)
    written = sys.stderr.text
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")


def test_a_terminal_without_block_characters_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = shown(monkeypatch, encoding="ascii")
    assert "case 0: live" in drawn
    assert drawn.isascii()


def test_a_terminal_that_cannot_move_its_cursor_gets_the_bar_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    drawn = shown(monkeypatch)
    assert "cases [----" in drawn
    assert "live, the last" not in drawn
    assert "\x1b" not in drawn


def test_where_there_is_no_terminal_there_are_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with ChartedProgress("cases", 60, Pace.SECONDS) as work:
        work.playing("case 0", now(0))
        work.note(NOTE)
        written = ""
        while NOTE not in written:
            written += capsys.readouterr().err
    assert "cases: 0%" in written
    assert "live" not in written
    assert "\x1b" not in written
