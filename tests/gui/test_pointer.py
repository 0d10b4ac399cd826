"""Where the pointer counts, what a double click is, and when the picture's place is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import delete
from rejoin.gui.bridge import Bridge
from rejoin.gui.input import PlayerInput
from rejoin.gui.module_wishes import ClickGrants, Grant
from rejoin.gui.mouse_capture import MouseCapture
from rejoin.gui.pointer import Pointer
from rejoin.gui.video_view import VideoView
from rejoin.input_events.events import Button, InputEvent, Modifiers, PointerButton, PointerMove

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
DOWN, UP, MOVE = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonRelease,
    QEvent.Type.MouseMove,
)


class Rig:
    """A picture of 400 x 400 pixels in a view of 1000 x 400: bars of 300 left and right."""

    def __init__(self) -> None:
        self.port, self.clock = FakePort(), FakeClock()
        self.sent: list[InputEvent] = []
        self.view_moved: list[int] = []
        self.bridge = Bridge(self.port)
        self.bridge.open()
        self.view = VideoView(self.bridge, clock=self.clock)
        self.view.resize(1000, 400)
        self.view.show()
        self.port.show(picture(400, 400))
        QApplication.processEvents()
        self.inputs = PlayerInput(self.sent.append, self.clock)
        self.inputs.open()
        self.grants = ClickGrants()
        self.mouse = MouseCapture(self.view, self.inputs)
        self.pointer = Pointer(
            self.view,
            self.mouse,
            self.inputs,
            self.grants,
            view_moved=lambda: self.view_moved.append(len(self.sent)),
        )

    def event(
        self,
        kind: QEvent.Type,
        x: float,
        y: float,
        button: Qt.MouseButton = Qt.MouseButton.NoButton,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> QMouseEvent:
        at = QPointF(x, y)
        there = QPointF(self.view.mapToGlobal(at))
        return QMouseEvent(kind, at, there, button, Qt.MouseButton.NoButton, modifiers)

    def press(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        self.pointer.press(self.event(DOWN, x, y, button))

    def release(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        self.pointer.release(self.event(UP, x, y, button))

    def move(self, x: float, y: float) -> bool:
        return self.pointer.move(self.event(MOVE, x, y))


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.mouse.release()
    made.bridge.close()
    delete(made.view)


def test_over_a_bar_nothing_counts_but_the_end_of_what_began_in_the_picture(rig: Rig) -> None:
    rig.move(100, 10)
    rig.press(100, 10)
    rig.release(100, 10)
    assert rig.sent == []
    assert not rig.grants.take(Grant.POINTER_LOCK, rig.clock())
    rig.press(310, 20, RIGHT)
    rig.move(290, 25)
    rig.release(280, 30, RIGHT)
    rig.move(270, 30)
    now = rig.clock()
    # There was a move before: over the bar, at 100, 10.
    assert [type(event) for event in rig.sent] == [PointerButton, PointerMove, PointerButton]
    press, move, release = rig.sent
    assert isinstance(press, PointerButton)
    assert (press.x, press.y, press.buttons, press.at) == (10, 20, 2, now)
    assert isinstance(move, PointerMove)
    assert (move.x, move.y, move.dx, move.dy, move.buttons) == (-10, 25, 190, 15, 2)
    assert isinstance(release, PointerButton)
    assert (release.x, release.y, release.buttons) == (-20, 30, 0)


def test_the_first_move_after_the_pointer_was_away_is_no_movement(rig: Rig) -> None:
    rig.move(400, 100)
    rig.move(410, 90)
    rig.pointer.leave()
    rig.move(500, 300)
    moves = [(event.dx, event.dy) for event in rig.sent if isinstance(event, PointerMove)]
    assert moves == [(0, 0), (10, -10), (0, 0)]


def test_presses_that_are_near_and_quick_are_counted(rig: Rig) -> None:
    def click(x: float, button: Qt.MouseButton = LEFT) -> int:
        rig.press(x, 100, button)
        rig.release(x, 100, button)
        last, before = rig.sent[-1], rig.sent[-2]
        assert isinstance(last, PointerButton)
        assert isinstance(before, PointerButton)
        assert last.clicks == before.clicks, "the release counts as its press"
        return last.clicks

    assert [click(400), click(402), click(403)] == [1, 2, 3]
    assert click(450) == 1, "too far"
    assert click(450, RIGHT) == 1, "another button"
    rig.clock.now += 60.0
    assert click(450, RIGHT) == 1, "too late"


def test_while_captured_the_place_stands_still_and_every_button_counts(rig: Rig) -> None:
    rig.move(400, 100)
    rig.mouse.capture()
    rig.move(500, 200)
    rig.move(530, 190)
    rig.press(20, 20, RIGHT)
    move, press = rig.sent[-2:]
    assert isinstance(move, PointerMove)
    assert (move.dx, move.dy, move.x, move.y) == (30, -10, 100, 100)
    assert isinstance(press, PointerButton)
    assert (press.x, press.y) == (100, 100)


def test_the_place_of_the_picture_is_told_before_what_happens_there(rig: Rig) -> None:
    rig.move(400, 100)
    rig.move(401, 100)
    assert rig.view_moved == [0]
    rig.port.show(picture(1000, 400))
    QApplication.processEvents()
    rig.move(402, 100)
    assert rig.view_moved == [0, 2]
    last = rig.sent[-1]
    assert isinstance(last, PointerMove)
    assert (last.x, last.y) == (402, 100)


def test_modifiers_are_the_w3cs(rig: Rig) -> None:
    rig.pointer.press(rig.event(DOWN, 400, 100, LEFT, Qt.KeyboardModifier.ControlModifier))
    last = rig.sent[-1]
    assert isinstance(last, PointerButton)
    assert last.modifiers is Modifiers.CONTROL


def test_a_press_while_input_is_closed_allows_nothing(rig: Rig) -> None:
    rig.inputs.close()
    rig.press(400, 100)
    assert rig.sent == []
    assert not rig.grants.take(Grant.POINTER_LOCK, rig.clock())


def test_free_movement_counts_in_the_screens_pixels_and_places_in_qts(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a screen with twice the density, every one of its pixels is told apart."""
    monkeypatch.setattr(type(rig.view), "devicePixelRatioF", lambda _: 2.0)
    rig.move(310, 20)
    rig.move(310.5, 19.5)
    last = rig.sent[-1]
    assert isinstance(last, PointerMove)
    assert (last.dx, last.dy, last.x, last.y) == (1, -1, 10.5, 19.5)


def test_a_pointer_that_is_nudged_stays_in_the_picture_and_loses_no_fraction(rig: Rig) -> None:
    for _ in range(10):
        rig.pointer.nudge(2.5, 0.25)
    last = rig.sent[-1]
    assert isinstance(last, PointerMove)
    assert (last.x, last.y) == (25, 2)
    rig.pointer.nudge(-1000, 1000)
    last = rig.sent[-1]
    assert isinstance(last, PointerMove)
    assert (last.x, last.y) == (0, 399)
    rig.inputs.close()
    count = len(rig.sent)
    rig.pointer.nudge(5, 5)
    rig.pointer.touched(Button.LEFT, True)
    assert len(rig.sent) == count


def test_a_tap_allows_the_module_what_a_click_does(rig: Rig) -> None:
    rig.pointer.touched(Button.LEFT, True)
    rig.pointer.touched(Button.LEFT, False)
    down, up = rig.sent
    assert isinstance(down, PointerButton)
    assert isinstance(up, PointerButton)
    assert (down.pressed, up.pressed) == (True, False)
    assert rig.grants.take(Grant.POINTER_LOCK, rig.clock())
