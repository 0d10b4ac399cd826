"""The ring shows how much time is left, and turns only while that is unknown."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui import theme
from rejoin.gui.ring import Ring


def _accent_pixels(image: QImage) -> int:
    accent = theme.colour(theme.ACCENT).rgb()
    return sum(
        image.pixel(x, y) == accent for x in range(image.width()) for y in range(image.height())
    )


@pytest.fixture
def ring(application: QApplication) -> Ring:
    made = Ring(128, reduced_motion=True)
    made.setStyleSheet("background: #000")
    return made


def test_the_length_of_the_arc_is_the_share_of_time_left(ring: Ring) -> None:
    painted: dict[float, int] = {}
    for left in (1.0, 0.5, 0.25, 0.0):
        ring.show_time("", "", left)
        painted[left] = _accent_pixels(ring.grab().toImage())
    assert painted[0.0] == 0
    assert painted[0.5] == pytest.approx(painted[1.0] / 2, rel=0.1)
    assert painted[0.25] == pytest.approx(painted[1.0] / 4, rel=0.2)


def test_it_empties_clockwise_from_the_top(ring: Ring) -> None:
    ring.show_time("", "", 0.5)
    image = ring.grab().toImage()
    ratio = image.devicePixelRatio()
    left = image.pixelColor(round(5 * ratio), round(64 * ratio)).name()
    right = image.pixelColor(round(123 * ratio), round(64 * ratio)).name()
    assert left == theme.name(theme.ACCENT)
    assert right != theme.name(theme.ACCENT)


@pytest.mark.parametrize("digits", ["0:07", "1:12", "59:59", "1:02:03", "12:00:00"])
def test_the_digits_stay_inside(ring: Ring, digits: str) -> None:
    ring.show_time("", digits, 0.0)
    image = ring.grab().toImage()
    ratio = image.devicePixelRatio()
    text = theme.colour(theme.TEXT).rgb()
    hit = [
        (x / ratio - 64, y / ratio - 64)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixel(x, y) == text
    ]
    assert hit
    assert max((x * x + y * y) ** 0.5 for x, y in hit) < 54


def test_its_accessible_name_is_the_sentence(ring: Ring) -> None:
    ring.show_time("At least 1:12 to get back", "1:12", 0.6)
    assert ring.accessibleName() == "At least 1:12 to get back"


def test_the_arc_turns_only_while_the_time_is_unknown(application: QApplication) -> None:
    ring = Ring(64)
    ring.show_time("", "", None)
    ring.show()
    start = ring._angle
    assert wait_until(lambda: ring._angle != start)
    ring.show_time("", "", 0.5)
    assert not ring._turning.isActive()
    ring.show_time("", "", None)
    assert ring._turning.isActive()
    ring.hide()
    assert not ring._turning.isActive()


def test_with_reduced_motion_it_does_not_turn(ring: Ring) -> None:
    ring.show_time("", "", None)
    ring.show()
    assert not ring._turning.isActive()
    ring.hide()


def test_paced_it_turns_with_each_time_it_is_shown(application: QApplication) -> None:
    ring = Ring(64)
    ring.show()
    ring.paced = True
    ring.show_time("", "", None)
    start = ring._angle
    assert not ring._turning.isActive()
    ring.show_time("", "", None)
    assert ring._angle != start
    ring.show_time("", "", 0.5)
    stopped = ring._angle
    ring.show_time("", "", 0.4)
    assert ring._angle == stopped
    ring.show_time("", "", None)
    ring.paced = False
    assert ring._turning.isActive()
    ring.hide()
