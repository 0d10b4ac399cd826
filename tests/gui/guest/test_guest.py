"""The window asks its desktop for what is due, once, and undoes it at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.window_faces import LIVE, NOW, destroy, lost, wait_until
from rejoin.core.model import Snapshot, Stage
from rejoin.gui.guest.guest import KEEP_AFTER_S, Guest, Services
from rejoin.gui.guest.hints import Choices
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.runtime.desktop_bus import Notification
from rejoin.runtime.place_file import PlaceFile

DROP = lost(dropped_at=NOW, shown_deadline_at=NOW + 120.0)


class FakeDesktop:
    def __init__(self) -> None:
        self.done: list[object] = []

    def keep_awake(self, wanted: bool) -> None:
        self.done.append("awake" if wanted else "may sleep")

    def notify(self, notification: Notification | None) -> None:
        self.done.append("withdraw" if notification is None else notification.title)

    def close(self) -> None:
        self.done.append("closed")


class Game:
    def __init__(self, folder: Path) -> None:
        self.desktop = FakeDesktop()
        self.done = self.desktop.done
        self.clock = FakeClock(NOW)
        self.port = FakePort()
        self.place = PlaceFile(folder / "window.json")
        self.choices = Choices(sound=True)
        options = WindowOptions(title="Rejoin demo")
        self.window = RejoinWindow(self.port, options, clock=self.clock)
        self.guest = Guest(
            self.window,
            Services(
                self.desktop,
                sound=lambda: self.done.append("sound"),
                place=self.place,
                alert=lambda window: self.done.append("alert"),
            ),
            choices=lambda: self.choices,
            clock=self.clock,
        )
        self.window.show()
        self.front = True

    def at(self, after_s: float, snapshot: Snapshot) -> list[object]:
        """What is done once the window has this snapshot."""
        self.clock.now = NOW + after_s
        if snapshot != self.window.snapshot:
            self.port.publish(snapshot)
            wait_until(lambda: self.window.snapshot == snapshot)
        self.guest.update()
        done = self.done[:]
        self.done.clear()
        return done


@pytest.fixture
def game(application: QApplication, tmp_path: Path) -> Iterator[Game]:
    made = Game(tmp_path)
    yield made
    made.guest.close()
    destroy(made.window)


def behind(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game.window, "isActiveWindow", lambda: False)


def test_the_desktop_stays_awake_while_the_game_is_seen(game: Game) -> None:
    assert game.at(0.0, Snapshot(Stage.STARTING)) == []
    assert game.at(1.0, LIVE) == ["awake"]
    assert game.at(2.0, DROP) == []
    game.window.showMinimized()
    assert game.at(3.0, DROP) == ["may sleep"]
    game.window.showNormal()
    assert game.at(4.0, LIVE) == ["awake"]
    assert game.at(5.0, Snapshot(Stage.ENDING)) == ["may sleep"]


def test_hints_are_carried_out(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    behind(game, monkeypatch)
    assert game.at(0.0, LIVE) == ["awake"]
    game.at(0.0, DROP)
    assert game.at(3.0, DROP) == ["Connection lost. Reconnecting...", "alert"]
    assert game.at(91.0, DROP) == ["At least 0:29 to get back", "alert"]
    assert game.at(106.0, DROP) == ["sound"]
    assert game.at(107.0, LIVE) == ["You're back", "alert"]
    monkeypatch.setattr(game.window, "isActiveWindow", lambda: True)
    assert game.at(108.0, LIVE) == ["withdraw"]


def test_what_the_player_chooses_counts_at_once(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind(game, monkeypatch)
    game.choices = Choices(background=False)
    game.at(0.0, DROP)
    assert game.at(3.0, DROP) == []
    game.choices = Choices()
    assert game.at(4.0, DROP) == ["Connection lost. Reconnecting...", "alert"]


def test_the_title_counts_down(game: Game) -> None:
    game.at(0.0, DROP)
    assert game.window.windowTitle() == "2:00 to get back - Rejoin demo"
    game.at(60.5, DROP)
    assert game.window.windowTitle() == "0:59 to get back - Rejoin demo"
    game.at(61.0, LIVE)
    assert game.window.windowTitle() == "Rejoin demo"


def test_who_has_closed_the_window_hears_nothing_more(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    game.at(0.0, DROP)
    behind(game, monkeypatch)
    game.window.close()
    assert game.at(91.0, DROP) == ["may sleep"]
    assert game.at(106.0, replace(DROP, stage=Stage.LOST)) == []


def test_closing_undoes_everything_once(game: Game) -> None:
    game.at(0.0, LIVE)
    game.guest.close()
    game.guest.close()
    assert game.done == ["closed"]
    assert game.at(1.0, DROP) == ["closed"]
    assert game.window.windowTitle() == "Rejoin demo"


def test_a_window_that_goes_takes_the_guest_along(game: Game) -> None:
    game.window.close()  # nothing runs
    assert game.done == ["closed"]


def test_the_place_is_kept_once_the_window_stays_there(game: Game) -> None:
    game.at(0.0, LIVE)
    game.window.resize(800, 600)
    game.at(1.0, LIVE)
    game.window.resize(820, 610)
    game.at(1.1, LIVE)
    game.at(1.9, LIVE)
    game.place.close()
    assert game.place.read() is None
    game.at(1.1 + KEEP_AFTER_S, LIVE)
    game.place.close()
    kept = game.place.read()
    assert kept is not None
    assert (kept.width, kept.height) == (820, 610)


def test_the_place_is_kept_at_the_end(game: Game) -> None:
    game.window.resize(840, 620)
    game.at(0.0, LIVE)
    game.guest.close()
    kept = game.place.read()
    assert kept is not None
    assert (kept.width, kept.height) == (840, 620)
