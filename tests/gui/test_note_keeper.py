"""What the notes remember from one snapshot to the next, and from one game to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.window_faces import LIVE, NOW, delete
from rejoin.core.model import Snapshot, Stage
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.note_keeper import NoteKeeper
from rejoin.gui.notes import CLICK_HINT_FOR_S, PICTURE_NOTE_FOR_S, SOUND_NOTE_FOR_S, Notes
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import KeyEvent
from rejoin.media.audio.volume import SoundChoice


class Rig:
    """The parts of a real window, with an hour of a hundred seconds."""

    def __init__(self) -> None:
        self.port, self.clock = FakePort(), FakeClock(NOW)
        self.said: list[str] = []
        self.window = RejoinWindow(self.port, WindowOptions(), clock=self.clock)
        self.window.announced.connect(self.said.append)
        self.keeper = NoteKeeper(
            self.window.layers,
            self.window.bridge,
            self.window._announcer,
            self.clock,
            can_drop=False,
            idle_limit_s=100.0,
        )

    def shown(self, snapshot: Snapshot = LIVE, *, takes_input: bool = True) -> Notes:
        return self.keeper.show(snapshot, self.window.mouse, takes_input=takes_input)

    def begin(self) -> None:
        self.keeper.follow(Stage.STARTING, LIVE)
        self.clock.now += CLICK_HINT_FOR_S


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.window.bridge.close()
    delete(made.window)


def test_a_new_game_hints_at_a_click_and_one_that_is_back_does_not(rig: Rig) -> None:
    rig.keeper.follow(Stage.STARTING, LIVE)
    assert rig.shown().note == ("Click to take control", "Ctrl+Alt+G: menu")
    rig.keeper.captured()
    assert rig.shown().note == ("", "")
    rig.keeper.follow(Stage.RECONNECTING, LIVE)
    assert rig.shown().note == ("", "")


def test_the_hour_without_input_counts_from_the_first_picture_and_from_input(rig: Rig) -> None:
    rig.begin()
    rig.keeper.follow(Stage.RECONNECTING, LIVE)  # back from a drop: that is no input
    rig.clock.now = NOW + 40.0
    assert rig.shown().limit[0].startswith("No input for")
    rig.window.bridge.send_input(KeyEvent("KeyA", "a", pressed=True, at=rig.clock.now))
    rig.clock.now += 30.0
    assert rig.shown().limit[0].startswith("No input for 0 minutes"), "seventy seconds are left"
    rig.clock.now += 15.0
    assert rig.shown().limit[1] == "Press a key or move the mouse to go on."
    assert rig.shown(takes_input=False).limit[1] == ""


def test_the_length_of_the_session_comes_from_the_snapshot(rig: Rig) -> None:
    rig.begin()
    ends = replace(LIVE, length_ends_at=rig.clock.now + 59.0)
    assert rig.shown(ends).limit[0].endswith("ends within a minute")
    assert rig.shown(replace(ends, stage=Stage.LOST)).limit == ("", "")


def test_another_game_begins_without_the_notes_of_the_last(rig: Rig) -> None:
    rig.begin()
    rig.keeper.note_picture("Saved: a.png")
    assert rig.shown().picture == "Saved: a.png"
    rig.clock.now += PICTURE_NOTE_FOR_S
    assert rig.shown().picture == ""
    assert rig.said == ["Saved: a.png"]
    rig.keeper.note_picture("Saved: b.png")
    rig.keeper.forget()
    assert rig.shown() == Notes()


def test_the_volume_is_shown_for_a_key_and_announced(rig: Rig) -> None:
    rig.keeper.change_sound(SoundChoice(50))
    assert rig.port.choices == [SoundChoice(50)]
    assert rig.shown().volume == "Volume 50 %"
    rig.clock.now += SOUND_NOTE_FOR_S
    assert rig.shown().volume == ""
    rig.keeper.choose_sound(SoundChoice(60))
    rig.keeper.choose_sound(SoundChoice(60, muted=True))
    assert rig.said == ["Volume 50 %", "Sound off"], "a slider that moves is not announced"
