"""`rejoin practice`: a game into which a tester can put faults, and how nobody else gets there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import LINK, URL, FakePlayer, Rejoin
from rejoin.gui import application
from rejoin.gui.practice.practice_options import PracticeOptions
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events import chords
from rejoin.qa.game_watch import GameWatch
from rejoin.qa.practice import Practice

TOKEN = "CANARY-token"


@pytest.fixture(name="windows")
def _windows(fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch) -> list[WindowOptions]:
    """Those that were shown."""
    shown: list[WindowOptions] = []

    def run(_port: object, options: WindowOptions, **_: Any) -> int:
        shown.append(options)
        if options.practice is not None:
            options.practice.port.mark(1.0, "seen", "")
        return 0

    monkeypatch.setattr(application, "run", run)
    return shown


def practice_of(windows: list[WindowOptions]) -> PracticeOptions:
    [options] = windows
    assert options.practice is not None
    return options.practice


def test_its_window_has_practice_drops_and_its_client_takes_them(
    rejoin: Rejoin, windows: list[WindowOptions], fake_player: type[FakePlayer]
) -> None:
    code, out, err = rejoin("practice", URL, token=TOKEN)
    assert (code, out, err) == (0, "", "")
    practice = practice_of(windows)
    assert isinstance(practice.port, Practice)
    assert practice.port.keeps_pictures
    assert (practice.drop_keys, practice.marker_keys) == ((), ())
    [player] = fake_player.made
    assert player.hooks is not None
    assert isinstance(player.slot, GameWatch)
    assert player.profile.token == TOKEN


def test_play_has_none_of_it(
    rejoin: Rejoin, windows: list[WindowOptions], fake_player: type[FakePlayer]
) -> None:
    for where in (URL, LINK):
        assert rejoin("play", "--yes", where, token=TOKEN)[0] == 0
        assert windows[-1].practice is None
        assert (fake_player.made[-1].hooks, fake_player.made[-1].slot) == (None, None)


@pytest.mark.parametrize("arguments", [(LINK,), ("--yes", LINK)])
def test_a_link_leads_nowhere_here(
    rejoin: Rejoin, fake_player: type[FakePlayer], arguments: tuple[str, ...]
) -> None:
    code, _, err = rejoin("practice", *arguments, token=TOKEN)
    assert code == 2
    assert "A link cannot be used here." in err
    assert fake_player.made == []


def test_keys_are_the_testers_choice(rejoin: Rejoin, windows: list[WindowOptions]) -> None:
    keys = ("--drop-keys", "Ctrl+Alt+F", "--marker-keys", "F7, Ctrl+Alt+B")
    assert rejoin("practice", *keys, "--no-pictures", URL, token=TOKEN)[0] == 0
    practice = practice_of(windows)
    assert practice.drop_keys == chords.parse("Ctrl+Alt+F")
    assert practice.marker_keys == chords.parse("F7, Ctrl+Alt+B")
    assert not practice.port.keeps_pictures


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--drop-keys", "W"), "--drop-keys"),
        (("--drop-keys", "Ctrl+Alt+G"), "already used by open_menu"),
        (("--drop-keys", "F7", "--marker-keys", "F7"), "already used by --drop-keys"),
    ],
)
def test_keys_that_cannot_be_are_refused(
    rejoin: Rejoin, fake_player: type[FakePlayer], arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = rejoin("practice", *arguments, URL, token=TOKEN)
    assert code == 2
    assert said in err
    assert fake_player.made == []


def test_the_trace_is_written(rejoin: Rejoin, windows: list[WindowOptions], tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    assert rejoin("practice", "--trace", str(trace), URL, token=TOKEN)[0] == 0
    assert '"MarkerSet"' in trace.read_text(encoding="utf-8")
    missing = tmp_path / "missing" / "trace.jsonl"
    code, _, err = rejoin("practice", "--trace", str(missing), URL, token=TOKEN)
    assert code == 2
    assert "cannot be written" in err
    assert len(windows) == 1
    full = Path("/dev/full")
    if full.exists():
        code, _, err = rejoin("practice", "--trace", str(full), URL, token=TOKEN)
        assert code == 0
        assert "is not whole" in err
