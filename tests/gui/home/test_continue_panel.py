"""The panel of the game that can still be saved."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui.home.contents import Alive, Leaving, Over
from rejoin.gui.home.continue_panel import LOW_HEIGHT, PANEL_HEIGHT, ContinuePanel, part_shown


def test_the_time_left_is_text_ring_and_digits(application: QApplication) -> None:
    panel = ContinuePanel()
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
    panel = ContinuePanel()
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
    panel.show_continuation(Leaving())
    panel.set_low(True)
    assert panel.height() == LOW_HEIGHT
    panel.set_low(False)
    assert panel.height() == PANEL_HEIGHT


def shows(panel: ContinuePanel) -> bool:
    """Whether a picture stands there now."""
    return panel.picture_shown


def red() -> QImage:
    image = QImage(640, 360, QImage.Format.Format_RGB32)
    image.fill(QColor(255, 0, 0))
    return image


def redness(panel: ContinuePanel, share: float) -> int:
    """Of a point at this share of the panel's width: how much more red than green it has."""
    image = panel.grab().toImage()
    colour = image.pixelColor(round(image.width() * share), image.height() // 2)
    return colour.red() - colour.green()


def test_a_picture_stands_on_the_right_dimmed_and_never_under_the_text(
    application: QApplication,
) -> None:
    panel = ContinuePanel()
    panel.resize(1216, PANEL_HEIGHT)
    panel.show_continuation(Alive("A", "b. " * 60, "c", "1:19", 0.66))
    without = redness(panel, 0.97)
    assert without < 20
    panel.show_picture(red())
    assert shows(panel)
    application.processEvents()
    assert 100 < redness(panel, 0.97) < 220
    assert redness(panel, 0.45) < 20
    for line in (panel.title, panel.sentence, panel.time):
        assert line.geometry().right() < panel.width() * 0.63
    panel.show_picture(None)
    assert not shows(panel)
    assert redness(panel, 0.97) == without


def test_a_narrow_panel_has_no_room_for_a_picture(application: QApplication) -> None:
    panel = ContinuePanel()
    panel.show_picture(red())
    panel.show_continuation(Alive("A", "b.", "c", "1:19", 0.66))
    panel.resize(600, PANEL_HEIGHT)
    assert not shows(panel)
    assert redness(panel, 0.9) < 20


def test_the_text_goes_first_where_there_is_no_room_for_both(application: QApplication) -> None:
    panel = ContinuePanel()
    panel.resize(1216, PANEL_HEIGHT)
    panel.show_picture(red())
    shown: list[bool] = []
    for sentence in ("b.", "b. " * 400, "b."):
        panel.show_continuation(Alive("A", sentence, "c", "1:19", 0.66))
        shown.append(panel.picture_shown)
    assert shown == [True, False, True]


def test_the_middle_of_a_picture_is_shown_in_its_own_shape() -> None:
    area = QRectF(600, 0, 600, 200)
    assert part_shown(640, 360, area) == QRectF(0, (360 - 640 / 3) / 2, 640, 640 / 3)
    assert part_shown(100, 1000, QRectF(0, 0, 50, 50)) == QRectF(0, 450, 100, 100)
