"""When the mouse is captured, and which of its input reaches the game."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock
from helpers.window_faces import delete
from rejoin.gui.input import PlayerInput
from rejoin.gui.mouse_capture import (
    Asked,
    Captured,
    CaptureState,
    Free,
    FreedByDrop,
    FreedByKeys,
    MouseCapture,
    Refused,
)
from rejoin.input_events.events import InputEvent, KeyEvent, ReleaseAll


class Rig:
    """A view of 1000 x 500 pixels, what is sent to the game, and how far the mouse travelled."""

    def __init__(self) -> None:
        self.sent: list[InputEvent] = []
        self.changes: list[tuple[bool, int]] = []
        """Whether the mouse was captured, and how much was sent by then."""
        self.travel = (0, 0)
        self.inputs = PlayerInput(self.sent.append, FakeClock())
        self.inputs.open()
        self.view = QWidget()
        self.view.resize(1000, 500)
        self.view.show()
        self.mouse = MouseCapture(self.view, self.inputs, self._changed)

    def _changed(self) -> None:
        self.changes.append((self.mouse.captured, len(self.sent)))

    def hold_w(self) -> None:
        down = QEvent.Type.KeyPress
        event = QKeyEvent(down, Qt.Key.Key_W, Qt.KeyboardModifier.NoModifier, "w")
        self.inputs.key(event, pressed=True)

    def is_in(self, state: CaptureState) -> bool:
        return self.mouse.state == state

    def move(self, x: int, y: int) -> None:
        self.move_globally(self.view.mapToGlobal(QPoint(x, y)))

    def move_globally(self, to: QPoint) -> None:
        travel = self.mouse.move(QPointF(to))
        if travel is not None:
            self.travel = (self.travel[0] + travel[0], self.travel[1] + travel[1])


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    application.processEvents()
    yield made
    made.mouse.release()
    delete(made.view)


def test_it_is_captured_once_and_only_for_a_game_that_takes_input(rig: Rig) -> None:
    rig.inputs.close()
    assert not rig.mouse.capture()
    assert rig.is_in(Free())
    rig.inputs.open()
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
    rig.hold_w()
    assert rig.mouse.release(to)
    assert rig.is_in(to)
    assert [type(event) for event in rig.sent] == [KeyEvent, ReleaseAll]
    assert rig.changes == [(True, 0), (False, 1)], "it is free before everything is released"
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


def test_only_a_captured_mouse_travels(rig: Rig) -> None:
    rig.move(500, 250)
    rig.move(510, 260)
    assert rig.travel == (0, 0)
    assert rig.mouse.move(QPointF(0, 0)) is None
    rig.mouse.capture()
    rig.move(500, 250)
    before = rig.travel
    rig.move(510, 245)
    assert (rig.travel[0] - before[0], rig.travel[1] - before[1]) == (10, -5)


def test_a_cursor_is_shown_while_input_is_open_and_the_mouse_is_free(rig: Rig) -> None:
    def shape() -> Qt.CursorShape:
        return rig.view.cursor().shape()

    rig.mouse.set_cursor(Qt.CursorShape.CrossCursor)
    assert shape() is Qt.CursorShape.CrossCursor
    rig.mouse.capture()
    rig.mouse.set_cursor(Qt.CursorShape.WaitCursor)
    assert shape() is Qt.CursorShape.BlankCursor
    rig.mouse.release()
    assert shape() is Qt.CursorShape.WaitCursor
    rig.inputs.close()
    rig.mouse.show_cursor()
    assert shape() is Qt.CursorShape.ArrowCursor


def test_near_an_edge_it_is_moved_to_the_middle_and_that_is_no_travel(rig: Rig) -> None:
    rig.mouse.capture()
    rig.move(500, 250)
    before = rig.travel[0]
    rig.move(950, 250)
    rig.move(500, 250)  # the pointer was moved back
    rig.move(520, 250)
    assert rig.travel[0] - before == 470


def ignores_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QCursor, "setPos", lambda *_: None)


def test_a_pointer_that_cannot_be_moved_is_not_claimed_to_be_captured(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignores_moves(monkeypatch)
    assert not rig.mouse.capture()
    assert rig.is_in(Refused())
    assert rig.view.cursor().shape() is not Qt.CursorShape.BlankCursor
    rig.move(500, 250)
    rig.move(510, 250)
    assert rig.travel == (0, 0)
    assert rig.changes == []


def test_a_pointer_that_cannot_be_moved_any_more_is_freed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rig.mouse.capture()
    rig.hold_w()
    ignores_moves(monkeypatch)
    for x in range(500, 1000, 20):
        at = rig.view.mapToGlobal(QPoint(x, 250))
        monkeypatch.setattr(QCursor, "pos", lambda at=at: at)
        rig.move_globally(at)
    assert rig.is_in(Refused())
    assert isinstance(rig.sent[-1], ReleaseAll)


@pytest.mark.parametrize("platform", ["wayland", "wayland-egl"])
def test_on_wayland_nothing_is_claimed_whatever_qt_says_of_the_pointer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: platform))
    assert not rig.mouse.capture()
    assert rig.is_in(Refused())


class Lock:
    """A compositor's pointer lock that a test controls."""

    def __init__(self, *, can: bool = True) -> None:
        self.can = can
        self.asked_by: QWidget | None = None
        self.on_lock: Callable[[bool], None] = lambda locked: None
        self.on_move: Callable[[float, float], None] = lambda dx, dy: None

    def lock_pointer(
        self,
        window: QWidget,
        on_lock: Callable[[bool], None],
        on_move: Callable[[float, float], None],
    ) -> bool:
        self.asked_by, self.on_lock, self.on_move = window, on_lock, on_move
        return self.can

    def unlock_pointer(self) -> None:
        self.asked_by = None


