"""The events are values with the W3C's numbers."""

from __future__ import annotations

from rejoin.input_events.events import Button, Location


def test_buttons_and_their_bits_are_those_of_a_mouse_event() -> None:
    assert [(button.value, button.bit) for button in Button] == [
        (0, 1),
        (1, 4),
        (2, 2),
        (3, 8),
        (4, 16),
    ]


def test_locations_are_those_of_a_keyboard_event() -> None:
    assert [location.value for location in Location] == [0, 1, 2, 3]
