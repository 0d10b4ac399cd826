"""The last game: read beside the window, and nothing that is out of date is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from conftest import LogRecords
from helpers.home_scene import TIDE, save_ticket
from helpers.window_faces import wait_until
from rejoin.gui.home.contents import Leaving
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.last_game import LastGame
from rejoin.runtime.ticket_folder import TicketFolder


@pytest.fixture(name="last")
def _last(application: QApplication) -> Iterator[LastGame]:
    parent = QObject()
    made = LastGame(TicketFolder(), Jobs(), parent)
    yield made
    assert wait_until(lambda: made._thread is None, 60.0)
    made.close()


def test_it_is_there_at_once_where_the_window_is_not_shown_yet(last: LastGame) -> None:
    ticket = save_ticket()
    last.read_now()
    assert last.ticket == ticket


def test_what_changes_is_heard_of_once(last: LastGame) -> None:
    heard: list[object] = []
    last.changed.connect(lambda: heard.append(last.ticket))
    ticket = save_ticket()
    for _ in range(2):
        last.read()
        assert wait_until(lambda: last._thread is None, 60.0)
    assert heard == [ticket]


def test_a_ticket_that_cannot_be_used_is_a_problem_until_another_one_is_there(
    last: LastGame,
) -> None:
    heard: list[str] = []
    last.changed.connect(lambda: heard.append(last.problem))
    folder = TicketFolder().folder
    folder.mkdir(parents=True, mode=0o700)
    (folder / "0123456789abcdef.ticket").write_text("{")
    last.read_now()
    assert last.shown is None
    assert heard == [last.problem]
    assert "cannot be continued here" in last.problem
    assert "start the game again from its card" in last.problem
    ticket = save_ticket()
    last.read_now()
    assert (last.ticket, last.problem) == (ticket, "")
    assert heard[1:] == ["", ""]


def test_a_game_that_is_being_closed_is_read_once_it_has_ended(last: LastGame) -> None:
    settled: list[object] = []
    last.settled.connect(lambda: settled.append(last.ticket))
    last.leave()
    save_ticket()
    last.read()
    assert last._thread is None
    assert last.shown == Leaving()
    last.end()
    assert last.shown == Leaving()
    assert wait_until(lambda: bool(settled), 60.0)
    assert settled == [last.ticket] != [None]


def test_what_was_read_before_a_game_ended_does_not_count(
    last: LastGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk may still say what was so."""
    disk, answers = threading.Event(), [None, save_ticket(TIDE.address)]

    def slow() -> object:
        disk.wait(60.0)
        return answers.pop(0)

    monkeypatch.setattr("rejoin.gui.home.last_game.unfinished_game", slow)
    heard: list[object] = []
    last.settled.connect(lambda: heard.append(last.ticket))
    last.read()
    last.end()
    disk.set()
    assert wait_until(lambda: bool(heard), 60.0)
    assert heard != [None]
    assert answers == []


def test_one_that_the_player_does_not_want_any_more_goes(last: LastGame) -> None:
    save_ticket()
    last.read_now()
    assert last.remove() == ""
    assert last.ticket is None
    assert TicketFolder().newest() is None


def test_a_bug_there_is_logged_and_costs_nothing(
    last: LastGame, monkeypatch: pytest.MonkeyPatch, expected_logs: LogRecords
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rejoin.gui.home.last_game.unfinished_game", fail)
    last.read()
    assert wait_until(lambda: last._thread is None, 60.0)
    assert "the last game cannot be found out" in " ".join(expected_logs.lines)


def test_what_arrives_after_the_end_is_of_no_use(last: LastGame) -> None:
    save_ticket()
    last.read()
    last.close()
    assert wait_until(lambda: last._thread is None, 60.0)
    assert last.ticket is None
