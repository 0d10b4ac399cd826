"""The panel of the game that can still be saved."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui.home.contents import Alive, Over
from rejoin.gui.home.continue_panel import LOW_HEIGHT, PANEL_HEIGHT, ContinuePanel


def test_the_time_left_is_text_ring_and_digits(application: QApplication) -> None:
    panel = ContinuePanel(reduced_motion=True)
    assert panel.isHidden()
    panel.show_continuation(Alive("A", "b.", "At least 1:19 to get back", "1:19", 0.66))
    assert (panel.ring.digits, panel.ring.share) == ("1:19", 0.66)
    assert panel.ring.accessibleName() == "At least 1:19 to get back"
    panel.show_continuation(Alive("A", "b.", "Not known.", "", None))
    assert (panel.ring.digits, panel.ring.share) == ("", 1.0)
    panel.grab()


def test_its_buttons_work_by_keys_and_the_focus_goes_to_the_one_that_is_left(
    application: QApplication,
) -> None:
    panel = ContinuePanel(reduced_motion=True)
    heard: list[str] = []
    panel.chosen.connect(lambda: heard.append("continue"))
    panel.dismissed.connect(lambda: heard.append("dismiss"))
    panel.show_continuation(Alive("A", "b.", "c", "1:19", 0.66))
    panel.activateWindow()
    assert wait_until(panel.isActiveWindow, 60.0)
    panel.button.setFocus()
    QTest.keyClick(panel.button, Qt.Key.Key_Space)
    panel.show_continuation(Over("A", "b."))
    assert panel.focusWidget() is panel.dismiss_button
    QTest.keyClick(panel.dismiss_button, Qt.Key.Key_Space)
    assert heard == ["continue", "dismiss"]


def test_it_can_be_low(application: QApplication) -> None:
    panel = ContinuePanel()
    panel.set_low(True)
    assert panel.height() == LOW_HEIGHT
    panel.set_low(False)
    assert panel.height() == PANEL_HEIGHT
