"""The sign over the picture, and the keys of the microphone, in a whole window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from helpers.cut_texts import cut_texts
from helpers.fake_port import FakeClock, FakePort, picture
from helpers.settings_page import usual_theme
from helpers.window_faces import LIVE, NOW, destroy
from rejoin.core.model import HealthLevel, Snapshot, Stage
from rejoin.gamepads.in_hand import PadInHand
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gui import hand, theme
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.menu.panel import MenuButton
from rejoin.gui.roles import Appearance
from rejoin.gui.window_options import WindowOptions
from rejoin.media.audio.microphone import DeviceState
from rejoin.runtime.microphone import PlayerMicrophone
from rejoin.runtime.microphone_states import (
    Live,
    MicrophoneChoices,
    MicrophoneMode,
    Muted,
    Shut,
    Waiting,
    Why,
)


class OpenDevice:
    """A device that is open at once."""

    level_dbfs = -20.0
    state = DeviceState.OPEN
    sends = False

    def __init__(self, **_: Any) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...

    def stop(self) -> None: ...


class Played:
    """A window with a game whose microphone is as the player chose."""

    def __init__(
        self,
        mode: MicrophoneMode,
        *,
        drop_again: Callable[[], None] | None = None,
        **more: Any,
    ) -> None:
        self.port, self.clock = FakePort(), FakeClock(NOW)
        choices = MicrophoneChoices(mode, in_background=True)
        self.port.microphone = PlayerMicrophone(
            choices,
            allowed=True,
            make=OpenDevice,  # type: ignore[arg-type]
            **more,
        )
        self.window = RejoinWindow(
            self.port, WindowOptions(drop_again=drop_again), clock=self.clock
        )
        self.said: list[str] = []
        self.window.announced.connect(self.said.append)
        self.window.resize(1280, 720)
        self.window.show()
        self.port.show(picture(1280, 720))
        self.is_at(LIVE)

    def is_at(self, snapshot: Snapshot) -> None:
        self.port.microphone._change(stage=snapshot.stage)
        self.port.publish(snapshot)
        QApplication.processEvents()
        self.window.refresh()

    @property
    def state(self) -> Any:
        return self.port.microphone.state

    @property
    def sign(self) -> str:
        pill = self.window.layers.corners.microphone
        return "" if pill.isHidden() else pill.text()

    def key(self, key: Qt.Key, *, pressed: bool = True, repeated: bool = False) -> None:
        kind = QEvent.Type.KeyPress if pressed else QEvent.Type.KeyRelease
        event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, "", repeated)
        QApplication.sendEvent(self.window, event)


@pytest.fixture
def open_(application: QApplication) -> Iterator[list[Played]]:
    made: list[Played] = []
    yield made
    for each in made:
        destroy(each.window)


def test_the_sign_is_there_exactly_while_it_is_open(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OPEN))
    assert it.state == Live()
    assert it.sign == "Microphone on"
    assert "Microphone on" in it.said
    it.is_at(Snapshot(Stage.LOST))
    assert it.state == Shut(Why.LOST)
    assert it.sign == ""
    it.is_at(LIVE)
    assert it.sign == "Microphone on"


def test_keys_mute_and_unmute_it(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OPEN))
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    QTest.keyClick(it.window, Qt.Key.Key_V, both)
    assert it.state == Muted()
    assert it.sign == "Microphone muted Ctrl+Alt+V: microphone on"
    assert it.said[-1] == "Microphone muted"
    it.clock.now += 5
    it.window.refresh()
    assert it.sign == ""
    QTest.keyClick(it.window, Qt.Key.Key_V, both)
    assert it.state == Live()


def test_one_that_begins_muted_says_so(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OPEN, begins_muted=True))
    assert it.sign == "Microphone muted Ctrl+Alt+V: microphone on"


def test_push_to_talk_lasts_as_long_as_its_key_and_releases_nothing(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.PUSH_TO_TALK))
    assert it.sign == "Hold ScrollLock to talk"
    it.key(Qt.Key.Key_W)
    assert it.port.codes == {"KeyW"}
    it.key(Qt.Key.Key_ScrollLock)
    it.key(Qt.Key.Key_ScrollLock, repeated=True)
    assert it.state == Live()
    assert it.sign == "Microphone on"
    assert it.port.codes == {"KeyW"}, "who talks may run on"
    it.key(Qt.Key.Key_ScrollLock, pressed=False)
    assert it.state == Waiting()
    assert it.port.codes == {"KeyW"}
    assert it.said.count("Microphone on") == 0, "not at each word"


def test_without_a_microphone_its_keys_are_the_games(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OFF))
    it.key(Qt.Key.Key_ScrollLock)
    assert it.port.codes == {"ScrollLock"}
    assert it.sign == ""


def test_the_menu_mutes_it(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OPEN))
    it.window.menu.toggle()
    entry = it.window.layers.menu.panel.buttons[MenuAction.MICROPHONE]
    assert entry.isVisible()
    assert it.sign == ""
    QTest.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert it.port.microphone.muted
    QTest.mouseClick(entry, Qt.MouseButton.LeftButton)
    it.window.menu.resume()
    assert it.state == Live()


def test_without_a_microphone_the_menu_has_no_entry_for_it(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OFF))
    it.window.menu.toggle()
    assert not it.window.layers.menu.panel.buttons[MenuAction.MICROPHONE].isVisible()


def test_with_a_pad_in_hand_the_pads_own_button_is_named(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.PUSH_TO_TALK))
    assert it.sign == "Hold ScrollLock to talk"
    for pad, name in (
        (PadInHand(PadKind.PLAYSTATION_5, has_misc=True), "Mic button"),
        (PadInHand(PadKind.SWITCH), "Minus and left stick (pressed)"),
    ):
        hand.pad_is(pad)
        hand.pad_pressed(it.window)
        it.window.refresh()
        assert it.sign == f"Hold {name} to talk"
    hand.keys_pressed()
    it.window.refresh()
    assert it.sign == "Hold ScrollLock to talk"


def test_with_a_pad_in_hand_the_way_back_from_muted_is_the_pads(open_: list[Played]) -> None:
    open_.append(it := Played(MicrophoneMode.OPEN))
    hand.pad_is(PadInHand(PadKind.XBOX, has_misc=True))
    hand.pad_pressed(it.window)
    it.port.microphone.press(True)
    it.window.refresh()
    assert it.sign == "Microphone muted Share: microphone on"


@pytest.mark.parametrize("language", ["en", "de", "ja", "pseudo"])
def test_with_every_hint_and_entry_no_text_of_twice_the_size_is_cut(
    application: QApplication, open_: list[Played], language: str
) -> None:
    troubled = replace(
        LIVE,
        can_reconnect=True,
        can_terminate=True,
        health=HealthLevel.NO_MEDIA,
        trouble_since_at=NOW - 3.0,
    )
    with usual_theme(application):
        theme.apply(application, Appearance(text_percent=200, language=language))
        open_.append(it := Played(MicrophoneMode.PUSH_TO_TALK, drop_again=lambda: None))
        window = it.window
        window.resize(1024, 600)
        hand.pad_is(PadInHand(PadKind.SWITCH))
        hand.pad_pressed(window)
        it.is_at(troubled)
        window.capture_mouse()
        for _ in range(4):  # what is wrapped makes others move
            window.refresh()
            QTest.qWait(50)
        shown = {text for text in map(QLabel.text, visible_labels(window)) if text}
        assert len(shown) >= 5, shown
        assert cut_texts(window) == []
        window.menu.toggle()
        for _ in range(4):
            window.refresh()
            QTest.qWait(50)
        assert len(window.layers.menu.panel.findChildren(MenuButton)) > 7
        assert cut_texts(window.layers.menu) == []


def visible_labels(window: RejoinWindow) -> list[QLabel]:
    return [each for each in window.findChildren(QLabel) if each.isVisible()]
