"""The window in every face: what a player sees, reads, presses and hears."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QCursor, QGuiApplication, QImage, QKeyEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea, QWidget

from helpers.fake_pads import FakePads
from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import (
    FACES,
    LIVE,
    NOW,
    Face,
    ShowFace,
    destroy,
    face_named,
    lost,
    troubled,
    wait_until,
    words,
)
from rejoin.core.events import (
    CloseForNowRequested,
    EndGameRequested,
    ReconnectRequested,
    StartRequested,
    TryNowRequested,
)
from rejoin.core.model import (
    ConnectionNumber,
    Ending,
    EndingKind,
    HealthLevel,
    NoInput,
    Snapshot,
    Stage,
    Trouble,
)
from rejoin.gui.card import UNARMED_S, Card, CardButton
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.notes import (
    BACK_FOR_S,
    PICTURE_NOTE_FOR_S,
    PROBLEM_FOR_S,
    SOUND_CONTROL_FOR_S,
    SOUND_NOTE_FOR_S,
)
from rejoin.gui.pill import Pill
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import (
    Button,
    KeyEvent,
    Location,
    Modifiers,
    PointerButton,
    PointerMove,
    Wheel,
)
from rejoin.input_events.wishes import CursorWish, FullScreenWish, PointerLockWish
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics

SIZES = [(1280, 720), (640, 400)]
CTRL_ALT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


def show_snapshot(window: RejoinWindow, port: FakePort, snapshot: Snapshot) -> None:
    port.publish(snapshot)
    QApplication.processEvents()
    assert window.snapshot == snapshot


def focused(window: RejoinWindow) -> QWidget:
    found: QWidget | None = window.focusWidget()
    return window if found is None else found


def is_captured(window: RejoinWindow) -> bool:
    return window.mouse.captured


def is_dimmed(window: RejoinWindow) -> bool:
    return window.layers.view.dimmed


def press(window: RejoinWindow, key: Qt.Key, **more: object) -> None:
    QTest.keyPress(focused(window), key, **more)  # type: ignore[call-overload]


def keys_of(port: FakePort) -> list[KeyEvent]:
    return [event for event in port.inputs if isinstance(event, KeyEvent)]


def click(window: RejoinWindow, x: int = 640, y: int = 360) -> None:
    """Click on the picture; the module that wants the mouse then has been heard."""
    QTest.mouseClick(window.layers.view, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    QApplication.processEvents()


def move_to(window: RejoinWindow, x: float, y: float) -> None:
    """Move the pointer to a place in the picture."""
    at = QPointF(x, y)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        at,
        QPointF(window.layers.view.mapToGlobal(at)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(window.layers.view, event)


# --- every face, in both sizes --------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=["large", "small"])
@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_every_face_is_complete(show: ShowFace, face: Face, size: tuple[int, int]) -> None:
    """Every text is there, nothing overlaps or is cut off, the keyboard reaches every button."""
    window, _port, _clock = show(face, size)
    assert (window.width(), window.height()) == size
    read = words(window)
    for text in face.texts:
        assert any(text in line for line in read), f"{text!r} not in {read}"
    for text in face.absent:
        assert not any(text in line for line in read), f"{text!r} in {read}"
    _nothing_is_cut(window)
    _nothing_overlaps(window)
    _the_keyboard_reaches_every_button(window)
    assert sum(card.isVisible() for card in window.findChildren(Card)) <= 1


def _nothing_is_cut(window: RejoinWindow) -> None:
    for label in window.findChildren(QLabel):
        if not label.isVisible() or not label.text():
            continue
        metrics = label.fontMetrics()
        if label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
            widest = max(metrics.horizontalAdvance(word) for word in label.text().split())
            assert widest <= label.width(), label.text()
        else:
            assert label.width() >= metrics.horizontalAdvance(label.text()), label.text()
            assert label.height() >= metrics.height(), label.text()
    for button in window.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() >= button.sizeHint().width(), button.text()
            assert button.height() >= button.sizeHint().height(), button.text()


def _nothing_overlaps(window: RejoinWindow) -> None:
    def place(widget: QWidget) -> QRect:
        return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())

    panels = [card.panel for card in window.findChildren(Card) if card.isVisible()]
    layers = window.layers
    apart: list[QWidget] = [*panels, *(p for p in window.findChildren(Pill) if p.isVisible())]
    apart += [
        widget for widget in (layers.reconnect, layers.sound, layers.menu_tab) if widget.isVisible()
    ]
    for panel in panels:
        scrolled = {
            w for area in panel.findChildren(QScrollArea) for w in area.findChildren(QWidget)
        }
        leaves = [
            w
            for w in panel.findChildren(QWidget)
            if w.isVisible() and w not in scrolled and not w.findChildren(QWidget)
        ]
        assert all(
            panel.rect().contains(QRect(w.mapTo(panel, QPoint(0, 0)), w.size())) for w in leaves
        )
        for one, other in combinations(leaves, 2):
            assert not place(one).intersects(place(other)), (one, other)
    for widget in apart:
        assert window.rect().contains(place(widget))
    for one, other in combinations(apart, 2):
        assert not place(one).intersects(place(other)), (one, other)


def _the_keyboard_reaches_every_button(window: RejoinWindow) -> None:
    buttons = {b for b in window.findChildren(QPushButton) if b.isVisible() and b.isEnabled()}
    assert all(button.accessibleName() for button in buttons)
    # While playing Tab goes to the game; these have shortcuts.
    buttons -= {window.layers.sound.switch, window.layers.reconnect, window.layers.menu_tab}
    for button in window.findChildren(CardButton):
        button.armed_at = 0.0
    reached: set[QWidget] = set()
    for _ in range(len(buttons) + 2):
        at = focused(window)
        reached.add(at)
        if window.snapshot.stage is Stage.LIVE:
            break
        QTest.keyClick(at, Qt.Key.Key_Tab)
    assert buttons <= reached


# --- the badge, the notes -------------------------------------------------------------------------


def test_trouble_shows_only_once_it_lasts(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    trouble = replace(LIVE, health=HealthLevel.DEGRADED, trouble_since_at=clock())
    show_snapshot(window, port, trouble)
    clock.now += 0.4
    window.refresh()
    assert "Connection unstable" not in words(window)
    clock.now += 0.11
    window.refresh()
    assert "Connection unstable" in words(window)
    show_snapshot(window, port, LIVE)
    assert "Connection unstable" not in words(window)


def test_the_badge_appears_without_a_new_snapshot(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    show_snapshot(window, port, replace(LIVE, health=HealthLevel.STALLED, trouble_since_at=clock()))
    clock.now += 0.6
    assert wait_until(lambda: "Connection unstable" in words(window))


FROZEN = troubled(Trouble.PICTURE_STOPPED, 5.0, can_reconnect=True)


def test_reconnect_is_pressed_by_pointer(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    assert "Reconnect" not in words(window)
    show_snapshot(window, port, FROZEN)
    assert "Reconnect" in words(window)
    assert focused(window) is window.layers.view
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.reconnect, Qt.MouseButton.LeftButton)
    assert port.events == [ReconnectRequested()]
    assert focused(window) is window.layers.view
    assert not is_captured(window), "the click was for the button"
    show_snapshot(window, port, LIVE)
    assert "Reconnect" not in words(window)


def test_no_key_of_the_game_presses_reconnect(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    show_snapshot(window, port, FROZEN)
    clock.now += 2 * UNARMED_S
    keys = (*GAME_KEYS, Qt.Key.Key_R, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)
    shift = Qt.KeyboardModifier.ShiftModifier
    held = (Qt.KeyboardModifier.NoModifier, shift, CTRL_ALT & ~shift, shift | CTRL_ALT)
    for key, modifiers in product(keys, held):
        if key is not Qt.Key.Key_R or modifiers & CTRL_ALT != CTRL_ALT:
            QTest.keyClick(focused(window), key, modifiers)
            clock.now += 0.6
            window.refresh()
    for modifier in (Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier):
        QTest.keyClick(focused(window), Qt.Key.Key_R, modifier)
    assert port.events == []
    assert focused(window) is window.layers.view


def test_its_shortcut_reconnects_once_and_only_while_it_is_offered(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_R, modifier=CTRL_ALT)
    assert port.events == []
    assert port.held[-1].anything, "these keys are the game's"
    QTest.keyRelease(focused(window), Qt.Key.Key_R)
    show_snapshot(window, port, FROZEN)
    for _ in range(3):
        press(window, Qt.Key.Key_R, modifier=CTRL_ALT)
    assert port.events == [ReconnectRequested()]
    assert not port.held[-1].anything


def test_youre_back_for_three_seconds(show: ShowFace) -> None:
    window, port, clock = show(face_named("lost"))
    assert is_dimmed(window)
    show_snapshot(window, port, replace(LIVE, back_at=clock()))
    assert not is_dimmed(window)
    assert "You're back" in words(window)
    assert not window.layers.overlay.isVisible()
    clock.now += BACK_FOR_S - 0.1
    window.refresh()
    assert "You're back" in words(window)
    clock.now += 0.2
    window.refresh()
    assert "You're back" not in words(window)


def test_a_problem_shows_once_and_when_it_can_be_seen(show: ShowFace) -> None:
    window, port, clock = show(face_named("starting"))
    port.problem_text = "No sound: this computer has no audio output."
    window.refresh()
    assert port.problem_text not in words(window)
    clock.now += 60
    show_snapshot(window, port, LIVE)
    assert port.problem_text in words(window)
    clock.now += PROBLEM_FOR_S + 0.1
    window.refresh()
    assert port.problem_text not in words(window)
    show_snapshot(window, port, lost())
    show_snapshot(window, port, LIVE)
    assert port.problem_text not in words(window)


def test_the_view_only_banner_stays_and_covers_nothing(show: ShowFace) -> None:
    window, port, _clock = show(face_named("view-only"))
    banner = window.banner_row.geometry()
    assert banner.bottom() < window.layers.geometry().top()
    show_snapshot(window, port, lost(view_only=NoInput.FAILED))
    assert "View only: the game's input module has failed" in words(window)


# --- the countdown through the window -------------------------------------------------------------


def test_the_countdown_runs_without_new_snapshots(show: ShowFace) -> None:
    window, _port, clock = show(face_named("lost"))
    for later_s, shown in (
        (10.0, "At least 1:02 to get back"),
        (73.0, "Time may be up. Still trying..."),
    ):
        clock.now = NOW + later_s
        assert wait_until(lambda shown=shown: shown in words(window))  # type: ignore[misc]


def test_the_last_picture_stays_under_the_card(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("lost"))
    assert window.layers.view.picture is not None
    assert is_dimmed(window)
    corner = window.grab().toImage().pixelColor(20, 20)
    assert corner.blue() > 60


# --- buttons and closing --------------------------------------------------------------------------


def test_the_buttons_reach_the_engine(show: ShowFace) -> None:
    window, port, clock = show(face_named("lost"))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.overlay.try_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(window.layers.overlay.end_button, Qt.MouseButton.LeftButton)
    assert port.events == [TryNowRequested()]
    QTest.mouseClick(window.layers.overlay.confirm_button, Qt.MouseButton.LeftButton)
    assert port.events == [TryNowRequested(), EndGameRequested()]


def test_start_and_cancel_reach_the_engine(show: ShowFace) -> None:
    window, port, clock = show(face_named("idle"))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.starting.start_button, Qt.MouseButton.LeftButton)
    show_snapshot(window, port, Snapshot(Stage.STARTING))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.starting.cancel_button, Qt.MouseButton.LeftButton)
    assert port.events == [StartRequested(), CloseForNowRequested()]


@pytest.mark.parametrize(
    ("before_start", "title"),
    [
        (Snapshot(Stage.STARTING), "Starting your game"),
        (Snapshot(Stage.RECONNECTING, returning=True), "Getting back into your game..."),
    ],
)
def test_a_game_that_starts_by_itself_never_says_that_it_is_ready(
    application: QApplication, before_start: Snapshot, title: str
) -> None:
    port = FakePort()
    window = RejoinWindow(port, WindowOptions(before_start=before_start), clock=FakeClock(NOW))
    said: list[str] = []
    window.announced.connect(said.append)
    window.show()
    port.publish(Snapshot(Stage.IDLE))
    QApplication.processEvents()
    assert title in words(window)
    assert "Ready to play" not in words(window)
    assert not any("Ready" in text for text in said)
    window.close()
    assert port.events == [CloseForNowRequested()]
    destroy(window)


def test_after_start_the_card_has_no_start_button(show: ShowFace) -> None:
    window, port, _clock = show(face_named("idle"))
    window.start()
    assert "Starting your game" in words(window)
    assert "Start" not in words(window)
    assert port.events == [StartRequested()]


GAME_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)
ENDED = Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED))
CARDS_AFTER_A_GAME = [lost(stage=Stage.LOST), lost(), lost(offline=True), ENDED]


@pytest.mark.parametrize("card", CARDS_AFTER_A_GAME, ids=["lost", "again", "offline", "ended"])
def test_keys_of_the_game_press_no_button_however_long_the_card_is_there(
    show: ShowFace, card: Snapshot
) -> None:
    window, port, clock = show(face_named("live"))
    show_snapshot(window, port, card)
    for _ in range(20):
        for key in (*GAME_KEYS, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_W):
            QTest.keyClick(focused(window), key)
        clock.now += 0.4
        window.refresh()
        assert not isinstance(window.focusWidget(), CardButton)
    assert port.events == []
    assert window.isVisible()


def test_a_key_presses_once_the_focus_has_visibly_been_there(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    show_snapshot(window, port, lost())
    QTest.keyClick(focused(window), Qt.Key.Key_Tab)
    assert not isinstance(window.focusWidget(), CardButton), "the card has just appeared"
    clock.now += UNARMED_S
    QTest.keyClick(focused(window), Qt.Key.Key_Tab)
    assert window.focusWidget() is window.layers.overlay.try_button
    for wait_s in (0.0, 0.499):
        clock.now += wait_s
        QTest.keyClick(focused(window), Qt.Key.Key_Space)
        assert port.events == []
    clock.now += 0.001
    QTest.keyClick(focused(window), Qt.Key.Key_Space)
    assert port.events == [TryNowRequested()]


@pytest.mark.parametrize("held", [Qt.Key.Key_W, Qt.Key.Key_Space, Qt.Key.Key_Tab, "mouse"])
def test_nothing_is_pressed_while_something_is_still_held_for_the_game(
    show: ShowFace, held: Qt.Key | str
) -> None:
    window, port, clock = show(face_named("live-captured"))
    view, button = window.layers.view, Qt.MouseButton.RightButton
    if isinstance(held, str):
        QTest.mousePress(view, button)
    else:
        press(window, held)
    show_snapshot(window, port, lost())
    clock.now += UNARMED_S
    window.layers.overlay.try_button.setFocus(Qt.FocusReason.TabFocusReason)
    clock.now += 10.0
    for _ in range(3):  # repeats without the auto-repeat flag, as X11 sends them
        if not isinstance(held, str):
            press(window, held)
        press(window, Qt.Key.Key_Return)
        QTest.keyRelease(focused(window), Qt.Key.Key_Return)
    assert port.events == []
    assert window.focusWidget() is window.layers.overlay.try_button
    if isinstance(held, str):
        QTest.mouseRelease(view, button)
    else:
        QTest.keyRelease(focused(window), held)
    QTest.keyClick(focused(window), Qt.Key.Key_Return)
    assert port.events == [TryNowRequested()]


def test_a_pointer_presses_at_once_unless_the_game_had_the_mouse(show: ShowFace) -> None:
    for name, at_once in (("live", True), ("live-captured", False)):
        window, port, clock = show(face_named(name))
        show_snapshot(window, port, lost())
        QTest.mouseClick(window.layers.overlay.try_button, Qt.MouseButton.LeftButton)
        assert port.events == [TryNowRequested()] * at_once
        clock.now += UNARMED_S
        QTest.mouseClick(window.layers.overlay.try_button, Qt.MouseButton.LeftButton)
        assert port.events == [TryNowRequested()] * (at_once + 1)


def test_no_button_inherits_the_focus_of_one_that_goes(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    show_snapshot(window, port, lost())
    overlay = window.layers.overlay
    clock.now += 10.0
    for button, after in (
        (overlay.try_button, lost(can_try_now=False)),
        (overlay.end_button, lost(can_try_now=False, can_terminate=False)),
        (overlay.close_button, Snapshot(Stage.ENDING)),
    ):
        button.setFocus(Qt.FocusReason.TabFocusReason)
        show_snapshot(window, port, after)
        assert not isinstance(window.focusWidget(), CardButton)


@pytest.mark.parametrize("during", [lost(), LIVE], ids=["card", "game"])
def test_repeats_without_a_flag_run_a_shortcut_once(show: ShowFace, during: Snapshot) -> None:
    window, port, _clock = show(face_named("live"))
    show_snapshot(window, port, during)
    for _ in range(4):
        press(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    for _ in range(3):
        press(window, Qt.Key.Key_S, modifier=CTRL_ALT)
    assert window.layers.stats.isVisible()


def test_a_key_held_through_a_drop_or_a_shortcut_is_not_pressed_again(show: ShowFace) -> None:
    """Repeats without the auto-repeat flag, as X11 sends them."""
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_W)
    press(window, Qt.Key.Key_S, modifier=CTRL_ALT)  # which releases everything
    press(window, Qt.Key.Key_S)  # Ctrl and Alt are up, S is not
    press(window, Qt.Key.Key_W)
    assert not port.held[-1].anything
    show_snapshot(window, port, lost())
    show_snapshot(window, port, LIVE)
    press(window, Qt.Key.Key_W)
    assert not port.held[-1].anything
    QTest.keyRelease(focused(window), Qt.Key.Key_W)
    press(window, Qt.Key.Key_W)
    assert port.codes == {"KeyW"}


def test_an_open_window_comes_to_the_front_when_requested(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    window.showMinimized()
    QApplication.processEvents()
    minimized = [window.isMinimized()]
    window.come_to_front()
    minimized.append(window.isMinimized())
    assert minimized == [True, False]
    assert window.isVisible()
    window.close()
    window.come_to_front()
    assert window.isHidden(), "a closed window stays closed"


@pytest.mark.parametrize(
    "name", ["ending-offline", "ending-offline-without-picture", "ending-unreached"]
)
def test_an_end_that_did_not_reach_the_studio_can_be_tried_again_or_left(
    show: ShowFace, name: str
) -> None:
    window, port, clock = show(face_named(name))
    clock.now += UNARMED_S
    QTest.mouseClick(window.layers.overlay.try_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(window.layers.overlay.close_button, Qt.MouseButton.LeftButton)
    assert port.events == [TryNowRequested(), CloseForNowRequested()]
    assert window.isHidden()


def test_the_report_is_about_this_game_and_shown_before_it_is_copied(show: ShowFace) -> None:
    window, port, clock = show(face_named("end-reconnection-timeout"))
    window.layers.view.repaint()
    port.current_statistics = StreamStatistics(ConnectionNumber(2), profile="High", freeze_count=3)
    clock.now += UNARMED_S
    QGuiApplication.clipboard().setText("before")
    QTest.mouseClick(window.layers.end.report_button, Qt.MouseButton.LeftButton)
    page = window.layers.report_page
    assert page.isVisible()
    assert window.layers.end.isHidden()
    assert QGuiApplication.clipboard().text() == "before", "nothing is shared unasked"
    report = page.text.text()
    assert "Code: RJ-GAME-ENDED / reconnectionTimeout" in report
    assert "Pictures shown: 1" in report
    assert "freezes    3" in report
    clock.now += UNARMED_S
    QTest.keyClick(focused(window), Qt.Key.Key_Return)
    assert QGuiApplication.clipboard().text() == report
    QTest.keyClick(focused(window), Qt.Key.Key_Escape)
    assert page.isHidden()
    assert window.layers.end.isVisible()


def test_nothing_secret_reaches_the_report(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    detail = "a=ice-pwd:verysecretpassword Authorization: Bearer abc.def at 192.0.2.77"
    ended = Snapshot(Stage.ENDED, ending=Ending(EndingKind.INTERNAL, detail=detail))
    show_snapshot(window, port, ended)
    report = window.report()
    for secret in ("verysecretpassword", "abc.def", "192.0.2.77"):
        assert secret not in report
    assert "Code: RJ-INTERNAL" in report


# --- another game ---------------------------------------------------------------------------------


def ended_window(wanted: list[int]) -> tuple[RejoinWindow, FakePort, FakeClock]:
    """A game that was played and is over, in a window that can start another one."""
    port, clock = FakePort(), FakeClock(NOW)
    options = WindowOptions(start_again=lambda: wanted.append(1), reduced_motion=True)
    window = RejoinWindow(port, options, clock=clock)
    window.show()
    port.show(picture(640, 360))
    port.publish(Snapshot(Stage.STARTING))
    port.publish(LIVE)
    QApplication.processEvents()
    port.publish(Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED), episode=3))
    QApplication.processEvents()
    clock.now += UNARMED_S
    return window, port, clock


def test_start_again_plays_another_game_in_the_same_window(application: QApplication) -> None:
    wanted: list[int] = []
    window, port, _clock = ended_window(wanted)
    native = window.winId()
    QTest.mouseClick(window.layers.end.again_button, Qt.MouseButton.LeftButton)
    assert wanted == [1]
    assert "Starting your game" in words(window)
    assert window.layers.view.picture is None, "of the last game"
    assert port.listeners == []
    again = FakePort()
    pads = FakePads()
    wanted_now = WindowOptions(
        before_start=Snapshot(Stage.STARTING),
        report_facts=lambda: {"Input module": "of another game"},
        controls=ControlOptions(Shortcuts.of({ShortcutAction.TOGGLE_SOUND: "F9"})),
        pads=pads,
    )
    window.play(again, wanted_now)
    again.publish(Snapshot(Stage.IDLE))
    application.processEvents()
    assert "Starting your game" in words(window)
    again.show(picture(320, 180))
    again.publish(Snapshot(Stage.STARTING))
    again.publish(LIVE)
    application.processEvents()
    assert window.winId() == native
    assert "Click to take control" in words(window)
    assert again.views, "the new input module learns where the picture is"
    assert {"open", "focus True"} <= set(pads.said), "the gamepads are those of this game"
    QTest.keyClick(window.layers.view, Qt.Key.Key_W)
    assert [type(event) for event in again.inputs] == [KeyEvent, KeyEvent]
    assert port.inputs == []
    QTest.keyClick(window.layers.view, Qt.Key.Key_F9)
    assert again.sound().silent, "and so are the keys"
    again.publish(Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)))
    application.processEvents()
    assert "Input module: of another game\n" in window.report()
    destroy(window)


@pytest.mark.parametrize("by", ["cancel", "close"])
def test_while_the_last_game_lets_go_the_window_can_be_left(
    application: QApplication, by: str
) -> None:
    window, port, clock = ended_window([])
    gone: list[int] = []
    window.gone.connect(lambda: gone.append(1))
    window.layers.end.again_button.click()
    clock.now += UNARMED_S
    if by == "cancel":
        QTest.mouseClick(window.layers.starting.cancel_button, Qt.MouseButton.LeftButton)
    else:
        window.close()
    assert gone == [1]
    assert port.events == []
    destroy(window)


def test_without_somebody_to_begin_it_another_game_is_not_offered(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    quiet = RejoinWindow(port, clock=FakeClock(NOW))
    quiet.show()
    port.publish(Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)))
    QApplication.processEvents()
    assert "Start again" not in words(quiet)
    assert "Start again" in words(window)
    quiet.layers.end.start_again.emit()
    assert quiet.snapshot.stage is Stage.ENDED
    destroy(quiet)


# --- a picture of the game ------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The player's folder for pictures."""
    monkeypatch.setattr("rejoin.gui.saving.pictures_folder", lambda: tmp_path)
    return tmp_path


