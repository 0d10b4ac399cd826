"""A pad as a mouse: how it is switched, how fast it moves, and what the game sees of it."""

from __future__ import annotations

from rejoin.gamepads.navigation import MENU, VIEW
from rejoin.gamepads.pad_mouse import (
    FASTEST_PX_S,
    HOLD_S,
    NOTCH,
    PadAct,
    PadButton,
    PadIsMouse,
    PadMouse,
    PadMoved,
    PadTurned,
)
from rejoin.input_events.events import Button, PadState


def pad(*pressed: int, axes: tuple[float, float, float, float] = (0.0,) * 4) -> PadState:
    return PadState(0, True, "pad", tuple(float(at in pressed) for at in range(17)), axes)


class Player:
    def __init__(self, *, enabled: bool = True) -> None:
        self.mouse = PadMouse(enabled)
        self.now = 100.0
        self.plays = True
        self.does(pad())

    def does(self, state: PadState) -> list[PadAct]:
        return self.mouse.put(state, plays=self.plays)

    def waits(self, for_s: float) -> list[PadAct]:
        found: list[PadAct] = []
        for _ in range(round(for_s / 0.004)):
            self.now += 0.004
            found += self.mouse.tick(self.now, plays=self.plays)
        return found

    def switches(self) -> list[PadAct]:
        self.does(pad(MENU))
        found = self.waits(HOLD_S + 0.02)
        self.does(pad())
        return found

    @property
    def is_mouse(self) -> bool:
        return self.mouse.is_mouse(0)


def test_menu_held_alone_switches_and_switches_back() -> None:
    player = Player()
    assert player.switches() == [PadIsMouse(True, pad(MENU))]
    assert player.mouse.is_mouse(0)
    assert player.switches() == [PadIsMouse(False, pad(MENU))]
    assert not player.is_mouse


def test_one_press_switches_once_and_the_game_does_not_see_its_end() -> None:
    player = Player()
    player.switches()
    player.does(pad(MENU))
    assert player.waits(5.0) == [PadIsMouse(False, pad(MENU))]
    assert player.mouse.is_mouse(0), "Menu is still held"
    player.does(pad())
    player.waits(0.01)
    assert not player.is_mouse


def test_a_short_press_and_the_chord_switch_nothing() -> None:
    player = Player()
    player.does(pad(MENU))
    assert player.waits(HOLD_S - 0.1) == []
    player.does(pad(MENU, VIEW))
    assert player.waits(3.0) == []
    assert not player.is_mouse


def test_not_enabled_it_is_a_gamepad() -> None:
    player = Player(enabled=False)
    assert player.switches() == []
    assert not player.is_mouse


def test_either_stick_moves_the_pointer_faster_the_further_it_is() -> None:
    player = Player()
    player.switches()
    ways = {}
    for tilt in (0.25, 0.5, 1.0):
        player.does(pad(axes=(tilt, 0.0, 0.0, 0.0)))
        player.waits(0.1)
        moves = player.waits(1.0)
        assert all(isinstance(move, PadMoved) and move.dy == 0.0 for move in moves)
        ways[tilt] = sum(move.dx for move in moves if isinstance(move, PadMoved))
    assert abs(ways[1.0] - FASTEST_PX_S) < 0.05 * FASTEST_PX_S
    assert abs(ways[0.5] * 4 - ways[1.0]) < 0.05 * ways[1.0]
    assert abs(ways[0.25] * 16 - ways[1.0]) < 0.05 * ways[1.0]
    player.does(pad(axes=(0.0, 0.0, 0.0, -1.0)))
    up = player.waits(0.1)
    assert up
    assert all(isinstance(move, PadMoved) and move.dy < 0 for move in up)
    player.does(pad())
    assert player.waits(1.0) == []


def test_buttons_click_and_the_cross_turns_the_wheel() -> None:
    player = Player()
    player.switches()
    assert player.does(pad(0)) == [PadButton(Button.LEFT, True)]
    assert player.does(pad(0, 1)) == [PadButton(Button.RIGHT, True)]
    assert player.does(pad(2)) == [
        PadButton(Button.MIDDLE, True),
        PadButton(Button.LEFT, False),
        PadButton(Button.RIGHT, False),
    ]
    player.does(pad())
    assert player.does(pad(12)) == [PadTurned(0, NOTCH)]
    assert player.does(pad(15)) == [PadTurned(NOTCH, 0)]
    assert player.does(pad(7)) == [], "others are nothing"


def test_what_is_clicked_is_released_when_it_is_switched_back_or_pulled_out() -> None:
    player = Player()
    player.switches()
    player.does(pad(0))
    player.does(pad(0, MENU))
    assert PadButton(Button.LEFT, False) in player.waits(HOLD_S + 0.02)
    again = Player()
    again.switches()
    again.does(pad(0))
    assert again.does(PadState(0, False)) == [PadButton(Button.LEFT, False)]


def test_over_a_card_it_moves_nothing() -> None:
    player = Player()
    player.switches()
    player.plays = False
    assert player.does(pad(0, axes=(1.0, 0.0, 0.0, 0.0))) == []
    assert player.waits(1.0) == []


def test_switched_off_in_the_settings_it_lets_go_and_the_pad_plays() -> None:
    player = Player()
    player.switches()
    player.does(pad(0))
    assert player.mouse.enable(False) == [PadButton(Button.LEFT, False)]
    assert not player.is_mouse
    assert player.mouse.enable(True) == []
    assert not player.is_mouse, "until Menu is held again"


def test_menu_held_with_another_button_is_for_the_game() -> None:
    player = Player()
    player.does(pad(0, MENU))
    assert player.waits(3.0) == []
    player.does(pad(MENU))
    assert player.waits(HOLD_S - 0.1) == [], "alone only from now on"
    assert player.waits(0.2) == [PadIsMouse(True, pad(MENU))]


def test_the_chord_of_the_menu_does_not_switch_a_mouse_back() -> None:
    player = Player()
    player.switches()
    player.does(pad(MENU, VIEW))
    assert player.waits(3.0) == []
    assert player.is_mouse
