"""SDL's numbers become the W3C's: order, ranges, dead zone, swapped buttons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.standard import BUTTONS, axes_of, buttons_of, stick

REST = (0,) * 6
PLAIN = PadChoices(dead_zone=0.0)

ORDER = {
    "a": (0, 0),
    "b": (1, 1),
    "x": (2, 2),
    "y": (3, 3),
    "back": (4, 8),
    "guide": (5, 16),
    "start": (6, 9),
    "left stick": (7, 10),
    "right stick": (8, 11),
    "left shoulder": (9, 4),
    "right shoulder": (10, 5),
    "up": (11, 12),
    "down": (12, 13),
    "left": (13, 14),
    "right": (14, 15),
}
"""SDL_GameControllerButton, and the place in https://www.w3.org/TR/gamepad/#remapping."""


@pytest.mark.parametrize("name", ORDER)
def test_each_button_has_its_place_in_the_standard_gamepad(name: str) -> None:
    sdl, standard = ORDER[name]
    found = buttons_of({sdl}, REST, PLAIN)
    assert len(found) == BUTTONS
    assert [at for at, value in enumerate(found) if value] == [standard]


def test_buttons_that_the_standard_gamepad_has_not_are_left_out() -> None:
    assert not any(buttons_of(range(15, 21), REST, PLAIN))


def test_triggers_are_buttons_with_a_value() -> None:
    found = buttons_of((), (0, 0, 0, 0, 16384, 32767), PLAIN)
    assert found[6] == pytest.approx(0.5, abs=0.001)
    assert found[7] == 1.0
    assert buttons_of((), (0, 0, 0, 0, -32768, 0), PLAIN)[6] == 0.0


def test_sticks_are_four_axes_in_order() -> None:
    assert axes_of((32767, 0, 0, -32768, 0, 0), PLAIN) == (1.0, 0.0, 0.0, -1.0)
    assert axes_of((0, -32768, 32767, 0, 0, 0), PLAIN) == (0.0, -1.0, 1.0, 0.0)


def test_swapped_buttons() -> None:
    swapped = PadChoices(swap_ab=True)
    assert buttons_of({0, 2}, REST, swapped)[:4] == (0.0, 1.0, 1.0, 0.0)
    swapped = PadChoices(swap_xy=True)
    assert buttons_of({0, 2}, REST, swapped)[:4] == (1.0, 0.0, 0.0, 1.0)


def test_the_dead_zone_is_round_and_what_is_left_counts_from_zero() -> None:
    assert stick(3000, 0, 0.1) == (0.0, 0.0)
    assert stick(2300, 2300, 0.1) == (0.0, 0.0)
    assert stick(2400, 2400, 0.1) != (0.0, 0.0)
    x, y = stick(round(0.55 * 32767), 0, 0.1)
    assert x == pytest.approx(0.5, abs=0.001)
    assert y == 0.0
    assert stick(32767, 0, 0.1) == (1.0, 0.0)
    assert stick(32767, 0, 1.0) == (0.0, 0.0)


AXIS = st.integers(-32768, 32767)


@given(AXIS, AXIS, st.floats(0, 1))
def test_a_stick_keeps_its_direction_and_its_range(x: int, y: int, dead_zone: float) -> None:
    across, down = stick(x, y, dead_zone)
    assert -1 <= across <= 1
    assert -1 <= down <= 1
    assert across * x >= 0
    assert down * y >= 0
    way = (max(-1.0, x / 32767), max(-1.0, y / 32767))
    if max(map(abs, (across, down))) < 1:
        assert across * way[1] == pytest.approx(down * way[0], abs=2e-5)