def test_a_key_saves_the_picture_of_the_game_as_it_was_sent(show: ShowFace, pictures: Path) -> None:
    window, _port, clock = show(face_named("live-demo"))
    QTest.keyClick(window.layers.view, Qt.Key.Key_P, CTRL_ALT)
    assert wait_until(lambda: any("Saved: " in word for word in words(window)), 60.0)
    (file,) = pictures.iterdir()
    image = QImage(str(file))
    assert (image.width(), image.height()) == (1280, 720)
    assert is_captured(window), "Ctrl+Alt belong to the shortcut"
    clock.now += PICTURE_NOTE_FOR_S
    window.refresh()
    assert not any("Saved: " in word for word in words(window))


def test_a_picture_that_cannot_be_saved_says_why(show: ShowFace, pictures: Path) -> None:
    pictures.rmdir()
    pictures.write_text("a file where the folder should be")
    window, _port, _clock = show(face_named("live"))
    QTest.keyClick(window.layers.view, Qt.Key.Key_P, CTRL_ALT)
    assert wait_until(lambda: any("Nothing was saved" in word for word in words(window)), 60.0)


def test_without_a_picture_there_is_nothing_to_save(show: ShowFace, pictures: Path) -> None:
    window, _port, _clock = show(replace(face_named("live"), picture=False))
    QTest.keyClick(window.layers.view, Qt.Key.Key_P, CTRL_ALT)
    assert "There is no picture to save yet" in words(window)
    assert list(pictures.iterdir()) == []


