"""SDL's types of pads as kinds that hints know."""

from __future__ import annotations

import pytest

from rejoin.gamepads.pad_kinds import PadKind, kind_of


@pytest.mark.parametrize(
    ("sdl_type", "kind"),
    [
        (1, PadKind.XBOX_360),
        (2, PadKind.XBOX),
        (3, PadKind.PLAYSTATION_3),
        (4, PadKind.PLAYSTATION_4),
        (5, PadKind.SWITCH),
        (7, PadKind.PLAYSTATION_5),
        (9, PadKind.STADIA),
        (13, PadKind.SWITCH),
    ],
)
def test_a_pad_that_is_known_has_its_own_names(sdl_type: int, kind: PadKind) -> None:
    assert kind_of(sdl_type) is kind


@pytest.mark.parametrize("sdl_type", [0, 6, 8, 10, 11, 12, 99, -1])
def test_any_other_has_those_of_an_xbox_pad(sdl_type: int) -> None:
    assert kind_of(sdl_type) is PadKind.XBOX
