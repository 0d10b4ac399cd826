"""A window is left: at once without a game, and hidden until the engine has finished in one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import ShowFace, face_named, wait_until
from rejoin.core.events import CloseForNowRequested
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui.card import UNARMED_S


@pytest.mark.parametrize("name", ["live", "lost", "starting"])
def test_closing_the_window_closes_for_now(show: ShowFace, name: str) -> None:
    window, port, _clock = show(face_named(name))
    gone: list[int] = []
    window.gone.connect(lambda: gone.append(1))
    window.close()
    assert port.events == [CloseForNowRequested()]
    assert window.isHidden()
    assert gone == []
    port.publish(Snapshot(Stage.ENDED, ending=Ending(EndingKind.CLOSED_FOR_NOW)))
    QApplication.processEvents()
    assert gone == [1]
    assert port.listeners == []


@pytest.mark.parametrize(("name", "kept"), [("live", 1), ("lost", 1), ("starting", 0)])
def test_what_was_seen_last_is_kept_when_the_window_is_closed(
    show: ShowFace, name: str, kept: int
) -> None:
    window, port, _clock = show(face_named(name))
    seen = window.layers.view.picture
    assert port.kept == []
    window.close()
    window.close()
    assert port.kept == [seen] * kept


def test_a_window_that_is_gone_stays_gone(show: ShowFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.gui.leaving.LEAVE_WITHIN_S", 0.01)
    window, port, _clock = show(face_named("live"))
    gone: list[int] = []
    window.gone.connect(lambda: gone.append(1))
    window.close()
    assert wait_until(lambda: gone == [1])
    window.close()
    window.start()
    window.close()
    window.refresh()
    QTest.keyPress(window, Qt.Key.Key_W)
    window.come_to_front()
    assert not wait_until(lambda: gone != [1], 0.1)
    assert port.events == [CloseForNowRequested()]
    assert not window.inputs.held.anything, "no game takes the player's input any more"
    assert window.isHidden()


def test_a_start_that_cannot_be_stopped_is_closed_for_now(show: ShowFace) -> None:
    window, port, clock = show(face_named("starting-cannot-end"))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.starting.close_button, Qt.MouseButton.LeftButton)
    assert port.events == [CloseForNowRequested()]
    assert window.isHidden()


@pytest.mark.parametrize("name", ["idle", "end-game-ended"])
def test_without_a_game_closing_just_closes(show: ShowFace, name: str) -> None:
    window, port, _clock = show(face_named(name))
    gone: list[int] = []
    window.gone.connect(lambda: gone.append(1))
    window.close()
    assert (port.events, gone) == ([], [1])


def test_closing_while_the_game_is_being_ended_does_not_stop_that(show: ShowFace) -> None:
    window, port, _clock = show(face_named("ending"))
    window.close()
    assert port.events == []


def test_the_end_card_closes_the_window(show: ShowFace) -> None:
    window, _port, clock = show(face_named("end-game-ended"))
    gone: list[int] = []
    window.gone.connect(lambda: gone.append(1))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.end.close_button, Qt.MouseButton.LeftButton)
    assert gone == [1]
