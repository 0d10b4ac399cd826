"""The menu over a game in a test: a minute of numbers with a drop in it, and real key presses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import LIVE, NOW, destroy, lost
from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.menu.history import History
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.page import SettingsPage
from rejoin.gui.window_options import WindowOptions
from rejoin.media.statistics import StreamStatistics

DROP_S = (22.0, 17.0)
"""So long ago the drop of `fill` began, and ended."""
CTRL_ALT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


def numbers(at: float) -> StreamStatistics:
    """What was measured at this second: every value has a wave of its own."""
    return StreamStatistics(
        ConnectionNumber(1),
        bitrate_bps=(9.0 + math.sin(at / 5)) * 1e6,
        painted_fps=60.0 - 3.0 * (round(at) % 7 == 0),
        loss=0.004 * (round(at) % 9 == 0),
        rtt_s=0.023 + 0.002 * math.sin(at),
        jitter_buffer_ms=8.0 + 3.0 * math.sin(at / 3),
        frame_age_s=0.014 + 0.003 * math.cos(at),
    )


def fill(history: History, now: float = NOW) -> None:
    """A minute of samples, with a drop of five seconds."""
    began_at, ended_at = (now - ago for ago in DROP_S)
    for second in range(60):
        at = now - 59.0 + second
        if at == began_at:
            history.follow(lost(dropped_at=began_at), at)
        elif at == ended_at:
            history.follow(LIVE, at)
        if not began_at <= at < ended_at:
            history.tick(at, lambda at=at: numbers(at), live=True)  # type: ignore[misc]


def playing(
    size: tuple[int, int] = (1280, 720),
    *,
    settings: Path | None = None,
    options: WindowOptions = WindowOptions(),  # noqa: B008 frozen
    port: FakePort | None = None,
    clock: Clock | None = None,
) -> tuple[RejoinWindow, FakePort, FakeClock]:
    """A window with a live game and a minute behind it. `settings`: its file, which need not
    exist. `clock`: None: the one that is returned."""
    port, fake_clock = port or FakePort(), FakeClock(NOW)
    options = replace(options, settings=FollowedSettings(settings))
    window = RejoinWindow(port, options, clock=clock or fake_clock)
    window.resize(*size)
    window.show()
    window.activateWindow()
    QCoreApplication.processEvents()
    port.show(picture(1280, 720))
    port.publish(LIVE)
    QCoreApplication.processEvents()
    fill(window.layers.history)
    return window, port, fake_clock


def press(window: RejoinWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """Press and release a key where the focus is."""
    target = QApplication.focusWidget() or window
    held = Qt.KeyboardModifier.NoModifier if modifiers is None else modifiers
    QTest.keyClick(target, key, held)
    QCoreApplication.processEvents()


def open_menu(window: RejoinWindow) -> None:
    """By its shortcut."""
    press(window, Qt.Key.Key_G, CTRL_ALT)
    assert window.menu.is_open


def menu_pages(size: tuple[int, int]) -> Iterator[tuple[str, RejoinWindow]]:
    """The menu, its charts and its question, shown one after another."""
    window, _, _ = playing(size)
    panel = window.layers.menu.panel
    window.menu.toggle()
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("menu", panel.take_focus),
        ("menu-statistics", lambda: window.layers.menu.show_statistics(True)),
        ("menu-end-question", panel.buttons[MenuAction.END].click),
    )
    for name, show in steps:
        show()
        window.refresh()
        QCoreApplication.processEvents()
        yield name, window
    destroy(window)


def save_menu_pages(folder: Path, size: tuple[int, int]) -> int:
    """Save the menu, its charts, its question and its settings as PNG; how many pictures."""
    window, _, _ = playing(size, settings=folder / "no-such-settings.toml")
    panel = window.layers.menu.panel

    def save(name: str) -> None:
        window.refresh()
        QCoreApplication.processEvents()
        window.save_picture(folder / f"{name}.png")

    window.menu.toggle()
    save("menu")
    window.layers.menu.show_statistics(True)
    save("menu-statistics")
    panel.buttons[MenuAction.END].click()
    save("menu-end-question")
    panel.close_question()
    panel.buttons[MenuAction.SETTINGS].click()
    page = window.layers.menu.page
    if isinstance(page, SettingsPage):
        page.show_section("controls")
    save("menu-settings")
    destroy(window)
    return 4
