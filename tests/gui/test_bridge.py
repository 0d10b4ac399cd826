"""The bridge between threads: in order, on the right thread, nothing after close."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakePort, on_another_thread, picture
from helpers.window_faces import LIVE, lost
from rejoin.core.events import TryNowRequested
from rejoin.core.model import Snapshot, Stage
from rejoin.gui.bridge import Bridge
from rejoin.input_events.events import KeyEvent, PadState, ReleaseAll, View
from rejoin.input_events.wishes import CursorWish, FullScreenWish, PointerLockWish, VibrationWish
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.video.picture import ViewHints


@pytest.fixture
def port(application: QApplication) -> FakePort:
    return FakePort()


def test_snapshots_arrive_in_order_on_the_gui_thread(
    application: QApplication, port: FakePort
) -> None:
    heard: list[tuple[Snapshot, bool]] = []
    bridge = Bridge(port)
    bridge.snapshot_changed.connect(
        lambda s: heard.append((s, QThread.currentThread() is application.thread()))
    )
    bridge.open()
    sent = [Snapshot(Stage.IDLE), Snapshot(Stage.STARTING), LIVE, lost()]
    on_another_thread(lambda: [port.listeners[0](snapshot) for snapshot in sent])
    assert heard == []
    application.processEvents()
    assert heard == [(snapshot, True) for snapshot in sent]
    bridge.close()


def test_several_wake_ups_become_one_signal_and_the_newest_picture_wins(
    application: QApplication, port: FakePort
) -> None:
    woken: list[int] = []
    bridge = Bridge(port)
    bridge.open()
    application.processEvents()
    bridge.picture_ready.connect(lambda: woken.append(1))
    for number in range(5):
        port.show(picture(4, 4))
        if number % 2:
            bridge.take_picture()
    newest = picture(4, 4)
    port.show(newest)
    application.processEvents()
    assert len(woken) == 1
    assert bridge.take_picture() is newest
    port.show(picture(4, 4))
    application.processEvents()
    assert len(woken) == 2
    bridge.close()


def test_a_picture_already_in_the_slot_is_announced(
    application: QApplication, port: FakePort
) -> None:
    port.slot.put(picture(4, 4))
    woken: list[int] = []
    bridge = Bridge(port)
    bridge.picture_ready.connect(lambda: woken.append(1))
    bridge.open()
    application.processEvents()
    assert woken == [1]
    bridge.close()


def test_after_close_nothing_passes_in_either_direction(
    application: QApplication, port: FakePort
) -> None:
    heard: list[object] = []
    bridge = Bridge(port)
    bridge.snapshot_changed.connect(heard.append)
    bridge.picture_ready.connect(lambda: heard.append("picture"))
    bridge.open()
    late, late_wish = port.listeners[0], port.wish_listeners[0]
    bridge.wished.connect(heard.append)
    on_another_thread(lambda: late_wish(PointerLockWish(True)))
    filled = port.slot.on_filled
    assert filled is not None
    on_another_thread(lambda: late(LIVE))
    on_another_thread(filled)
    bridge.close()
    bridge.close()
    assert port.listeners == []
    assert port.wish_listeners == []
    on_another_thread(lambda: late_wish(PointerLockWish(False)))
    assert port.slot.on_filled is None
    on_another_thread(lambda: late(lost()))
    on_another_thread(filled)
    application.processEvents()
    bridge.post(TryNowRequested())
    bridge.send_input(ReleaseAll())
    assert heard == []
    assert port.events == []
    assert port.inputs == []
    assert bridge.problem() is None


def test_a_vibration_is_none_of_the_windows_business(
    application: QApplication, port: FakePort
) -> None:
    heard: list[object] = []
    bridge = Bridge(port)
    bridge.wished.connect(heard.append)
    bridge.open()
    bridge._on_wish(port, VibrationWish(0, 1.0, 1.0, 1.0))
    bridge._on_wish(port, CursorWish("none"))
    application.processEvents()
    assert heard == [CursorWish("none")]
    bridge.close()


def test_another_game_takes_the_place_of_one_that_is_over(
    application: QApplication, port: FakePort
) -> None:
    """What is still under way from the old one is dropped, also if it arrives after the change."""
    heard: list[object] = []
    bridge = Bridge(port)
    bridge.snapshot_changed.connect(heard.append)
    bridge.wished.connect(heard.append)
    bridge.open()
    late, late_wish = port.listeners[0], port.wish_listeners[0]
    bridge.send_input(KeyEvent("KeyA", "a", pressed=True, at=7.0))
    on_another_thread(lambda: late(LIVE))
    on_another_thread(lambda: late_wish(CursorWish("none")))
    bridge.set_view_hints(ViewHints(size=(640, 360)))
    bridge.close()
    again = FakePort()
    bridge.reopen(again)
    on_another_thread(lambda: late_wish(CursorWish("none")))
    application.processEvents()
    assert heard == []
    assert bridge.input_at is None
    assert again.slot.hints == ViewHints(size=(640, 360)), "the view has the size it had"
    again.publish(lost())
    again.wish(PointerLockWish(True))
    bridge.post(TryNowRequested())
    application.processEvents()
    assert heard == [lost(), PointerLockWish(True)]
    assert (port.events, again.events) == ([], [TryNowRequested()])
    bridge.close()
    assert again.listeners == []


def test_it_knows_when_the_player_last_did_something(port: FakePort) -> None:
    bridge = Bridge(port)
    known = [bridge.input_at]
    for event in (View(), ReleaseAll(5.0), PadState(0, True, at=6.0)):
        bridge.send_input(event)
        known.append(bridge.input_at)
    bridge.close()
    bridge.send_input(KeyEvent("KeyA", "a", pressed=True, at=8.0))
    assert [*known, bridge.input_at] == [None, None, None, 6.0, 6.0]


def test_no_lock_is_held_while_signals_are_emitted(
    application: QApplication, port: FakePort
) -> None:
    bridge = Bridge(port)
    free: list[bool] = []

    def try_lock() -> None:
        free.append(bridge._lock.acquire(blocking=False))
        bridge._lock.release()

    bridge._picture_arrived.connect(lambda: on_another_thread(try_lock))
    bridge.picture_ready.connect(lambda: on_another_thread(try_lock))
    bridge.open()
    application.processEvents()
    assert free == [True, True]
    bridge.close()


def test_no_snapshot_from_many_threads_is_lost(application: QApplication, port: FakePort) -> None:
    heard: list[object] = []
    bridge = Bridge(port)
    bridge.snapshot_changed.connect(heard.append)
    bridge.open()
    threads = [
        threading.Thread(target=lambda: [port.listeners[0](LIVE) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    application.processEvents()
    assert len(heard) == 800
    bridge.close()


def test_a_flood_of_wishes_is_one_wake_up_and_the_newest_of_each_kind(
    application: QApplication, port: FakePort
) -> None:
    bridge = Bridge(port)
    heard: list[object] = []
    woken: list[int] = []
    bridge.wished.connect(heard.append)
    bridge._wish_arrived.connect(lambda: woken.append(1))
    bridge.open()

    def flood() -> None:
        for number in range(1000):
            port.wish_listeners[0](CursorWish(f"{number}"))
            port.wish_listeners[0](PointerLockWish(number % 2 == 0))
        port.wish_listeners[0](FullScreenWish(True))

    on_another_thread(flood)
    application.processEvents()
    assert heard == [CursorWish("999"), PointerLockWish(False), FullScreenWish(True)]
    assert woken == [1]
    on_another_thread(lambda: port.wish_listeners[0](CursorWish("none")))
    application.processEvents()
    assert heard[-1] == CursorWish("none")
    bridge.close()


def test_input_is_passed_on_in_order() -> None:
    port = FakePort()
    bridge = Bridge(port)
    press = KeyEvent("KeyW", "w", True)
    for event in (View(), press, ReleaseAll()):
        bridge.send_input(event)
    assert (port.views, port.inputs) == ([View()], [press, ReleaseAll()])
    bridge.close()


def test_the_volume_is_passed_on_until_close() -> None:
    port = FakePort()
    bridge = Bridge(port)
    bridge.set_sound(SoundChoice(40))
    assert bridge.sound() == SoundChoice(40)
    bridge.close()
    bridge.set_sound(SoundChoice(90))
    assert port.choices == [SoundChoice(40)]
