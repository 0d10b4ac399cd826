"""Keys are positions, nothing gets stuck, nothing is queued, and a warp is not travel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from rejoin.gui.input import HeldControls, PointerTravel, send_key, vertical_turn
from rejoin.input_protocol.controls import Controls, travel

W, A, SHIFT = 0x1A, 0x04, 0xE1
LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)


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


def mac_event(kind: QEvent.Type, key: Qt.Key, virtual_key: int) -> QKeyEvent:
    """As Qt makes it on macOS: every scan code is 1, and a virtual key may be 0."""
    return QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, 1, virtual_key, 0, "")


@pytest.mark.parametrize("platform", ["cocoa", "offscreen"])
def test_two_keys_are_held_at_once_where_all_scan_codes_are_equal(
    application: QApplication,
    held: HeldControls,
    sent: list[Controls],
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: platform))
    down, up = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
    send_key(held, mac_event(down, Qt.Key.Key_W, 13), pressed=True)
    send_key(held, mac_event(down, Qt.Key.Key_A, 0), pressed=True)
    send_key(held, mac_event(down, Qt.Key.Key_Shift, 56), pressed=True)
    send_key(held, mac_event(up, Qt.Key.Key_W, 13), pressed=False)
    send_key(held, mac_event(up, Qt.Key.Key_A, 0), pressed=False)
    assert [sorted(c.keys) for c in sent] == [[W], [A, W], [A, W, SHIFT], [A, SHIFT], [SHIFT]]


@pytest.mark.parametrize(
    ("platform", "modifiers", "angle", "turned"),
    [
        ("xcb", Qt.KeyboardModifier.NoModifier, (0, 120), 120),
        ("xcb", Qt.KeyboardModifier.NoModifier, (120, 0), 0),  # a wheel that tilts
        ("xcb", Qt.KeyboardModifier.AltModifier, (120, 0), 120),
        ("xcb", Qt.KeyboardModifier.AltModifier, (0, 120), 0),
        ("wayland", Qt.KeyboardModifier.AltModifier, (-240, 0), -240),
        ("wayland-egl", Qt.KeyboardModifier.AltModifier, (120, 0), 120),
        ("windows", Qt.KeyboardModifier.AltModifier, (120, 0), 120),
        (
            "windows",
            Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier,
            (-120, 0),
            -120,
        ),
        ("cocoa", Qt.KeyboardModifier.AltModifier, (0, 120), 120),
        (None, Qt.KeyboardModifier.AltModifier, (120, 0), 120),
    ],
)
def test_alt_does_not_change_the_axis_of_the_wheel(
    application: QApplication,
    platform: str | None,
    modifiers: Qt.KeyboardModifier,
    angle: tuple[int, int],
    turned: int,
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
    assert vertical_turn(event, platform) == turned
