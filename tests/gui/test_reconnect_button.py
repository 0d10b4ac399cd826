"""*Reconnect* over a frozen picture: no focus, no click that was meant for the game, no flicker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock
from helpers.window_faces import NOW
from rejoin.gui.card import UNARMED_S
from rejoin.gui.reconnect_button import MOST_CHANGES, WITHIN_S, ReconnectButton


class Rig:
    """The button in a window of its own."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.window = QWidget()
        self.window.resize(640, 400)
        self.button = ReconnectButton(self.clock, self.window)
        self.button.place(QRect(0, 0, 640, 400))
        self.pressed: list[float] = []
        self.button.clicked.connect(lambda: self.pressed.append(self.clock.now))
        self.window.show()

    def offer(self, offered: bool) -> bool:
        """Whether the button is shown now."""
        self.button.show_offer(offered, self.clock.now)
        return self.button.isVisible()


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.window.close()


def test_it_shows_while_a_new_connection_is_offered(rig: Rig) -> None:
    assert not rig.button.isVisible()
    assert rig.offer(True)
    assert rig.offer(True)
    assert not rig.offer(False)


def test_it_takes_no_focus(rig: Rig) -> None:
    rig.offer(True)
    assert rig.button.focusPolicy() is Qt.FocusPolicy.NoFocus
    rig.clock.now += UNARMED_S
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert not rig.button.hasFocus()
    assert rig.pressed == [rig.clock.now]


def test_a_click_that_was_on_its_way_when_it_appeared_does_not_press_it(rig: Rig) -> None:
    rig.offer(True)
    rig.clock.now += UNARMED_S - 0.01
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.pressed == []
    rig.clock.now += 0.01
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.pressed == [rig.clock.now]


@pytest.mark.parametrize("period_s", [0.1, 2.0, 6.0, 7.0, 14.0])
def test_it_appears_and_disappears_at_most_four_times_in_thirty_seconds(
    rig: Rig, period_s: float
) -> None:
    """A picture that moves for a moment each time."""
    changes: list[float] = []
    shown = False
    for step in range(int(120 / period_s) * 2):
        offered = step % 2 == 0
        before, shown = shown, rig.offer(offered)
        assert offered or not shown, "what is not offered is never shown"
        if shown != before:
            changes.append(rig.clock.now)
        rig.clock.now += period_s / 2
    assert len(changes) >= 8
    for at in changes:
        assert sum(at <= other < at + WITHIN_S for other in changes) <= MOST_CHANGES
