"""The end card: a reason, what was lost, whose fault it was, and one thing to do next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock
from helpers.window_faces import CALM_PLAY
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.play_report import PlayReport
from rejoin.core.verdict import Verdict
from rejoin.gui import ending_texts
from rejoin.gui.card import UNARMED_S
from rejoin.gui.end_card import EndCard
from rejoin.service_model.status import StatusReason

ENDING = Ending(EndingKind.GAME_ENDED, StatusReason("reconnectionTimeout"))


def ended(ending: Ending = ENDING, verdict: Verdict | None = None) -> Snapshot:
    return Snapshot(Stage.ENDED, ending=ending, verdict=verdict)


class Rig:
    """A card that can start again, and how the game went."""

    def __init__(self, *, can_start_again: bool = True) -> None:
        self.clock = FakeClock()
        self.play: PlayReport | None = None
        self.asked = 0
        self.heard: list[str] = []
        self.card = EndCard(self.clock, self._report, can_start_again=can_start_again)
        self.card.closed.connect(lambda: self.heard.append("closed"))
        self.card.start_again.connect(lambda: self.heard.append("start again"))
        self.card.report_wanted.connect(lambda: self.heard.append("report"))
        self.card.summed_up.connect(self.heard.append)
        self.card.resize(640, 400)

    def _report(self) -> PlayReport | None:
        self.asked += 1
        return self.play

    def show(self, snapshot: Snapshot) -> None:
        self.card.show_snapshot(snapshot)
        self.card.appear()
        self.clock.now += UNARMED_S


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.card.close()


def test_it_says_what_happened_what_was_lost_whose_fault_what_to_do_and_the_code(rig: Rig) -> None:
    rig.show(ended(verdict=Verdict.HOST_SILENT))
    card = rig.card
    assert card.title.text() == "The game has ended: nobody came back in time"
    assert card.meaning.text() == "Unsaved progress may be lost."
    assert card.verdict.text() == "The game server stopped sending."
    assert "start a new game" in card.next.text()
    assert card.code.text() == "Code: RJ-GAME-ENDED / reconnectionTimeout"


@pytest.mark.parametrize("verdict", [None, Verdict.NOT_KNOWN])
def test_a_fault_that_is_not_known_is_not_named(rig: Rig, verdict: Verdict | None) -> None:
    rig.show(ended(verdict=verdict))
    assert not rig.card.verdict.isVisible()


def test_starting_again_has_the_focus_and_is_pressed_by_a_key(rig: Rig) -> None:
    rig.show(ended())
    assert rig.card.focusWidget() is rig.card.again_button
    QTest.keyClick(rig.card.again_button, Qt.Key.Key_Space)
    QTest.mouseClick(rig.card.report_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(rig.card.close_button, Qt.MouseButton.LeftButton)
    assert rig.heard == ["start again", "report", "closed"]


@pytest.mark.parametrize("kind", EndingKind)
def test_one_button_stands_out_and_it_can_be_pressed(rig: Rig, kind: EndingKind) -> None:
    rig.show(ended(Ending(kind)))
    card = rig.card
    primary = [each for each in card.buttons() if each.property("kind") == "primary"]
    assert primary == [card.primary]
    may = ending_texts.may_start_again(Ending(kind))
    assert card.again_button.isVisible() == may
    assert may or card.primary is not card.again_button


def test_without_somebody_to_start_it_closing_is_next(application: QApplication) -> None:
    rig = Rig(can_start_again=False)
    rig.show(ended())
    assert not rig.card.again_button.isVisible()
    assert rig.card.focusWidget() is rig.card.close_button
    rig.card.close()


def test_how_the_game_went_is_asked_once_shown_and_spoken(rig: Rig) -> None:
    rig.play = CALM_PLAY
    rig.show(ended())
    rig.card.show_snapshot(ended())
    assert rig.asked == 1
    assert rig.card.figures.isVisible()
    assert rig.heard == ["Played 42 min, Drops 0, Lost 0 s."]
    rig.card.forget()
    rig.play = None
    rig.card.show_snapshot(ended())
    assert rig.asked == 2, "the same end of another game"
    assert not rig.card.figures.isVisible()
