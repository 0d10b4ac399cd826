"""What is next in a direction, on screens as Rejoin has them."""

from __future__ import annotations

from PySide6.QtCore import QRect

from rejoin.gamepads.navigation import PadPress
from rejoin.gui.focus_moves import nearest

GRID = [
    QRect(32 + 276 * column, 100 + 201 * row, 260, 185) for row in (0, 1) for column in range(3)
]


def test_in_a_grid_each_direction_leads_to_the_neighbour() -> None:
    middle = GRID[1]
    assert nearest(GRID, middle, PadPress.LEFT) == 0
    assert nearest(GRID, middle, PadPress.RIGHT) == 2
    assert nearest(GRID, middle, PadPress.DOWN) == 4
    assert nearest(GRID, middle, PadPress.UP) is None
    assert nearest(GRID, GRID[5], PadPress.RIGHT) is None


def test_what_is_straight_ahead_goes_before_what_is_nearer_but_beside() -> None:
    here = QRect(100, 100, 50, 30)
    ahead, beside = QRect(100, 220, 50, 30), QRect(260, 140, 50, 30)
    assert nearest([beside, ahead], here, PadPress.DOWN) == 1


def test_from_a_list_at_the_side_right_leads_into_the_rows_and_left_back() -> None:
    side = QRect(16, 60, 216, 500)
    rows = [QRect(900, 90 + 60 * row, 60, 34) for row in range(8)]
    assert nearest([side, *rows], side, PadPress.RIGHT) in range(1, 9)
    assert nearest([side, *rows], rows[3], PadPress.LEFT) == 0
    assert nearest([side, *rows], rows[3], PadPress.DOWN) == 5


def test_a_small_button_on_a_card_is_reached_sideways_alone() -> None:
    card, small = QRect(32, 100, 260, 185), QRect(250, 108, 34, 30)
    below = QRect(32, 301, 260, 185)
    places = [card, small, below]
    assert nearest(places, card, PadPress.RIGHT) == 1
    assert nearest(places, card, PadPress.UP) is None
    assert nearest(places, card, PadPress.DOWN) == 2
    assert nearest(places, small, PadPress.LEFT) == 0


def test_sideways_leads_nowhere_else_but_up_leads_to_what_is_there() -> None:
    last, corner = QRect(600, 200, 260, 185), QRect(1100, 14, 90, 40)
    assert nearest([corner], last, PadPress.RIGHT) is None
    assert nearest([corner], last, PadPress.UP) == 0