# --- keyboard -------------------------------------------------------------------------------------


def test_keys_reach_the_game_tab_too(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    for key, code in ((Qt.Key.Key_W, "KeyW"), (Qt.Key.Key_Tab, "Tab")):
        press(window, key)
        assert port.codes == {code}
        QTest.keyRelease(window.focusWidget(), key)
        assert not port.held[-1].anything


def test_key_repeat_is_sent_as_such_without_a_release_between(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_W)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress) * 3:
        event = QKeyEvent(
            kind, Qt.Key.Key_W.value, Qt.KeyboardModifier.NoModifier, "w", autorep=True
        )
        QApplication.sendEvent(window.layers.view, event)
    assert [(event.pressed, event.repeat) for event in keys_of(port)] == [
        (True, False),
        (True, True),
        (True, True),
        (True, True),
    ]


@pytest.mark.parametrize(
    "after",
    [
        lost(stage=Stage.LOST),
        replace(LIVE, input_open=False),
        replace(LIVE, view_only=NoInput.FAILED),
        Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)),
    ],
    ids=["lost", "input-closed", "view-only", "ended"],
)
def test_what_is_held_is_released_and_nothing_is_queued(show: ShowFace, after: Snapshot) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_W)
    show_snapshot(window, port, after)
    assert not port.held[-1].anything
    count = len(port.inputs)
    press(window, Qt.Key.Key_A)
    QTest.keyRelease(focused(window), Qt.Key.Key_A)
    assert len(port.inputs) == count
    show_snapshot(window, port, LIVE)
    assert len(port.inputs) == count
    press(window, Qt.Key.Key_A)
    assert port.codes == {"KeyA"}


