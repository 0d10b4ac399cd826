"""Keys are positions, nothing gets stuck, nothing is queued, and a warp is not travel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from rejoin.gui.input import HeldControls, PointerTravel, send_key, usage_of
from rejoin.input_protocol.controls import Controls, travel

W, A, SHIFT, CONTROL = 0x1A, 0x04, 0xE1, 0xE0
LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)


@pytest.mark.parametrize(
    ("evdev", "usage"),
    [
        (17, W),  # KEY_W, whatever letter the layout has there
        (30, A),
        (1, 0x29),  # KEY_ESC
        (2, 0x1E),  # KEY_1
        (11, 0x27),  # KEY_0
        (57, 0x2C),  # KEY_SPACE
        (59, 0x3A),  # KEY_F1
        (88, 0x45),  # KEY_F12
        (82, 0x62),  # KEY_KP0
        (103, 0x52),  # KEY_UP
        (105, 0x50),  # KEY_LEFT
        (106, 0x4F),  # KEY_RIGHT
        (108, 0x51),  # KEY_DOWN
        (97, 0xE4),  # KEY_RIGHTCTRL
        (100, 0xE6),  # KEY_RIGHTALT
        (111, 0x4C),  # KEY_DELETE
    ],
)
def test_a_scan_code_names_the_position(evdev: int, usage: int) -> None:
    assert usage_of(Qt.Key.Key_Z.value, evdev + 8, "xcb") == usage
    assert usage_of(Qt.Key.Key_Z.value, evdev + 8, "wayland") == usage


def test_left_and_right_of_the_same_key_differ_by_position() -> None:
    key = Qt.Key.Key_Shift.value
    assert (usage_of(key, 42 + 8, "xcb"), usage_of(key, 54 + 8, "xcb")) == (0xE1, 0xE5)


@pytest.mark.parametrize(
    ("key", "usage"),
    [
        (Qt.Key.Key_W, W),
        (Qt.Key.Key_Exclam, 0x1E),
        (Qt.Key.Key_0, 0x27),
        (Qt.Key.Key_Comma, 0x36),
        (Qt.Key.Key_Slash, 0x38),
        (Qt.Key.Key_Backslash, 0x31),
        (Qt.Key.Key_Semicolon, 0x33),
        (Qt.Key.Key_QuoteLeft, 0x35),
        (Qt.Key.Key_Backtab, 0x2B),
        (Qt.Key.Key_F12, 0x45),
        (Qt.Key.Key_Up, 0x52),
        (Qt.Key.Key_Control, CONTROL),
    ],
)
def test_without_a_scan_code_the_name_of_the_key_counts(key: Qt.Key, usage: int) -> None:
    assert usage_of(key.value, 0, "offscreen") == usage
    assert usage_of(key.value, 17 + 8, "windows") == usage


def test_a_key_that_no_pc_keyboard_has_is_none() -> None:
    assert usage_of(Qt.Key.Key_LaunchMail.value, 0, "offscreen") is None
    assert usage_of(Qt.Key.Key_LaunchMail.value, 163, "xcb") is None


@pytest.fixture
def sent() -> list[Controls]:
    return []


@pytest.fixture
def held(sent: list[Controls]) -> HeldControls:
    made = HeldControls(sent.append)
    made.open()
    return made


def test_each_change_sends_everything_held(held: HeldControls, sent: list[Controls]) -> None:
    held.key(25, W, True)
    held.key(50, SHIFT, True)
    held.button(LEFT, True)
    held.button(MIDDLE, True)
    held.key(25, W, False)
    assert [(sorted(c.keys), c.buttons) for c in sent] == [
        ([W], 0),
        ([W, SHIFT], 0),
        ([W, SHIFT], 1),
        ([W, SHIFT], 5),
        ([SHIFT], 5),
    ]


def test_input_that_changes_nothing_is_not_sent(held: HeldControls, sent: list[Controls]) -> None:
    held.key(25, W, True)
    held.key(25, W, True)
    held.key(26, A, False)
    held.button(RIGHT, False)
    held.button(Qt.MouseButton.BackButton, True)
    held.travel(0, 0)
    held.wheel(0)
    assert len(sent) == 1


def test_a_key_is_released_by_the_code_it_was_pressed_with(
    held: HeldControls, sent: list[Controls]
) -> None:
    held.key(10, 0x1E, True)  # "1"
    held.key(10, 0x99, False)  # the same key, with another usage as Shift went down in between
    assert not sent[-1].held


def test_closing_releases_everything_and_drops_later_input(
    held: HeldControls, sent: list[Controls]
) -> None:
    held.key(25, W, True)
    held.button(LEFT, True)
    held.travel(5, -3)
    held.close()
    assert sent[-1] == Controls(pointer_x_total=5, pointer_y_total=0xFFFFFFFD)
    count = len(sent)
    held.key(30, A, True)
    held.button(LEFT, True)
    held.travel(9, 9)
    held.wheel(120)
    assert len(sent) == count
    held.open()
    assert not held.controls.held
    assert len(sent) == count
    held.travel(1, 0)
    assert sent[-1].pointer_x_total == 6


def test_totals_wrap_around(held: HeldControls, sent: list[Controls]) -> None:
    held.travel(-2, -2)
    held.wheel(-120)
    held.travel(5, 1)
    assert travel(sent[-1].pointer_x_total, 0) == 3
    assert travel(sent[-1].pointer_y_total, 0) == -1
    assert travel(sent[-1].wheel_total, 0) == -120


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


def test_a_key_event_is_sent_by_position_and_its_repeat_is_not(
    application: QApplication, held: HeldControls, sent: list[Controls]
) -> None:
    def event(kind: QEvent.Type, *, repeated: bool = False) -> QKeyEvent:
        return QKeyEvent(kind, Qt.Key.Key_W, Qt.KeyboardModifier.NoModifier, "w", repeated)

    send_key(held, event(QEvent.Type.KeyPress), pressed=True)
    send_key(held, event(QEvent.Type.KeyRelease, repeated=True), pressed=False)
    send_key(held, event(QEvent.Type.KeyPress, repeated=True), pressed=True)
    assert [controls.keys for controls in sent] == [{W}]
    send_key(held, event(QEvent.Type.KeyRelease), pressed=False)
    assert not sent[-1].held
