"""Which verbs keep a log on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.command_line import Rejoin
from rejoin.cli.player_log import player_log
from rejoin.runtime import logs


def test_a_verb_with_a_window_keeps_one_and_a_server_does_not(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(logs, "configure", lambda **given: opened.append(given.get("open_file")))
    rejoin("back")
    rejoin("studio", "--no-such-option")
    rejoin("doctor", "--no-such-option")
    assert opened == [player_log, None, None]


def test_it_is_in_the_folder_of_the_platform(tmp_path: Path) -> None:
    made = player_log()
    made.add("a line")
    made.close()
    (file,) = tmp_path.rglob("rejoin.log")
    assert file.read_text().endswith("a line\n")
