"""The game that can be returned to: not one that is open, over, or damaged."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from helpers.command_line import KEY, saved_ticket
from rejoin.core.model import SessionId
from rejoin.core.ticket import MAX_SESSION_S
from rejoin.runtime.instance import Instance
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.unfinished import (
    UnusableTicket,
    forget_games_at,
    key_of_ticket,
    unfinished_game,
)


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_damaged_ticket_is_no_unfinished_game() -> None:
    assert key_of_ticket(saved_ticket()) == KEY
    (file,) = TicketFolder().folder.iterdir()
    file.write_text("{")
    assert unfinished_game() == UnusableTicket("The ticket cannot be used: it is damaged.")
    os.utime(file, (0, time.time() - MAX_SESSION_S - 60))
    assert unfinished_game() is None, "no game of that day can still run"


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_ticket_that_others_can_read_is_no_unfinished_game() -> None:
    saved_ticket()
    (file,) = TicketFolder().folder.iterdir()
    file.chmod(0o644)
    assert unfinished_game() == UnusableTicket(
        "The ticket cannot be used: other users can read or write it."
    )


def test_a_game_that_can_be_rejoined_goes_first() -> None:
    ticket = saved_ticket()
    (TicketFolder().folder / "0123456789abcdef.ticket").write_text("{")
    assert unfinished_game() == ticket


def test_a_game_that_is_being_played_is_not_unfinished() -> None:
    assert unfinished_game() is None
    ticket = saved_ticket()
    assert unfinished_game() == ticket
    playing = Instance.claim(KEY)
    assert playing is not None
    assert unfinished_game() is None
    playing.release()
    assert unfinished_game() == ticket
    saved_ticket(wall_s=time.time() - 90_000)
    assert unfinished_game() is None


def test_games_of_a_backend_that_has_ended_are_forgotten() -> None:
    ticket = saved_ticket()
    saved_ticket(session_id=SessionId("s-2"))
    forget_games_at("http://127.0.0.1:1")
    assert unfinished_game() is not None
    forget_games_at(ticket.backend.backend_url)
    assert unfinished_game() is None
