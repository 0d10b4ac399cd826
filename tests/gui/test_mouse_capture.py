"""When the mouse is captured, and which of its input reaches the game."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui.input import HeldControls
from rejoin.gui.mouse_capture import (
    Captured,
    CaptureState,
    Free,
    FreedByDrop,
    FreedByKeys,
    MouseCapture,
    Refused,
)
from rejoin.input_protocol.controls import Controls, travel

LEFT = Qt.MouseButton.LeftButton


class Rig:
    """A view of 1000 x 500 pixels, and what is sent to the game."""

    def __init__(self) -> None:
        self.sent: list[Controls] = []
        self.controls = HeldControls(self.sent.append)
        self.controls.open()
        self.view = QWidget()
        self.view.resize(1000, 500)
        self.view.show()
        self.mouse = MouseCapture(self.view, self.controls)

    def is_in(self, state: CaptureState) -> bool:
        return self.mouse.state == state

    def move(self, x: int, y: int) -> None:
        self.mouse.move(QPointF(self.view.mapToGlobal(QPoint(x, y))))


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    application.processEvents()
    yield made
    made.mouse.release()
    made.view.close()


def test_it_is_captured_once_and_only_for_a_game_that_takes_input(rig: Rig) -> None:
    rig.controls.close()
    assert not rig.mouse.capture()
    assert rig.is_in(Free())
    rig.controls.open()
    assert rig.mouse.capture()
    assert not rig.mouse.capture()
    assert rig.is_in(Captured())
    assert rig.view.cursor().shape() is Qt.CursorShape.BlankCursor


@pytest.mark.parametrize("to", [Free(), FreedByKeys(), FreedByDrop()])
def test_freeing_the_mouse_releases_everything_and_keeps_the_reason(
    rig: Rig, to: Free | FreedByKeys | FreedByDrop
) -> None:
    assert not rig.mouse.release(to)
    assert rig.is_in(Free())
    rig.mouse.capture()
    rig.mouse.button(LEFT, True)
    assert rig.mouse.release(to)
    assert rig.is_in(to)
    assert not rig.sent[-1].held
    assert rig.view.cursor().shape() is not Qt.CursorShape.BlankCursor


def test_the_reason_is_forgotten_only_by_its_own_event(rig: Rig) -> None:
    rig.mouse.capture()
    rig.mouse.keys_released()
    rig.mouse.forget_drop()
    assert rig.mouse.captured
    rig.mouse.release(FreedByKeys())
    rig.mouse.forget_drop()
    assert rig.is_in(FreedByKeys())
    rig.mouse.keys_released()
    assert rig.is_in(Free())
    rig.mouse.capture()
    rig.mouse.release(FreedByDrop())
    rig.mouse.keys_released()
    assert rig.is_in(FreedByDrop())
    rig.mouse.forget_drop()
    assert rig.is_in(Free())


def test_input_of_a_free_mouse_is_not_sent(rig: Rig) -> None:
    rig.mouse.button(LEFT, True)
    rig.mouse.wheel(120)
    rig.move(500, 250)
    rig.move(510, 260)
    assert rig.sent == []


def test_buttons_wheel_and_travel_of_a_captured_mouse_are_sent(rig: Rig) -> None:
    rig.mouse.capture()
    rig.move(500, 250)
    rig.mouse.button(LEFT, True)
    rig.mouse.wheel(120)
    before = rig.sent[-1]
    rig.move(510, 245)
    assert (before.buttons, before.wheel_total) == (1, 120)
    assert travel(rig.sent[-1].pointer_x_total, before.pointer_x_total) == 10
    assert travel(rig.sent[-1].pointer_y_total, before.pointer_y_total) == -5


def test_near_an_edge_it_is_moved_to_the_middle_and_that_is_no_travel(rig: Rig) -> None:
    rig.mouse.capture()
    rig.move(500, 250)
    before = rig.controls.controls
    rig.move(950, 250)
    rig.move(500, 250)  # the pointer was moved back
    rig.move(520, 250)
    assert travel(rig.sent[-1].pointer_x_total, before.pointer_x_total) == 470


def ignores_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QCursor, "setPos", lambda *_: None)


def test_a_pointer_that_cannot_be_moved_is_not_claimed_to_be_captured(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignores_moves(monkeypatch)
    assert not rig.mouse.capture()
    assert rig.is_in(Refused())
    assert rig.view.cursor().shape() is not Qt.CursorShape.BlankCursor
    rig.mouse.button(LEFT, True)
    rig.move(500, 250)
    rig.move(510, 250)
    assert rig.sent == []


def test_a_pointer_that_cannot_be_moved_any_more_is_freed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rig.mouse.capture()
    rig.mouse.button(LEFT, True)
    ignores_moves(monkeypatch)
    for x in range(500, 1000, 20):
        at = rig.view.mapToGlobal(QPoint(x, 250))
        monkeypatch.setattr(QCursor, "pos", lambda at=at: at)
        rig.mouse.move(QPointF(at))
    assert rig.is_in(Refused())
    assert not rig.sent[-1].held


@pytest.mark.parametrize("platform", ["wayland", "wayland-egl"])
def test_on_wayland_nothing_is_claimed_whatever_qt_says_of_the_pointer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: platform))
    assert not rig.mouse.capture()
    assert rig.is_in(Refused())


@pytest.mark.parametrize(("x", "y"), [(0, 0), (500, 0), (-700, 100), (600, 700), (-900, -400)])
def test_the_pointer_stays_in_what_is_visible_of_the_view(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, x: int, y: int
) -> None:
    """As an X server moves it: it stops at the edges of the screen."""
    rig.view.move(x, y)
    QApplication.processEvents()
    screen = rig.view.screen().geometry()
    visible = QRect(rig.view.mapToGlobal(QPoint(0, 0)), rig.view.size()) & screen
    around = visible.adjusted(-240, -240, 240, 240) if visible.width() < 240 else visible
    at = visible.center()

    def set_pos(to: QPoint) -> None:
        nonlocal at
        at = QPoint(
            min(max(to.x(), screen.left()), screen.right()),
            min(max(to.y(), screen.top()), screen.bottom()),
        )

    monkeypatch.setattr(QCursor, "setPos", set_pos)
    monkeypatch.setattr(QCursor, "pos", lambda: at)
    assert rig.mouse.capture()
    rig.mouse.move(QPointF(at))
    before = rig.controls.controls
    for step in (QPoint(20, 5), QPoint(-20, 5), QPoint(20, -15)):
        for _ in range(120):
            set_pos(at + step)
            rig.mouse.move(QPointF(at))
            assert around.contains(at)
    after = rig.controls.controls
    assert rig.mouse.captured
    assert travel(after.pointer_x_total, before.pointer_x_total) == 2400
    assert travel(after.pointer_y_total, before.pointer_y_total) == -600
