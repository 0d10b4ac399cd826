"""When the desktop's keys are taken for the game, and when they are given back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import delete
from rejoin.gui.control_options import SystemKeysMode
from rejoin.gui.system_keys import SystemKeys


class Compositor:
    """Inhibits its shortcuts, unless it cannot."""

    def __init__(self, *, can: bool = True) -> None:
        self.can = can
        self.inhibited: list[bool] = []

    def inhibit_shortcuts(self, window: QWidget) -> bool:
        self.inhibited.append(True)
        return self.can

    def allow_shortcuts(self) -> None:
        self.inhibited.append(False)


def taken(keys: SystemKeys) -> bool:
    return keys.taken


@pytest.fixture
def window(application: QApplication) -> Iterator[QWidget]:
    made = QWidget()
    made.show()
    yield made
    delete(made)


def test_they_are_taken_while_the_game_may_have_them(window: QWidget) -> None:
    compositor = Compositor()
    keys = SystemKeys(window, SystemKeysMode.ALWAYS, compositor)
    keys.update(may=False)
    assert not taken(keys)
    keys.update(may=True)
    keys.update(may=True)
    assert taken(keys)
    keys.update(may=False)
    keys.update(may=False)
    assert not taken(keys)
    assert compositor.inhibited == [True, False]


def test_off_means_never_and_full_screen_means_there_alone(window: QWidget) -> None:
    compositor = Compositor()
    SystemKeys(window, SystemKeysMode.OFF, compositor).update(may=True)
    keys = SystemKeys(window, SystemKeysMode.FULL_SCREEN, compositor)
    keys.update(may=True)
    assert compositor.inhibited == []
    window.showFullScreen()
    keys.update(may=True)
    assert taken(keys)
    window.showNormal()
    keys.update(may=True)
    assert not taken(keys)


def test_the_player_takes_them_back_until_the_next_click(window: QWidget) -> None:
    keys = SystemKeys(window, SystemKeysMode.ALWAYS, Compositor())
    keys.release()
    keys.update(may=True)
    assert taken(keys), "there was nothing to give back"
    keys.release()
    assert not taken(keys)
    keys.update(may=True)
    assert not taken(keys)
    keys.clicked()
    keys.update(may=True)
    assert taken(keys)


def test_a_desktop_that_cannot_is_not_claimed_to(window: QWidget) -> None:
    keys = SystemKeys(window, SystemKeysMode.ALWAYS, Compositor(can=False))
    keys.update(may=True)
    assert not taken(keys)
    without = SystemKeys(window, SystemKeysMode.ALWAYS)
    without.update(may=True)  # Qt's offscreen platform
    assert not without.taken
