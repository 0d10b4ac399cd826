"""Nothing moves by itself where motion is reduced: on every page, by every timer that it has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractAnimation, QTimer
from PySide6.QtWidgets import QApplication, QWidget

import rejoin.gui
from helpers.pages import PAGES, page
from helpers.window_faces import destroy, face_named, show_face
from rejoin.gui import theme
from rejoin.gui.ring import Ring
from rejoin.gui.roles import Appearance, Motion

pytestmark = pytest.mark.usefixtures("private_folders")

REDUCED, FULL = Appearance(motion=Motion.REDUCED), Appearance(motion=Motion.FULL)
FACES = [name for name in PAGES if name.startswith("face:")]
"""Their clock stands still: what changes on them has moved by itself."""
TURNING = "face:starting"

MOVING = {
    *("QAbstractAnimation", "QPropertyAnimation", "QVariantAnimation", "QPauseAnimation"),
    *("QParallelAnimationGroup", "QSequentialAnimationGroup", "QTimeLine", "QMovie", "QScroller"),
    *("QBasicTimer", "QGraphicsOpacityEffect", "setAnimated", "startTimer", "timerEvent"),
}
"""What moves things in Qt's widgets, beside timers."""


def fire_timers(root: QWidget) -> None:
    """As if the time of each timer had come, three times."""
    for timer in root.findChildren(QTimer):
        for _ in range(3):
            if timer.isActive():
                timer.timeout.emit()


def animations(root: QWidget) -> list[QAbstractAnimation]:
    running = QAbstractAnimation.State.Running
    return [each for each in root.findChildren(QAbstractAnimation) if each.state() is running]


def moved(root: QWidget) -> bool:
    """Whether firing its timers changes what it shows."""
    before = root.grab().toImage()
    fire_timers(root)
    return root.grab().toImage() != before


@pytest.mark.parametrize("shown", PAGES)
def test_no_ring_turns_and_no_animation_runs_on_any_page(shown: str) -> None:
    with page(shown, appearance=REDUCED) as root:
        rings = root.findChildren(Ring)
        before = [ring._angle for ring in rings]
        fire_timers(root)
        assert [ring._angle for ring in rings] == before
        assert not any(ring._turning.isActive() for ring in rings)
        assert animations(root) == []


@pytest.mark.parametrize("shown", FACES)
def test_every_face_stands_still_while_its_clock_does(
    shown: str, application: QApplication
) -> None:
    application.setCursorFlashTime(0)
    with page(shown, appearance=REDUCED) as root:
        assert not moved(root)


def test_what_turns_is_seen_by_these_tests(application: QApplication) -> None:
    with page(TURNING, appearance=FULL) as root:
        assert any(ring._turning.isActive() for ring in root.findChildren(Ring))
        assert moved(root)


@pytest.mark.parametrize("appearance", [REDUCED, FULL])
def test_the_picture_is_dimmed_at_once(appearance: Appearance, application: QApplication) -> None:
    theme.apply(application, appearance)
    window, _port, _clock = show_face(face_named("live-demo"), (640, 400))
    try:
        window.layers.view.dimmed = not window.layers.view.dimmed
        assert bool(animations(window)) is (appearance is FULL)
    finally:
        destroy(window)
        theme.apply(application)


def test_nothing_else_of_qt_that_moves_is_used() -> None:
    """A new one has to ask `theme.moves`, and to be tested here."""
    users = set()
    for file in Path(rejoin.gui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = {getattr(node, part, None) for part in ("id", "attr", "name")}
            if names & MOVING:
                users.add(file.name)
    assert users == {"video_view.py"}
