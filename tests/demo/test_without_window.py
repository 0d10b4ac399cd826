"""The headless demo without Qt: refreshes, closing, and Ctrl+C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from rejoin.core.events import CloseForNowRequested, Event
from rejoin.core.model import Snapshot, Stage
from rejoin.demo import without_window
from rejoin.demo.script import Screen


def close(screen: Screen) -> None:
    screen.close()


class Game:
    """A game that ends when it is asked to, unless it hangs."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.snapshot = Snapshot(Stage.LIVE)
        self.posted: list[Event] = []
        self._hangs = hangs

    def post(self, event: Event) -> None:
        self.posted.append(event)
        if not self._hangs:
            self.snapshot = Snapshot(Stage.ENDED)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(without_window, "REFRESH_S", 0.001)
    monkeypatch.setattr(without_window, "CLOSE_TIMEOUT_S", 0.05)


def test_it_refreshes_until_it_is_closed_and_asks_the_game_to_end_once(tmp_path: Path) -> None:
    game, shown = Game(), []

    def on_refresh(screen: Screen) -> None:
        shown.append(screen.snapshot.stage)
        assert not screen.take_picture()(tmp_path / "x.png")
        if len(shown) == 3:
            screen.close()
            screen.close()

    assert without_window.run(game, on_refresh) == 0
    assert shown == [Stage.LIVE] * 3
    assert game.posted == [CloseForNowRequested()]
    assert not list(tmp_path.iterdir())


def test_a_game_that_does_not_end_is_not_awaited_for_ever() -> None:
    game = Game(hangs=True)
    assert without_window.run(game, close) == 0
    assert game.posted == [CloseForNowRequested()]


def test_a_game_that_has_ended_is_not_asked_to_end() -> None:
    game = Game()
    game.snapshot = Snapshot(Stage.ENDED)
    assert without_window.run(game, close) == 0
    assert not game.posted


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_the_game_and_a_second_one_does_not_wait_for_that(times: int) -> None:
    game = Game(hangs=times == 2)
    before = signal.getsignal(signal.SIGINT)

    def on_refresh(screen: Screen) -> None:
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)

    assert without_window.run(game, on_refresh) == 130
    assert game.posted == [CloseForNowRequested()]
    assert signal.getsignal(signal.SIGINT) is before