def test_a_key_event_has_every_property_of_the_w3cs(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    press(window, Qt.Key.Key_A, modifier=Qt.KeyboardModifier.ShiftModifier)  # which it presses too
    shift, a = keys_of(port)
    at = clock.now
    assert shift == KeyEvent("ShiftLeft", "Shift", True, Location.LEFT, Modifiers.SHIFT, at=at)
    assert (a.code, a.location, a.modifiers) == ("KeyA", Location.STANDARD, Modifiers.SHIFT)


def test_losing_the_focus_releases_everything(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live-captured"))
    press(window, Qt.Key.Key_W)
    assert port.held[-1].anything
    other = QWidget()
    other.show()
    other.activateWindow()
    assert wait_until(lambda: not window.isActiveWindow())
    assert not is_captured(window)
    last = port.held[-1]
    assert not last.anything
    at_end = port.views[-1]
    assert (at_end.focused, at_end.captured) == (False, False)
    other.close()


def test_f11_and_alt_enter_change_full_screen_and_leave_no_key_held(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    press(window, Qt.Key.Key_Alt)
    press(window, Qt.Key.Key_Return, modifier=Qt.KeyboardModifier.AltModifier)
    assert not window.isFullScreen()
    assert not port.held[-1].anything


def test_f11_works_over_a_card_too(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("lost"))
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_F11)
    assert window.isFullScreen()


def test_ctrl_alt_d_drops_the_connection_only_in_a_demo(
    application: QApplication, show: ShowFace
) -> None:
    dropped: list[int] = []
    port, clock = FakePort(), FakeClock(NOW)
    window = RejoinWindow(port, WindowOptions(drop_again=lambda: dropped.append(1)), clock=clock)
    window.show()
    show_snapshot(window, port, LIVE)
    press(window, Qt.Key.Key_D, modifier=CTRL_ALT)
    assert dropped == [1]
    assert not port.held[-1].anything
    assert not any("KeyD" in held.codes for held in port.held)
    show_snapshot(window, port, lost())
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_D, CTRL_ALT)
    assert dropped == [1]
    destroy(window)
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_D, modifier=CTRL_ALT)
    press(window, Qt.Key.Key_F8)
    assert port.codes >= {"KeyD", "F8"}
    assert "Ctrl+Alt+D: drop the connection" not in words(window)