def with_lock(rig: Rig, lock: Lock, sensitivity: float = 1.0) -> list[tuple[int, int]]:
    """Give the rig this lock; returns where its travel is noted."""
    travelled: list[tuple[int, int]] = []
    rig.mouse = MouseCapture(
        rig.view,
        rig.inputs,
        rig._changed,
        lock=lock,
        sensitivity=sensitivity,
        travelled=lambda dx, dy: travelled.append((dx, dy)),
    )
    return travelled


def test_with_a_lock_it_is_captured_only_once_the_compositor_says_so(rig: Rig) -> None:
    lock = Lock()
    travelled = with_lock(rig, lock)
    assert not rig.mouse.capture()
    assert rig.is_in(Asked())
    assert lock.asked_by is rig.view
    lock.on_move(5.0, 5.0)
    assert (rig.changes, travelled) == ([], []), "the mouse is free so far"
    assert rig.view.cursor().shape() is not Qt.CursorShape.BlankCursor
    lock.on_lock(True)
    assert rig.mouse.captured
    assert rig.changes == [(True, 0)]
    assert rig.view.cursor().shape() is Qt.CursorShape.BlankCursor
    lock.on_move(-3.0, 40.0)
    assert travelled == [(-3, 40)]
    assert rig.mouse.move(QPointF(1.0, 1.0)) == (0, 0), "the pointer itself stands still"
    rig.hold_w()
    lock.on_lock(False)
    assert rig.is_in(Free())
    assert isinstance(rig.sent[-1], ReleaseAll)
    assert lock.asked_by is None


def test_a_lock_that_was_not_granted_yet_is_not_asked_for_any_more(rig: Rig) -> None:
    lock = Lock()
    with_lock(rig, lock)
    rig.mouse.capture()
    assert not rig.mouse.release(FreedByKeys()), "it was not captured"
    assert rig.is_in(Free())
    assert lock.asked_by is None
    lock.on_lock(True)
    assert not rig.mouse.captured


def test_a_compositor_without_pointer_lock_is_said_to_refuse(rig: Rig) -> None:
    with_lock(rig, Lock(can=False))
    assert not rig.mouse.capture()
    assert rig.is_in(Refused())


@pytest.mark.parametrize("sensitivity", [0.5, 2.5])
def test_travel_is_multiplied_and_no_fraction_is_lost(rig: Rig, sensitivity: float) -> None:
    lock = Lock()
    travelled = with_lock(rig, lock, sensitivity)
    rig.mouse.capture()
    lock.on_lock(True)
    for _ in range(101):
        lock.on_move(1.0, -0.5)
    across, down = (sum(each) for each in zip(*travelled, strict=True))
    assert (across, down) == (int(101 * sensitivity), int(-101 * sensitivity / 2))


def test_travel_counts_in_the_screens_pixels(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a screen with twice the density Qt's pixels are two, also where the pointer is moved."""
    monkeypatch.setattr(type(rig.view), "devicePixelRatioF", lambda _: 2.0)
    rig.mouse.capture()
    rig.move(500, 250)
    before = rig.travel
    rig.move(510, 245)
    assert (rig.travel[0] - before[0], rig.travel[1] - before[1]) == (20, -10)


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
    rig.move_globally(at)
    before = rig.travel
    for step in (QPoint(20, 5), QPoint(-20, 5), QPoint(20, -15)):
        for _ in range(120):
            set_pos(at + step)
            rig.move_globally(at)
            assert around.contains(at)
    assert rig.mouse.captured
    assert (rig.travel[0] - before[0], rig.travel[1] - before[1]) == (2400, -600)
