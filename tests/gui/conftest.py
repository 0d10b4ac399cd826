"""One QApplication for all tests; a test fails on anything that Qt warns about."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from helpers.window_faces import Face, ShowFace, Shown, delete, destroy, show_face
from rejoin.gamepads.in_hand import PadInHand
from rejoin.gui import hand
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application

# What the offscreen plugin cannot do; it warns each time.
EXPECTED = {
    "This plugin does not support grabbing the keyboard",
    "This plugin does not support grabbing the mouse",
    "This plugin does not support raise()",
    "This plugin does not support propagateSizeHints()",
}


@pytest.fixture(autouse=True)
def qt_messages() -> Iterator[list[str]]:
    """What Qt warned about; must be empty at the end."""
    said: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if message not in EXPECTED:
            said.append(f"{kind.name}: {message}")

    before = qInstallMessageHandler(hear)
    try:
        yield said
    finally:
        qInstallMessageHandler(before)
    assert said == []


@pytest.fixture(autouse=True, scope="module")
def windows_go_with_their_file() -> Iterator[None]:
    """What a file's tests left is deleted: each change of theme visits all widgets there are, and
    tests of many files in one process became many times slower."""
    yield
    application = QApplication.instance()
    if isinstance(application, QApplication):
        for widget in application.topLevelWidgets():
            if isValid(widget):
                delete(widget)
    gc.collect()


@pytest.fixture(autouse=True)
def hand_on_the_keyboard() -> Iterator[None]:
    """As at the start of a program."""
    yield
    hand.keys_pressed()
    hand.swap_buttons(False)
    hand.pad_is(PadInHand())


@pytest.fixture
def private_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings, games and tickets of this test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def application(qt_messages: list[str]) -> QApplication:
    return make_application()


@pytest.fixture
def show(application: QApplication) -> Iterator[ShowFace]:
    """`show(face, size)`: a window with this face, destroyed at the end."""
    shown: list[RejoinWindow] = []

    def show_it(face: Face, size: tuple[int, int] = (1280, 720)) -> Shown:
        made = show_face(face, size)
        shown.append(made[0])
        return made

    yield show_it
    for window in shown:
        destroy(window)