@pytest.mark.parametrize("shortcut", ["s", "m", "d", "up"])
def test_the_last_key_of_a_shortcut_stays_here_and_what_was_held_is_released(
    application: QApplication, shortcut: str
) -> None:
    key = {"s": Qt.Key.Key_S, "m": Qt.Key.Key_M, "d": Qt.Key.Key_D, "up": Qt.Key.Key_Up}[shortcut]
    port = FakePort()
    window = RejoinWindow(port, WindowOptions(drop_again=lambda: None), clock=FakeClock(NOW))
    window.show()
    show_snapshot(window, port, LIVE)
    for held in (Qt.Key.Key_W, Qt.Key.Key_Control, Qt.Key.Key_Alt):
        press(window, held)
    QTest.mousePress(window.layers.view, Qt.MouseButton.RightButton)
    assert port.codes == {"KeyW", "ControlLeft", "AltLeft"}
    press(window, key, modifier=CTRL_ALT)
    assert not port.held[-1].anything
    QTest.keyRelease(window.layers.view, Qt.Key.Key_Control, CTRL_ALT)
    sent = len(port.inputs)
    repeat = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.AltModifier, "", True)
    QApplication.sendEvent(window.layers.view, repeat)
    QTest.keyRelease(window.layers.view, key)
    assert len(port.inputs) == sent, "neither its repeats nor its release"
    destroy(window)


def test_shortcuts_are_the_players(application: QApplication) -> None:
    port = FakePort()
    shortcuts = Shortcuts.of({ShortcutAction.FREE_MOUSE: "F12", ShortcutAction.TOGGLE_SOUND: "F9"})
    options = WindowOptions(controls=ControlOptions(shortcuts))
    window = RejoinWindow(port, options, clock=FakeClock(NOW))
    window.show()
    show_snapshot(window, port, LIVE)
    window.capture_mouse()
    assert "F12: free the mouse" in words(window)
    press(window, Qt.Key.Key_Control)
    press(window, Qt.Key.Key_Alt, modifier=Qt.KeyboardModifier.ControlModifier)
    assert is_captured(window)
    press(window, Qt.Key.Key_M, modifier=CTRL_ALT)
    assert "KeyM" in port.codes
    press(window, Qt.Key.Key_F9)
    assert port.choices == [SoundChoice(100, muted=True)]
    assert window.layers.sound.switch.toolTip() == "Sound on or off (F9)"
    press(window, Qt.Key.Key_F12)
    assert not is_captured(window)
    destroy(window)


