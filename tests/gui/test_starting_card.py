"""The starting card: what is awaited, for how long, and a way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock
from helpers.window_faces import NOW
from rejoin.core.model import Doing, Snapshot, Stage
from rejoin.gui.card import UNARMED_S
from rejoin.gui.starting_card import StartingCard

PLACING = Snapshot(Stage.STARTING, doing=Doing.PLACING)


@pytest.fixture
def card(application: QApplication) -> Iterator[StartingCard]:
    made = StartingCard(FakeClock(NOW), reduced_motion=True)
    made.resize(640, 400)
    made.show_snapshot(PLACING, NOW)
    made.appear()
    yield made
    made.close()


def test_it_says_what_is_awaited_and_then_for_how_long(card: StartingCard) -> None:
    assert card.title.text() == "Starting your game"
    assert card.awaited.text() == "Waiting for a free game server..."
    assert card.ring.digits == ""
    card.show_snapshot(PLACING, NOW + 42)
    assert card.ring.digits == "0:42"
    assert "ten minutes" in card.awaited.text()


def test_a_second_start_counts_from_zero(card: StartingCard) -> None:
    card.show_snapshot(Snapshot(Stage.IDLE), NOW + 50)
    card.show_snapshot(PLACING, NOW + 60)
    card.show_snapshot(PLACING, NOW + 65)
    assert card.ring.digits == "0:05"


def test_cancel_has_the_focus(card: StartingCard) -> None:
    cancelled: list[int] = []
    card.cancel.connect(lambda: cancelled.append(1))
    assert card.focusWidget() is card.cancel_button
    card.cancel_button.armed_at -= UNARMED_S
    QTest.keyClick(card.cancel_button, Qt.Key.Key_Return)
    assert cancelled == [1]


def test_when_idle_it_has_a_start_button(card: StartingCard) -> None:
    started: list[int] = []
    card.start.connect(lambda: started.append(1))
    card.show_snapshot(Snapshot(Stage.IDLE), NOW)
    card.start_button.armed_at = 0.0
    assert card.buttons() == [card.start_button]
    QTest.mouseClick(card.start_button, Qt.MouseButton.LeftButton)
    assert started == [1]


def test_a_game_that_cannot_be_ended_is_closed_for_now_once_it_is_being_placed(
    card: StartingCard,
) -> None:
    closed: list[int] = []
    card.close_for_now.connect(lambda: closed.append(1))
    asking = Snapshot(Stage.STARTING, doing=Doing.ASKING_BACKEND, can_terminate=False)
    card.show_snapshot(asking, NOW)
    assert card.buttons() == [card.cancel_button]
    assert card.leaving.isHidden()
    for doing in (Doing.PLACING, Doing.CONNECTING):
        card.show_snapshot(Snapshot(Stage.STARTING, doing=doing, can_terminate=False), NOW)
        assert card.buttons() == [card.close_button]
        assert card.first_focus() is card.close_button
        assert "may keep running until its time is up" in card.leaving.text()
    card.close_button.armed_at = 0.0
    QTest.mouseClick(card.close_button, Qt.MouseButton.LeftButton)
    assert closed == [1]
    card.show_snapshot(PLACING, NOW)
    assert card.buttons() == [card.cancel_button]
    assert card.leaving.isHidden()
