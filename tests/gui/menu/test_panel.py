"""The panel: its entries by mouse and by keyboard, the volume, and the question before an end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import delete
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.menu.entries import MenuAction, MenuState
from rejoin.gui.menu.panel import MenuPanel
from rejoin.media.audio.volume import LOUDEST, STEP, SoundChoice


class Heard:
    def __init__(self, panel: MenuPanel) -> None:
        self.chosen: list[MenuAction] = []
        self.sounds: list[SoundChoice] = []
        self.shut = 0
        panel.chosen.connect(self.chosen.append)
        panel.sound_chosen.connect(self.sounds.append)
        panel.shut.connect(self._shut)

    def _shut(self) -> None:
        self.shut += 1


@pytest.fixture
def panel(application: QApplication) -> Iterator[MenuPanel]:
    made = MenuPanel(KeysDown())
    made.resize(360, 560)
    made.show()
    made.activateWindow()
    QCoreApplication.processEvents()
    made.show_state(MenuState())
    made.begin()
    yield made
    delete(made)


def key(which: Qt.Key) -> None:
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, which)
    QCoreApplication.processEvents()


def focused(panel: MenuPanel) -> MenuAction | None:
    return next((action for action, each in panel.buttons.items() if each.hasFocus()), None)


def test_the_arrows_and_tab_go_round_through_what_is_shown(panel: MenuPanel) -> None:
    assert focused(panel) is MenuAction.RESUME
    gone: list[MenuAction | None] = []
    for _ in range(7):
        key(Qt.Key.Key_Down)
        panel_keys(panel)
        gone.append(focused(panel))
    assert MenuAction.RECONNECT not in gone, "it is not there"
    assert gone[-1] is MenuAction.RESUME, "once round"
    key(Qt.Key.Key_Up)
    assert focused(panel) is MenuAction.END
    panel_keys(panel)
    key(Qt.Key.Key_Tab)
    assert focused(panel) is MenuAction.RESUME


def panel_keys(panel: MenuPanel) -> None:
    """What the window does with releases, which the panel passes on to it."""
    panel.keys.forget()


def test_enter_and_space_press_the_entry_once_however_long_they_are_held(panel: MenuPanel) -> None:
    heard = Heard(panel)
    key(Qt.Key.Key_Return)
    assert heard.chosen == [MenuAction.RESUME]
    button = panel.buttons[MenuAction.RESUME]
    for _ in range(3):  # repeats without Qt's flag, as on X11
        QTest.keyPress(button, Qt.Key.Key_Return)
    assert heard.chosen == [MenuAction.RESUME], "it is still held"
    panel_keys(panel)
    key(Qt.Key.Key_Down)
    panel_keys(panel)
    key(Qt.Key.Key_Space)
    assert heard.chosen == [MenuAction.RESUME, MenuAction.FULL_SCREEN]


def test_left_and_right_change_the_volume_on_its_entry(panel: MenuPanel) -> None:
    heard = Heard(panel)
    panel.show_state(MenuState(sound=SoundChoice(50)))
    panel.buttons[MenuAction.SOUND].setFocus()
    key(Qt.Key.Key_Right)
    key(Qt.Key.Key_Left)
    assert heard.sounds == [SoundChoice(50 + STEP), SoundChoice(50 - STEP)]
    assert heard.chosen == []


def test_the_slider_changes_the_volume_and_shows_it(panel: MenuPanel) -> None:
    heard = Heard(panel)
    panel.show_state(MenuState(sound=SoundChoice(40)))
    assert panel.volume.digits.text() == "40 %"
    panel.volume.slider.setValue(70)
    assert heard.sounds == [SoundChoice(70)]
    assert LOUDEST == 100, "per cent are the volume's own steps"


def test_an_end_is_asked_about_and_the_first_answer_ends_nothing(panel: MenuPanel) -> None:
    heard = Heard(panel)
    panel.buttons[MenuAction.END].click()
    assert panel.asks
    assert panel.keep.hasFocus()
    key(Qt.Key.Key_Return)
    panel_keys(panel)
    assert (panel.asks, focused(panel)) == (False, MenuAction.END)
    panel.buttons[MenuAction.END].click()
    key(Qt.Key.Key_Down)
    panel_keys(panel)
    assert panel.confirm.hasFocus()
    key(Qt.Key.Key_Return)
    assert heard.chosen == [MenuAction.END]


def test_escape_leaves_the_question_and_then_the_menu(panel: MenuPanel) -> None:
    heard = Heard(panel)
    panel.buttons[MenuAction.END].click()
    key(Qt.Key.Key_Escape)
    assert not panel.asks
    assert heard.shut == 0
    focused_now = QApplication.focusWidget()
    assert focused_now is not None
    held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(focused_now, held)
    assert heard.shut == 0, "it is held since before"
    panel_keys(panel)
    key(Qt.Key.Key_Escape)
    assert heard.shut == 1


def test_a_question_goes_when_the_game_cannot_be_ended_any_more(panel: MenuPanel) -> None:
    panel.buttons[MenuAction.END].click()
    panel.show_state(MenuState(can_end=False))
    assert not panel.asks
    assert focused(panel) is MenuAction.RESUME
    assert panel.buttons[MenuAction.END].isHidden()


def test_entries_are_named_with_their_details_for_screen_readers(panel: MenuPanel) -> None:
    panel.show_state(MenuState(full_screen=True, trouble="Connection unstable"))
    assert panel.buttons[MenuAction.FULL_SCREEN].accessibleName() == "Full screen: on"
    assert panel.buttons[MenuAction.SETTINGS].accessibleName() == "Settings"
    assert panel.subtitle.text() == "Connection unstable"


def test_keys_of_the_window_pass_through(panel: MenuPanel) -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_F11, Qt.KeyboardModifier.NoModifier)
    button = panel.buttons[MenuAction.RESUME]
    QCoreApplication.sendEvent(button, event)
    assert not event.isAccepted()
    assert not panel.keys.any, "the window notes it, and finds that it is no repeat"