def test_alt_gr_is_no_ctrl_and_alt(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live-captured"))
    press(window, Qt.Key.Key_Control)
    alt_gr = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_AltGr, Qt.KeyboardModifier.ControlModifier)
    QApplication.sendEvent(window.layers.view, alt_gr)
    assert is_captured(window)
    assert port.codes == {"ControlLeft", "AltRight"}


def test_ctrl_alt_s_shows_the_statistics_and_is_not_sent_to_the_game(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    assert window.layers.stats.isHidden()
    press(window, Qt.Key.Key_S, modifier=both)
    assert window.layers.stats.isVisible()
    assert not any("KeyS" in held.codes for held in port.held)
    QTest.keyRelease(window.layers.view, Qt.Key.Key_S)
    press(window, Qt.Key.Key_S, modifier=both)
    assert window.layers.stats.isHidden()
    QTest.keyRelease(window.layers.view, Qt.Key.Key_S)
    press(window, Qt.Key.Key_S)
    assert window.layers.stats.isHidden()
    assert "KeyS" in port.codes


# --- sound ----------------------------------------------------------------------------------------


def test_keys_change_the_volume_and_the_note_is_announced(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    said: list[str] = []
    window.announced.connect(said.append)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_M, Qt.Key.Key_M, Qt.Key.Key_Up):
        press(window, key, modifier=CTRL_ALT)
        QTest.keyRelease(window.layers.view, key)
        assert said[-1] in words(window)
    assert said == ["Volume 90 %", "Volume 80 %", "Sound off", "Volume 80 %", "Volume 90 %"]
    assert port.choices[2] == SoundChoice(80, muted=True)
    assert port.choices[-1] == SoundChoice(90)
    clock.now += SOUND_NOTE_FOR_S
    window.refresh()
    assert "Volume 90 %" not in words(window)
    heard = frozenset().union(*(held.codes for held in port.held))
    assert not heard & {"KeyM", "ArrowUp", "ArrowDown"}, "none of them goes to the game"


def test_without_ctrl_and_alt_those_keys_go_to_the_game(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_M)
    press(window, Qt.Key.Key_Up, modifier=Qt.KeyboardModifier.ControlModifier)
    assert port.choices == []
    assert {"KeyM", "ArrowUp"} <= port.codes


def test_a_held_key_repeats_for_the_volume_but_not_for_mute(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    for key in (Qt.Key.Key_Down, Qt.Key.Key_M):
        for repeated in (False, True, True):
            event = QKeyEvent(QEvent.Type.KeyPress, key, CTRL_ALT, "", repeated)
            QApplication.sendEvent(window.layers.view, event)
    assert [(choice.volume, choice.muted) for choice in port.choices] == [
        (90, False),
        (80, False),
        (70, False),
        (70, True),
    ]


def test_while_a_card_is_shown_there_is_no_volume_control_by_key_or_mouse(show: ShowFace) -> None:
    for name in ("lost", "starting", "end-game-ended"):
        window, port, _clock = show(face_named(name))
        QTest.keyClick(focused(window), Qt.Key.Key_M, CTRL_ALT)
        move_to(window, 100, 100)
        assert port.choices == []
        assert window.layers.sound.isHidden()


def test_a_mouse_freed_by_ctrl_alt_is_captured_again_after_a_volume_key(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    window.capture_mouse()
    press(window, Qt.Key.Key_Control)
    press(window, Qt.Key.Key_Alt, modifier=Qt.KeyboardModifier.ControlModifier)
    freed = not is_captured(window)
    press(window, Qt.Key.Key_Down, modifier=CTRL_ALT)
    again = is_captured(window)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Alt, CTRL_ALT, "", True)
    QApplication.sendEvent(window.layers.view, event)
    press(window, Qt.Key.Key_Down, modifier=CTRL_ALT)
    assert (freed, again, is_captured(window)) == (True, True, True)


def test_a_mouse_that_was_free_before_stays_free_after_a_volume_key(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_M, modifier=CTRL_ALT)
    assert not is_captured(window)
    window.capture_mouse()
    press(window, Qt.Key.Key_Control)
    press(window, Qt.Key.Key_Alt, modifier=Qt.KeyboardModifier.ControlModifier)
    QTest.keyRelease(window.layers.view, Qt.Key.Key_Alt, Qt.KeyboardModifier.ControlModifier)
    press(window, Qt.Key.Key_M, modifier=CTRL_ALT)
    assert not is_captured(window), "it was freed on purpose, some time ago"


def test_the_volume_control_shows_while_the_mouse_moves(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    assert window.layers.sound.isHidden()
    move_to(window, 100, 100)
    assert window.layers.sound.isVisible()
    clock.now += SOUND_CONTROL_FOR_S - 0.1
    window.refresh()
    assert window.layers.sound.isVisible()
    QTest.mouseClick(window.layers.sound.switch, Qt.MouseButton.LeftButton)
    assert port.choices == [SoundChoice(100, muted=True)]
    clock.now += 0.2
    window.refresh()
    assert window.layers.sound.isHidden()
    window.layers.sound.hovered = True
    move_to(window, 101, 100)
    clock.now += 60
    window.refresh()
    assert window.layers.sound.isVisible(), "the pointer is on it"


def test_the_volume_control_is_hidden_while_the_mouse_is_captured(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    move_to(window, 100, 100)
    click(window)
    assert window.layers.sound.isHidden()
    move_to(window, 120, 100)
    assert window.layers.sound.isHidden()


def test_a_click_on_the_volume_control_does_not_capture_the_mouse(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    said: list[str] = []
    window.announced.connect(said.append)
    move_to(window, 100, 100)
    at = window.layers.sound.slider.mapTo(window, window.layers.sound.slider.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)
    QApplication.processEvents()
    assert port.choices
    assert not is_captured(window)
    assert window.layers.view.hasFocus()
    assert said == [], "a screen reader reads the slider itself"


def test_the_saved_volume_is_shown_at_once(application: QApplication) -> None:
    port = FakePort()
    port.choices.append(SoundChoice(30))
    window = RejoinWindow(port, clock=FakeClock(NOW))
    assert window.layers.sound.digits.text() == "30 %"
    destroy(window)


# --- mouse ----------------------------------------------------------------------------------------


def test_a_click_is_the_games_and_the_module_that_wants_the_mouse_gets_it(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    click(window)
    assert is_captured(window)
    assert port.views[-1].captured
    assert window.layers.view.cursor().shape() is Qt.CursorShape.BlankCursor
    assert "Ctrl+Alt: free the mouse" in words(window)
    assert [
        (event.button, event.pressed, event.x, event.y, event.buttons)
        for event in port.inputs
        if isinstance(event, PointerButton)
    ] == [(Button.LEFT, True, 640, 360, 1), (Button.LEFT, False, 640, 360, 0)]
    QTest.mousePress(window.layers.view, Qt.MouseButton.RightButton)
    assert port.held[-1].buttons == 2
    QTest.mouseRelease(window.layers.view, Qt.MouseButton.RightButton)
    assert port.held[-1].buttons == 0


def test_a_click_through_the_badge_works_too(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("badge"))
    at = window.layers.corners.badge.mapTo(window, window.layers.corners.badge.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)
    assert is_captured(window)


@pytest.mark.parametrize(
    ("first", "second", "modifier"),
    [
        (Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_Alt, Qt.Key.Key_Control, Qt.KeyboardModifier.AltModifier),
    ],
)
def test_ctrl_alt_frees_the_mouse(
    show: ShowFace, first: Qt.Key, second: Qt.Key, modifier: Qt.KeyboardModifier
) -> None:
    window, port, _clock = show(face_named("live-captured"))
    press(window, first)
    press(window, second, modifier=modifier)
    assert not is_captured(window)
    assert not port.held[-1].anything
    assert window.layers.view.cursor().shape() is not Qt.CursorShape.BlankCursor
    assert "Ctrl+Alt: free the mouse" not in words(window)


def moves_of(port: FakePort) -> list[tuple[float, float, float, float, int]]:
    moves = [event for event in port.inputs if isinstance(event, PointerMove)]
    return [(move.dx, move.dy, move.x, move.y, move.buttons) for move in moves]


def test_a_free_pointer_counts_where_it_is_in_the_picture(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    port.show(picture(500, 500))  # 720 x 720 in the middle, bars left and right
    QApplication.processEvents()
    move_to(window, 100, 100)
    assert port.inputs == [], "that is the bar"
    move_to(window, 280, 0)
    move_to(window, 300, 10)
    QTest.mousePress(window.layers.view, Qt.MouseButton.RightButton, pos=QPoint(300, 10))
    move_to(window, 270, 15)
    QTest.mouseRelease(window.layers.view, Qt.MouseButton.RightButton, pos=QPoint(270, 15))
    move_to(window, 260, 15)
    assert moves_of(port) == [(180, -100, 0, 0, 0), (20, 10, 20, 10, 0), (-30, 5, -10, 15, 2)]
    at = port.views[-1]
    assert (at.left, at.top, at.width, at.height) == (280, 0, 720, 720)
    buttons = [event for event in port.inputs if isinstance(event, PointerButton)]
    assert [(each.x, each.y, each.buttons) for each in buttons] == [(20, 10, 2), (-10, 15, 0)]
    QTest.mousePress(window.layers.view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert len([event for event in port.inputs if isinstance(event, PointerButton)]) == 2


def test_the_view_is_posted_before_what_happens_in_it(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    order: list[str] = []
    send = port.send_input

    def note(event: object) -> None:
        order.append(type(event).__name__)
        send(event)  # type: ignore[arg-type]

    port.send_input = note  # type: ignore[method-assign]
    port.show(picture(500, 500))
    QApplication.processEvents()
    move_to(window, 640, 360)
    assert order == ["View", "PointerMove"]


def test_all_five_buttons_and_their_clicks_are_posted(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    port.locks_pointer = False
    view = window.layers.view
    for button in (Qt.MouseButton.BackButton, Qt.MouseButton.ForwardButton):
        QTest.mouseClick(view, button, pos=QPoint(640, 360))
    for wait_s in (0.0, 0.1, 5.0):
        clock.now += wait_s
        QTest.mouseClick(view, Qt.MouseButton.MiddleButton, pos=QPoint(640, 360))
    pressed = [each for each in port.inputs if isinstance(each, PointerButton) and each.pressed]
    assert [(each.button, each.buttons, each.clicks) for each in pressed] == [
        (Button.BACK, 8, 1),
        (Button.FORWARD, 16, 1),
        (Button.MIDDLE, 4, 1),
        (Button.MIDDLE, 4, 2),
        (Button.MIDDLE, 4, 1),
    ]


def test_the_wheel_turns_both_ways_over_the_picture(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    port.show(picture(500, 500))
    QApplication.processEvents()
    handle = window.windowHandle()
    QTest.wheelEvent(handle, QPointF(100, 355), QPoint(0, 120))
    assert port.inputs == [], "that is the bar"
    QTest.wheelEvent(handle, QPointF(650, 355), QPoint(0, 120))
    QTest.wheelEvent(handle, QPointF(650, 355), QPoint(-240, 0))
    turned = [event for event in port.inputs if isinstance(event, Wheel)]
    assert [(each.turn_x, each.turn_y, each.x, each.y) for each in turned] == [
        (0, 120, 370, 355),
        (240, 0, 370, 355),
    ]


def test_a_captured_pointer_travels_and_stands_still(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    move_to(window, 200, 100)
    window.capture_mouse()
    move_to(window, 640, 360)
    move_to(window, 650, 355)
    assert moves_of(port)[-1] == (10, -5, 200, 100, 0)
    assert port.views[-1].captured


def test_the_pointer_never_reaches_an_edge(show: ShowFace) -> None:
    """It is moved back to the middle in time, and the travel adds up."""
    window, port, _clock = show(face_named("live"))
    window.capture_mouse()
    middle = window.layers.view.rect().center()
    move_to(window, middle.x(), middle.y())
    start = port.travel[0]
    x = float(middle.x())
    for _ in range(100):
        x += 40
        move_to(window, x, middle.y())
        if x > window.layers.view.width() * 0.8:
            x = float(window.layers.view.width() // 2)
        assert x < window.layers.view.width()
    assert port.travel[0] - start == 4000


# --- the input module's wishes --------------------------------------------------------------------


def wish(port: FakePort, *wishes: PointerLockWish | FullScreenWish | CursorWish) -> None:
    for each in wishes:
        port.wish(each)
    QApplication.processEvents()


def test_without_a_click_the_module_gets_neither_mouse_nor_screen(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    port.locks_pointer = False
    views = len(port.views)
    wish(port, PointerLockWish(True), FullScreenWish(True))
    assert (is_captured(window), window.isFullScreen()) == (False, False)
    assert wait_until(lambda: len(port.views) == views + 2), "refusals are answered with the view"
    assert port.views[-1] == port.views[-3]
    click(window)
    clock.now += 5.1
    wish(port, PointerLockWish(True), FullScreenWish(True))
    assert (is_captured(window), window.isFullScreen()) == (False, False)


def test_one_click_allows_the_mouse_and_the_screen_once(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    port.locks_pointer = False
    click(window)
    clock.now += 4.9
    before = len(port.views)
    wish(port, PointerLockWish(True), FullScreenWish(True))
    assert (is_captured(window), window.isFullScreen()) == (True, True)
    assert (port.views[-1].captured, port.views[-1].full_screen) == (True, True)
    views = port.views[before - 1 :]
    assert len(set(views)) == len(views), "what is granted is not refused as well"
    wish(port, PointerLockWish(False), FullScreenWish(False))
    assert (is_captured(window), window.isFullScreen()) == (False, False)
    wish(port, PointerLockWish(True), FullScreenWish(True))
    assert (is_captured(window), window.isFullScreen()) == (False, False)


def test_a_player_who_takes_the_mouse_back_keeps_it_until_the_next_click(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    click(window)
    press(window, Qt.Key.Key_Control)
    press(window, Qt.Key.Key_Alt, modifier=Qt.KeyboardModifier.ControlModifier)
    wish(port, PointerLockWish(True))
    assert not is_captured(window)


def test_a_click_does_not_outlive_the_input(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    port.locks_pointer = False
    click(window)
    show_snapshot(window, port, lost())
    wish(port, PointerLockWish(True), FullScreenWish(True))
    show_snapshot(window, port, LIVE)
    wish(port, PointerLockWish(True), FullScreenWish(True))
    assert (is_captured(window), window.isFullScreen()) == (False, False)


def test_the_players_own_full_screen_is_not_the_modules_to_leave(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    press(window, Qt.Key.Key_F11)
    wish(port, FullScreenWish(False))
    assert window.isFullScreen()


def test_a_cursor_is_shown_while_the_game_takes_input_and_the_mouse_is_free(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    shape = window.layers.view.cursor
    wish(port, CursorWish("crosshair"))
    assert shape().shape() is Qt.CursorShape.CrossCursor
    click(window)
    assert shape().shape() is Qt.CursorShape.BlankCursor
    show_snapshot(window, port, lost())
    assert shape().shape() is Qt.CursorShape.ArrowCursor
    show_snapshot(window, port, LIVE)
    assert shape().shape() is Qt.CursorShape.CrossCursor
    wish(port, CursorWish("none"))
    assert shape().shape() is Qt.CursorShape.BlankCursor
    wish(port, CursorWish("url(https://example.org/x.png)"))
    assert shape().shape() is Qt.CursorShape.ArrowCursor


def test_a_drop_frees_the_mouse_and_only_a_click_captures_it_again(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    click(window)
    show_snapshot(window, port, lost())
    assert not is_captured(window)
    show_snapshot(window, port, replace(LIVE, back_at=clock()))
    assert not is_captured(window)
    assert "Click to take control" in words(window)
    click(window)
    assert is_captured(window)
    assert "Click to take control" not in words(window)


@pytest.mark.parametrize("name", ["view-only", "lost", "end-game-ended"])
def test_without_a_game_to_control_the_mouse_is_not_captured(show: ShowFace, name: str) -> None:
    window, port, _clock = show(face_named(name))
    click(window)
    window.capture_mouse()
    assert not is_captured(window)
    assert port.inputs == []


def test_a_desktop_without_mouse_capture_is_named_when_the_player_clicks(
    show: ShowFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QCursor, "setPos", lambda *_: None)
    window, port, clock = show(face_named("live-first"))
    assert "Click to take control" in words(window)
    said: list[str] = []
    window.announced.connect(said.append)
    click(window)
    assert not is_captured(window)
    assert "This desktop does not let Rejoin capture the mouse" in words(window)
    assert said == ["This desktop does not let Rejoin capture the mouse"]
    assert "Ctrl+Alt: free the mouse" not in words(window)
    assert "Click to take control" not in words(window), "a click does not help"
    press(window, Qt.Key.Key_W)
    assert port.codes == {"KeyW"}, "the keyboard is the game's all the same"
    clock.now += PROBLEM_FOR_S
    window.refresh()
    assert "This desktop does not let Rejoin capture the mouse" not in words(window)


# --- screen readers -------------------------------------------------------------------------------


def test_each_change_is_announced_once(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    heard: list[str] = []
    window.announced.connect(heard.append)
    show_snapshot(window, port, lost())
    window.refresh()
    assert heard == [
        "Connection lost. Reconnecting... Your game may still be running. "
        "Connecting to your game... At least 1:12 to get back"
    ]
    heard.clear()
    for later_s in (5.0, 13.0, 14.0, 43.0, 44.0, 63.0, 73.0, 74.0):
        clock.now = NOW + later_s
        window.refresh()
    assert heard == [
        "At least 0:59 to get back",
        "At least 0:29 to get back",
        "At least 0:09 to get back",
        "Time may be up. Still trying...",
    ]
    heard.clear()
    show_snapshot(window, port, replace(LIVE, back_at=clock()))
    assert heard == ["You're back"]
    show_snapshot(window, port, Snapshot(Stage.ENDED, ending=Ending(EndingKind.UNCONFIRMED)))
    assert heard[-1].startswith("We couldn't confirm. It may still be running.")


# --- screenshots ----------------------------------------------------------------------------------


def test_a_saved_picture_shows_the_newest_frame_and_a_finished_dimming(
    show: ShowFace, tmp_path: Path
) -> None:
    window, port, _clock = show(face_named("live"))
    port.slot.put(picture(1280, 720, bgr=(255, 255, 255)))
    assert window.save_picture(tmp_path / "live.png")
    port.publish(lost())
    QApplication.processEvents()
    assert window.save_picture(tmp_path / "lost.png")
    live, dim = QImage(str(tmp_path / "live.png")), QImage(str(tmp_path / "lost.png"))
    assert live.pixelColor(30, 300).name() == "#ffffff"
    assert 60 < dim.pixelColor(30, 300).lightness() < 150


def test_after_minimising_the_newest_frame_shows_at_once(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    window.showMinimized()
    QApplication.processEvents()
    newest = picture(1280, 720, bgr=(1, 2, 3))
    port.show(newest)
    QApplication.processEvents()
    assert window.layers.view.picture is not newest
    window.showNormal()
    assert wait_until(lambda: window.layers.view.picture is newest)
