"""What the player does is posted while input is open, and nothing gets stuck or is queued."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from helpers.fake_pads import FakePads
from helpers.fake_port import FakeClock
from rejoin.gui.control_options import MouseOptions
from rejoin.gui.input import PlayerInput, PointerTravel, wheel_turn
from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    Modifiers,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
DOWN, UP = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
AT = QPointF(3, 4)


@pytest.fixture
def sent() -> list[InputEvent]:
    return []


@pytest.fixture
def inputs(application: QApplication, sent: list[InputEvent]) -> PlayerInput:
    made = PlayerInput(sent.append, FakeClock(50.0))
    made.open()
    return made


def key(kind: QEvent.Type, which: Qt.Key, scan_code: int = 0, virtual_key: int = 0) -> QKeyEvent:
    return QKeyEvent(kind, which, Qt.KeyboardModifier.NoModifier, scan_code, virtual_key, 0, "")


def press(inputs: PlayerInput, which: Qt.Key, *codes: int, repeated: bool = False) -> None:
    inputs.key(key(DOWN, which, *codes), pressed=True, repeated=repeated)


def release(inputs: PlayerInput, which: Qt.Key, *codes: int) -> None:
    inputs.key(key(UP, which, *codes), pressed=False)


def strokes(sent: list[InputEvent]) -> list[tuple[str, bool, bool]]:
    keys = [event for event in sent if isinstance(event, KeyEvent)]
    return [(event.code, event.pressed, event.repeat) for event in keys]


def test_each_change_is_posted_with_its_time(inputs: PlayerInput, sent: list[InputEvent]) -> None:
    press(inputs, Qt.Key.Key_W)
    inputs.button(LEFT, True, AT, clicks=2, modifiers=Modifiers.ALT)
    inputs.button(MIDDLE, True, AT)
    inputs.move(1.5, -2.0, QPointF(5, 6))
    inputs.wheel((0, 120), AT)
    inputs.button(LEFT, False, AT)
    release(inputs, Qt.Key.Key_W)
    assert sent == [
        KeyEvent("KeyW", "w", True, at=50.0),
        PointerButton(Button.LEFT, True, 3, 4, 1, 2, Modifiers.ALT, 50.0),
        PointerButton(Button.MIDDLE, True, 3, 4, 5, at=50.0),
        PointerMove(1.5, -2.0, 5, 6, 5, at=50.0),
        Wheel(0, 120, 3, 4, 5, at=50.0),
        PointerButton(Button.LEFT, False, 3, 4, 4, at=50.0),
        KeyEvent("KeyW", "w", False, at=50.0),
    ]


def test_input_that_changes_nothing_is_not_posted(
    inputs: PlayerInput, sent: list[InputEvent]
) -> None:
    release(inputs, Qt.Key.Key_A)
    inputs.button(RIGHT, False, AT)
    inputs.button(Qt.MouseButton.TaskButton, True, AT)
    inputs.move(0, 0, QPointF())
    inputs.wheel((0, 0), AT)
    press(inputs, Qt.Key.Key_LaunchMail)
    assert sent == []


def test_a_repeat_is_posted_as_such_if_its_press_was(
    inputs: PlayerInput, sent: list[InputEvent]
) -> None:
    press(inputs, Qt.Key.Key_W, repeated=True)
    assert sent == [], "it was held before the input opened: the player has not pressed it"
    press(inputs, Qt.Key.Key_A)
    press(inputs, Qt.Key.Key_A, repeated=True)
    press(inputs, Qt.Key.Key_W, repeated=True)
    release(inputs, Qt.Key.Key_W)
    release(inputs, Qt.Key.Key_A)
    assert strokes(sent) == [("KeyA", True, False), ("KeyA", True, True), ("KeyA", False, False)]


def test_a_key_is_released_by_the_code_it_was_pressed_with(
    inputs: PlayerInput, sent: list[InputEvent]
) -> None:
    press(inputs, Qt.Key.Key_Q, 38)
    release(inputs, Qt.Key.Key_A, 38)  # the layout has changed in between
    assert strokes(sent) == [("KeyQ", True, False), ("KeyQ", False, False)]


def test_two_keys_of_one_code_are_one_key(inputs: PlayerInput, sent: list[InputEvent]) -> None:
    for scan_code in (36, 104):
        press(inputs, Qt.Key.Key_Return, scan_code)
    release(inputs, Qt.Key.Key_Return, 104)
    assert strokes(sent) == [("Enter", True, False)]
    release(inputs, Qt.Key.Key_Return, 36)
    assert not inputs.held.anything


def test_closing_releases_everything_and_drops_later_input(
    inputs: PlayerInput, sent: list[InputEvent]
) -> None:
    press(inputs, Qt.Key.Key_W)
    inputs.button(LEFT, True, AT)
    inputs.close()
    assert sent[-1] == ReleaseAll(50.0)
    count = len(sent)
    press(inputs, Qt.Key.Key_A)
    release(inputs, Qt.Key.Key_W)
    inputs.button(LEFT, True, AT)
    inputs.move(9, 9, AT)
    inputs.wheel((0, 120), AT)
    inputs.release_all()
    assert len(sent) == count
    inputs.open()
    assert not inputs.held.anything
    assert len(sent) == count
    press(inputs, Qt.Key.Key_W, repeated=True)
    assert len(sent) == count, "a key that is held over a drop counts when it is pressed again"


def test_a_view_is_posted_when_it_changes_also_while_closed_and_once_more_at_the_opening(
    inputs: PlayerInput, sent: list[InputEvent]
) -> None:
    inputs.close()
    inputs.show_view(View(width=10))
    inputs.show_view(View(width=10))
    inputs.show_view(View(width=20))
    inputs.open()
    inputs.open()
    inputs.show_view(View(width=20), again=True)
    assert sent == [View(width=10), *[View(width=20)] * 3]


def test_locks_are_remembered_for_the_mouse_which_knows_none(
    inputs: PlayerInput, sent: list[InputEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: "xcb"))
    caps = QKeyEvent(DOWN, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, 38, 0, 2, "A")
    inputs.key(caps, pressed=True)
    inputs.button(LEFT, True, AT)
    assert isinstance(sent[-1], PointerButton)
    assert sent[-1].modifiers is Modifiers.CAPS_LOCK


def test_a_lock_ends_when_its_key_goes_up_for_the_second_time(
    inputs: PlayerInput, sent: list[InputEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """X11 tells with each key event which locks were set before it."""
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: "xcb"))
    none = Qt.KeyboardModifier.NoModifier
    found = []
    for state in ((0, 2), (2, 2)):  # Lock, before the press and before the release
        for kind, before in zip((DOWN, UP), state, strict=True):
            caps = QKeyEvent(kind, Qt.Key.Key_CapsLock, none, 66, 0, before, "")
            inputs.key(caps, pressed=kind is DOWN)
            inputs.move(1, 0, AT)
            last = sent[-1]
            assert isinstance(last, PointerMove)
            found.append(Modifiers.CAPS_LOCK in last.modifiers)
    assert found == [True, True, True, False]


@given(
    st.lists(
        st.tuples(st.floats(-40, 40, width=32), st.floats(-40, 40, width=32)),
        max_size=60,
    )
)
def test_warps_do_not_change_the_travel(steps: list[tuple[float, float]]) -> None:
    """The pointer is moved back to the middle when it is far out; that is not travel."""
    pointer = PointerTravel()
    pointer.begin(0, 0)
    x = y = 0.0
    sum_x = sum_y = 0
    true_x = true_y = 0.0
    for dx, dy in steps:
        x, y = x + dx, y + dy
        true_x, true_y = true_x + dx, true_y + dy
        moved_x, moved_y = pointer.moved(x, y)
        sum_x, sum_y = sum_x + moved_x, sum_y + moved_y
        if abs(x) > 100 or abs(y) > 100:
            pointer.warped(0, 0)
            x = y = 0.0
    assert abs(sum_x - true_x) < 1.01
    assert abs(sum_y - true_y) < 1.01


def test_late_moves_from_before_a_warp_still_count() -> None:
    pointer = PointerTravel()
    pointer.begin(500, 300)
    assert pointer.moved(900, 300) == (400, 0)
    pointer.warped(500, 300)
    assert pointer.moved(910, 300) == (10, 0)
    assert pointer.moved(505, 300) == (5, 0)
    assert pointer.moved(507, 300) == (2, 0)


@pytest.mark.parametrize("platform", ["cocoa", "offscreen"])
def test_two_keys_are_held_at_once_where_all_scan_codes_are_equal(
    inputs: PlayerInput,
    sent: list[InputEvent],
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
) -> None:
    """As on macOS: every scan code is 1, and a virtual key may be 0."""
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: platform))
    press(inputs, Qt.Key.Key_W, 1, 13)
    press(inputs, Qt.Key.Key_A, 1, 0)
    press(inputs, Qt.Key.Key_Shift, 1, 56)
    assert inputs.held.codes == {"KeyW", "KeyA", "ShiftLeft"}
    release(inputs, Qt.Key.Key_W, 1, 13)
    release(inputs, Qt.Key.Key_A, 1, 0)
    assert inputs.held.codes == {"ShiftLeft"}


@pytest.mark.parametrize(
    ("platform", "modifiers", "angle", "turned"),
    [
        ("xcb", Qt.KeyboardModifier.NoModifier, (0, 120), (0, 120)),
        ("xcb", Qt.KeyboardModifier.NoModifier, (120, 0), (-120, 0)),  # a wheel that tilts
        ("xcb", Qt.KeyboardModifier.AltModifier, (120, 0), (0, 120)),
        ("xcb", Qt.KeyboardModifier.AltModifier, (0, 120), (-120, 0)),
        ("wayland", Qt.KeyboardModifier.AltModifier, (-240, 0), (0, -240)),
        ("wayland-egl", Qt.KeyboardModifier.AltModifier, (120, 0), (0, 120)),
        ("windows", Qt.KeyboardModifier.AltModifier, (120, 0), (0, 120)),
        (
            "windows",
            Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier,
            (-120, 0),
            (0, -120),
        ),
        ("cocoa", Qt.KeyboardModifier.AltModifier, (0, 120), (0, 120)),
        (None, Qt.KeyboardModifier.AltModifier, (120, 0), (0, 120)),
    ],
)
def test_alt_does_not_change_the_axis_of_the_wheel(
    application: QApplication,
    platform: str | None,
    modifiers: Qt.KeyboardModifier,
    angle: tuple[int, int],
    turned: tuple[int, int],
) -> None:
    event = QWheelEvent(
        QPointF(1, 1),
        QPointF(1, 1),
        QPoint(),
        QPoint(*angle),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    assert wheel_turn(event, platform) == turned


def test_the_player_can_swap_buttons_and_turn_the_wheel_around(sent: list[InputEvent]) -> None:
    options = MouseOptions(swap_buttons=True, reverse_scroll=True)
    inputs = PlayerInput(sent.append, FakeClock(50.0), mouse=options)
    inputs.open()
    for pressed in (True, True, False):  # one that changes nothing is dropped here, too
        inputs.button(Qt.MouseButton.LeftButton, pressed, QPointF(1, 2))
    inputs.wheel((30, -120), QPointF(1, 2))
    down, up, wheel = sent
    assert isinstance(down, PointerButton)
    assert (down.button, down.buttons) == (Button.RIGHT, 2)
    assert isinstance(up, PointerButton)
    assert (up.button, up.buttons) == (Button.RIGHT, 0)
    assert isinstance(wheel, Wheel)
    assert (wheel.turn_x, wheel.turn_y) == (-30, 120)


# --- gamepads ---


def test_gamepads_are_opened_and_closed_with_the_rest(
    application: QApplication, sent: list[InputEvent]
) -> None:
    pads = FakePads()
    inputs = PlayerInput(sent.append, FakeClock(50.0), pads)
    assert pads.send is not None
    inputs.open()
    inputs.open()
    inputs.show_view(View(focused=True))
    inputs.show_view(View(focused=True))
    inputs.show_view(View(focused=False))
    inputs.close()
    assert pads.said == ["open", "focus True", "focus False", "close"]
    pads.send(PadState(0, True))
    assert sent[-1] == PadState(0, True), "by their own way"


def test_gamepads_hear_of_a_release_of_everything(
    application: QApplication, sent: list[InputEvent]
) -> None:
    pads = FakePads()
    inputs = PlayerInput(sent.append, FakeClock(50.0), pads)
    inputs.open()
    inputs.release_all()
    assert pads.said == ["open"], "nothing was held"
    press(inputs, Qt.Key.Key_W, 25)
    inputs.release_all()
    assert isinstance(sent[-1], ReleaseAll)
    assert pads.said == ["open", "released"]
