"""The reconnect card: the time left, and three buttons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock
from helpers.window_faces import NOW, in_queue, lost
from rejoin.core.model import Doing, Snapshot, Stage, Turn
from rejoin.gui.card import UNARMED_S
from rejoin.gui.reconnect_overlay import ReconnectOverlay


class Rig:
    """An armed overlay; keeps which signals it emitted."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.emitted: list[str] = []
        self.overlay = ReconnectOverlay(self.clock, reduced_motion=True)
        self.overlay.resize(1280, 720)
        self.overlay.try_now.connect(lambda: self.emitted.append("try"))
        self.overlay.close_for_now.connect(lambda: self.emitted.append("close"))
        self.overlay.end_game.connect(lambda: self.emitted.append("end"))
        self.show(lost())
        self.overlay.appear()
        self.clock.now += UNARMED_S

    def show(self, snapshot: Snapshot) -> None:
        self.overlay.show_snapshot(snapshot, self.clock())


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    application.processEvents()
    yield made
    made.overlay.close()


def test_digits_sentence_and_ring_come_from_the_deadline(rig: Rig) -> None:
    for later_s, digits in ((0.0, "1:12"), (0.6, "1:11"), (60.0, "0:12"), (72.4, "0:00")):
        rig.clock.now = NOW + later_s
        rig.show(lost())
        assert rig.overlay.ring.digits == digits
        assert rig.overlay.time.text() == f"At least {digits} to get back"
        assert rig.overlay.ring.share == pytest.approx((72.5 - later_s) / 120)


def test_a_later_deadline_gives_more_time_again(rig: Rig) -> None:
    rig.clock.now = NOW + 60
    rig.show(lost(shown_deadline_at=NOW + 180))
    assert rig.overlay.ring.digits == "2:00"


def test_past_zero_tries_go_on(rig: Rig) -> None:
    rig.clock.now = NOW + 80
    rig.show(lost())
    assert rig.overlay.time.text() == "Time may be up. Still trying..."
    assert rig.overlay.ring.share == 0.0
    assert rig.overlay.try_button.isVisible()


@pytest.mark.parametrize(("button", "emitted"), [("try_button", "try"), ("close_button", "close")])
def test_a_button_emits_its_signal(rig: Rig, button: str, emitted: str) -> None:
    QTest.mouseClick(getattr(rig.overlay, button), Qt.MouseButton.LeftButton)
    assert rig.emitted == [emitted]


def test_the_game_is_ended_only_after_a_confirmation(rig: Rig) -> None:
    QTest.mouseClick(rig.overlay.end_button, Qt.MouseButton.LeftButton)
    assert rig.emitted == []
    assert rig.overlay.asking
    assert rig.overlay.title.text() == "End the game for good?"
    assert rig.overlay.focusWidget() is rig.overlay.keep_button
    assert not rig.overlay.try_button.isVisible()
    assert rig.overlay.time.text() == "At least 1:11 to get back"
    QTest.mouseClick(rig.overlay.confirm_button, Qt.MouseButton.LeftButton)
    assert rig.emitted == ["end"]


@pytest.mark.parametrize("way", ["button", "escape"])
def test_the_question_can_be_taken_back(rig: Rig, way: str) -> None:
    QTest.mouseClick(rig.overlay.end_button, Qt.MouseButton.LeftButton)
    if way == "button":
        QTest.keyClick(rig.overlay.keep_button, Qt.Key.Key_Return)
    else:
        QTest.keyClick(rig.overlay.keep_button, Qt.Key.Key_Escape)
    assert not rig.overlay.asking
    assert rig.emitted == []
    assert rig.overlay.title.text() == "Connection lost. Reconnecting..."


def test_an_open_question_is_dropped_when_the_card_disappears(rig: Rig) -> None:
    QTest.mouseClick(rig.overlay.end_button, Qt.MouseButton.LeftButton)
    rig.overlay.disappear()
    rig.show(lost())
    rig.overlay.appear()
    assert not rig.overlay.asking
    assert rig.overlay.try_button.isVisible()


def test_a_try_in_progress_does_not_move_the_focus_to_close(rig: Rig) -> None:
    rig.overlay.try_button.setFocus()
    rig.show(lost(can_try_now=False))
    focused = rig.overlay.focusWidget()
    assert focused is rig.overlay.panel
    QTest.keyClick(focused, Qt.Key.Key_Space)
    assert rig.emitted == []
    assert not rig.overlay.try_button.isEnabled()


def test_while_ending_there_are_no_buttons(rig: Rig) -> None:
    QTest.mouseClick(rig.overlay.end_button, Qt.MouseButton.LeftButton)
    rig.show(Snapshot(Stage.ENDING, doing=Doing.TERMINATING))
    assert rig.overlay.title.text() == "Ending your game..."
    assert rig.overlay.buttons() == []
    assert rig.overlay.ring.digits == ""


def test_end_game_is_not_offered_where_the_backend_cannot(rig: Rig) -> None:
    QTest.mouseClick(rig.overlay.end_button, Qt.MouseButton.LeftButton)
    rig.show(lost(can_terminate=False))
    assert not rig.overlay.asking
    assert rig.overlay.buttons() == [rig.overlay.try_button, rig.overlay.close_button]
    assert rig.overlay.known.text() == ("Your game may keep running until its time is up.")
    QTest.mouseClick(rig.overlay.close_button, Qt.MouseButton.LeftButton)
    assert rig.emitted == ["close"]


@pytest.mark.parametrize("period_s", [0.2, 0.7, 3.0, 11.0, 16.0])
def test_try_now_does_not_flicker_while_tries_follow_each_other(rig: Rig, period_s: float) -> None:
    changed_at: list[float] = []
    enabled = rig.overlay.try_button.isEnabled()
    for tick in range(1200):
        rig.clock.now = NOW + tick / 10
        rig.show(lost(can_try_now=int(tick / 10 / period_s) % 2 == 0))
        if rig.overlay.try_button.isEnabled() is not enabled:
            enabled = rig.overlay.try_button.isEnabled()
            changed_at.append(rig.clock.now)
    assert changed_at
    assert max(sum(1 for at in changed_at if t <= at < t + 30.0) for t in changed_at) <= 4


def test_try_now_is_offered_at_once_when_a_try_is_possible(rig: Rig) -> None:
    rig.show(lost(can_try_now=False))
    assert not rig.overlay.try_button.isEnabled()
    rig.clock.now += 0.1
    rig.show(lost(can_try_now=True))
    assert rig.overlay.try_button.isEnabled()


def test_a_queue_changes_its_estimate_with_each_ask_and_no_button_with_it(rig: Rig) -> None:
    """An ask a second for a minute: *Try now* is disabled once, as the studio said when to ask."""
    shown, changes = [], 0
    enabled = rig.overlay.try_button.isEnabled()
    for ask in range(60):
        for tick in range(10):
            rig.clock.now = NOW + 20 + ask + tick / 10
            turn = Turn(60 - ask, NOW + 80)
            rig.show(in_queue(turn, shown_deadline_at=NOW + 150))
            if rig.overlay.try_button.isEnabled() is not enabled:
                enabled, changes = not enabled, changes + 1
        shown.append(rig.overlay.doing.text())
    assert shown[0] == "Many players are coming back. About 60 s."
    assert shown[-1] == "Many players are coming back. About 5 s."
    assert len(set(shown)) == 12
    assert (changes, enabled) == (1, False)
