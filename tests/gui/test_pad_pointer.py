"""What a pad does as a mouse reaches the game as a mouse does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_pads import FakePads
from helpers.fake_port import FakePort
from helpers.menu_scene import playing
from helpers.window_faces import destroy, wait_until
from rejoin.gamepads.in_hand import PadInHand, PadNews
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gamepads.pad_mouse import PadButton, PadIsMouse, PadMoved, PadTurned
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.pad_pointer import PLAYS
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import Button, PadState, PointerButton, PointerMove, Wheel

Scene = tuple[RejoinWindow, FakePort, FakePads]


@pytest.fixture
def scene(application: QApplication) -> Iterator[Scene]:
    pads = FakePads()
    window, port, _ = playing(options=WindowOptions(pads=pads))
    assert wait_until(lambda: pads.heard is not None)
    yield window, port, pads
    destroy(window)


def does(pads: FakePads, *acts: PadNews) -> None:
    assert pads.heard is not None
    for act in acts:
        pads.heard(act)
        QApplication.processEvents()


def test_it_moves_clicks_and_turns(scene: Scene) -> None:
    _, port, pads = scene
    port.locks_pointer = False
    does(pads, PadMoved(40.0, 20.0), PadMoved(40.0, 20.0))
    moves = [each for each in port.inputs if isinstance(each, PointerMove)]
    assert moves[-1].x - moves[0].x == 40.0
    does(pads, PadButton(Button.LEFT, True), PadButton(Button.LEFT, False), PadTurned(0, -120))
    clicks = [each.pressed for each in port.inputs if isinstance(each, PointerButton)]
    assert clicks == [True, False]
    assert [each.turn_y for each in port.inputs if isinstance(each, Wheel)] == [-120]


def test_a_captured_mouse_is_moved_too(scene: Scene) -> None:
    window, port, pads = scene
    window.capture_mouse()
    does(pads, PadMoved(30.0, 0.0))
    assert port.travel[0] == pytest.approx(30.0)


def test_what_the_pad_is_now_is_said(scene: Scene) -> None:
    window, _, pads = scene
    said: list[str] = []
    window.announced.connect(said.append)
    does(pads, PadInHand(PadKind.PLAYSTATION_4), PadIsMouse(True, PadState(0, True)))
    window.refresh()
    is_mouse = "The gamepad is a mouse now. Hold OPTIONS to play with it again."
    assert window.layers.corners.picture.text() == is_mouse
    does(pads, PadIsMouse(False, PadState(0, True)))
    assert said == [is_mouse, PLAYS]


def test_while_the_menu_is_open_nothing_of_it_reaches_the_game(scene: Scene) -> None:
    window, port, pads = scene
    window.menu.toggle()
    before = len(port.inputs)
    does(pads, PadMoved(40.0, 20.0), PadButton(Button.LEFT, True), PadTurned(0, 120))
    assert len(port.inputs) == before
