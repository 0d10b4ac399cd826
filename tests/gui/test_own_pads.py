"""Gamepads in a window that is no game's, by a virtual pad of SDL's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from helpers.virtual_pads import DPAD_LEFT, A, VirtualPad
from helpers.window_faces import delete, wait_until
from rejoin.errors import BadInputError
from rejoin.gamepads import sdl_library
from rejoin.gui import own_pads
from rejoin.gui.confirmation import question_box
from rejoin.gui.own_pads import pads_in
from rejoin.runtime.player_settings import PlayerSettings

PATIENCE_S = 30.0


def test_a_pad_answers_a_question(application: QApplication) -> None:
    box = question_box("Connect to it?")
    box.show()
    box.activateWindow()
    sdl = sdl_library.load()
    yes = box.button(QMessageBox.StandardButton.Yes)
    with pads_in(box, PlayerSettings()):
        used = sdl_library.INIT_GAMECONTROLLER
        assert wait_until(lambda: bool(sdl.SDL_WasInit(used)), PATIENCE_S)
        pad = VirtualPad()
        assert wait_until(lambda: bool(sdl.SDL_JoystickFromInstanceID(pad.instance)), PATIENCE_S)

        def reached() -> bool:
            pad.press(DPAD_LEFT)
            wait_until(yes.hasFocus, 0.3)
            pad.release(DPAD_LEFT)
            wait_until(yes.hasFocus, 0.2)
            return yes.hasFocus()

        assert wait_until(reached, PATIENCE_S)
        pad.press(A)
        assert wait_until(lambda: box.clickedButton() is yes, PATIENCE_S)
        pad.unplug()
    delete(box)


def test_gamepads_that_are_off_are_not_read(application: QApplication) -> None:
    box = question_box("Connect to it?")
    with pads_in(box, PlayerSettings(gamepads=False)) as pads:
        pads.listen(lambda press: None)
        assert pads.problem is None
        assert not pads.reading
    delete(box)


def test_the_players_own_mappings_stand_beside_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(own_pads, "settings_folder", lambda: tmp_path)
    assert own_pads.mappings_path() == tmp_path / "gamecontrollerdb.txt"

    def nowhere() -> Path:
        raise BadInputError("There is no home folder.")

    monkeypatch.setattr(own_pads, "settings_folder", nowhere)
    assert own_pads.mappings_path() is None
