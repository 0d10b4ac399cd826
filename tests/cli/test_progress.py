"""Progress of long commands: a bar on a terminal, lines elsewhere, nothing for short work."""

from __future__ import annotations

import io
import logging
import sys
import threading

import pytest

from rejoin.cli import progress
from rejoin.cli.progress import Pace, Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """Standard error of a person. `wrote` is set once something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.wrote.set()
        return count


def test_the_time_left_is_that_of_the_speed_so_far() -> None:
    clock = Clock()
    work = Progress("games", 200, clock=clock)
    assert work.line() == "games: 0%", "the time left is not known yet"
    clock.now += 10
    work.to(50, "a cut")
    assert work.left_s == 30
    assert work.line() == "games: 25%, about 0:30 left (a cut)"
    work.add(50)
    assert work.left_s == 10
    clock.now += 7190
    assert work.line() == "games: 50%, about 2:00:00 left (a cut)"
    work.to(300)
    assert work.line() == "games: 100%, about 0:00 left"


def test_seconds_pass_by_themselves_and_are_corrected() -> None:
    clock = Clock()
    work = Progress("cases", 60, Pace.SECONDS, clock=clock)
    clock.now += 15
    assert work.left_s == 45
    work.to(30)
    clock.now += 5
    assert work.left_s == 25
    clock.now += 100
    assert work.line() == "cases: 100%, longer than usual"
    work.leaves(145, "the last one")
    assert work.line() == "cases: 45%, about 2:25 left (the last one)"


def test_steps_say_which_one_runs_and_promise_no_time() -> None:
    clock = Clock()
    work = Progress("point", 39, Pace.STEPS, clock=clock)
    work.to(12, "long-poll")
    clock.now += 65
    assert work.left_s is None
    assert work.line() == "point 13 of 39, for 1:05 (long-poll)"
    work.to(39, "the end")
    assert work.line() == "point 39 of 39, for 0:00 (the end)"


def test_of_unknown_work_the_time_so_far_is_said() -> None:
    clock = Clock()
    work = Progress("starting", None, clock=clock)
    clock.now += 61
    work.note("loading")
    assert work.left_s is None
    assert work.line() == "starting: 1:01 so far (loading)"


@pytest.mark.parametrize(
    ("total", "pace", "drawn"),
    [
        (4, Pace.STEPS, "games 3 of 4 [###############---------------]  0:00  a cut"),
        (None, Pace.EVEN, "games  0:00  a cut"),
        (4, Pace.SECONDS, "games [###############---------------]  50%  about 0:02 left"),
    ],
)
def test_each_kind_of_work_is_drawn_without_escape_codes(
    monkeypatch: pytest.MonkeyPatch, total: float | None, pace: Pace, drawn: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    with Progress("games", total, pace, clock=Clock()) as work:
        work.to(2, "a cut")
        work.warn("a warning")
        terminal.wrote.clear()
        assert terminal.wrote.wait(60)
    assert drawn in terminal.getvalue()
    assert "\x1b" not in terminal.getvalue()
    assert "rejoin: a warning\n" in terminal.getvalue()


def test_a_person_sees_a_bar_and_lines_above_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setenv("COLUMNS", "70")
    work = Progress("games", 4)
    work.to(2, "x" * 100)
    with work:
        assert terminal.wrote.wait(60)
        work.say("a line")
        work.say_lines("two\nlines")
    drawn = terminal.getvalue().split("\r")
    bars = [each for each in drawn if each.startswith("games [")]
    assert "###############---------------]  50%" in bars[-1]
    assert max(map(len, drawn)) == 69
    assert drawn[-1].strip() == ""
    assert capsys.readouterr().out == "a line\ntwo\nlines\n"


@pytest.mark.parametrize(
    ("pace", "line"),
    [
        (Pace.SECONDS, "cases [######------]  50%  about 0:10 left"),
        (Pace.STEPS, "cases 11 of 20 [########--------]  0:00"),
    ],
)
def test_in_a_narrow_terminal_the_bar_is_shorter_and_the_time_can_be_read(
    pace: Pace, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setenv("COLUMNS", str(len(line) + 1))
    with Progress("cases", 20, pace, clock=Clock()) as work:
        work.to(10, "a note")
        terminal.wrote.clear()
        assert terminal.wrote.wait(60)
    assert line in terminal.getvalue()
    assert max(map(len, terminal.getvalue().split("\r"))) == len(line)


def screen(written: str) -> list[str]:
    """The lines that a terminal shows after this."""
    lines, at = [""], 0
    for each in written:
        if each == "\n":
            lines.append("")
        elif each != "\r":
            lines[-1] = lines[-1][:at] + each + lines[-1][at + 1 :]
            at += 1
            continue
        at = 0
    return [line.rstrip() for line in lines]


def test_what_is_logged_stands_above_the_bar_and_the_bar_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setattr(progress, "REDRAWN_EVERY_S", 0.01)
    monkeypatch.setenv("COLUMNS", "60")
    handler = logging.StreamHandler(terminal)
    logger = logging.getLogger("elsewhere")
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with Progress("all", None), Progress("games", 4):
        for number in range(3):
            terminal.wrote.clear()
            assert terminal.wrote.wait(60)
            logger.warning("line %d", number)
        logged = terminal.getvalue().rindex("line 2")
        while "games [" not in terminal.getvalue()[logged:]:
            assert terminal.wrote.wait(60)
            terminal.wrote.clear()
    assert handler.stream is terminal
    shown = screen(terminal.getvalue())
    assert [line for line in shown if "line" in line] == ["line 0", "line 1", "line 2"]


def test_a_log_has_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = threading.Event()

    class Noted(Progress):
        def line(self) -> str:
            asked.set()
            return super().line()

    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with Noted("games", 4) as work:
        work.to(1)
        assert asked.wait(60)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("games: ")
    assert "\r" not in err


def test_short_work_and_unknown_work_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("games", 4) as work:
        work.to(4)
    with Progress("nobody knows", None) as work:
        work.say("a line")
    assert capsys.readouterr() == ("a line\n", "")
