"""The end card: a reason, something to do, and a report for the clipboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock
from rejoin.core.model import Ending, EndingKind
from rejoin.gui.card import UNARMED_S
from rejoin.gui.end_card import EndCard
from rejoin.service_model.status import StatusReason

ENDING = Ending(EndingKind.GAME_ENDED, StatusReason("reconnectionTimeout"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def card(application: QApplication, clock: FakeClock) -> Iterator[EndCard]:
    made = EndCard(clock, lambda ending: f"report on {ending.kind.value}")
    made.resize(640, 400)
    made.show_ending(ENDING, clock())
    made.appear()
    clock.now += UNARMED_S
    yield made
    made.close()


def test_it_says_what_happened_what_it_means_what_to_do_and_the_code(card: EndCard) -> None:
    assert card.title.text() == "The game has ended: nobody came back in time"
    assert card.meaning.text() == "Unsaved progress may be lost."
    assert "start a new game" in card.advice.text()
    assert card.code.text() == "Code: RJ-GAME-ENDED / reconnectionTimeout"


def test_the_report_goes_to_the_clipboard_and_the_button_says_so(
    card: EndCard, clock: FakeClock
) -> None:
    width = card.copy_button.width()
    QTest.mouseClick(card.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "report on game_ended"
    assert card.copy_button.text() == "Report copied"
    assert card.copy_button.width() == width
    clock.now += 2.5
    card.show_ending(ENDING, clock())
    assert card.copy_button.text() == "Copy report"


def test_close_has_the_focus(card: EndCard) -> None:
    closed: list[int] = []
    card.closed.connect(lambda: closed.append(1))
    assert card.focusWidget() is card.close_button
    QTest.keyClick(card.close_button, Qt.Key.Key_Space)
    assert closed == [1]
