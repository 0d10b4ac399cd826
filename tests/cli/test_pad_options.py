"""The options of gamepads: what plays in a window has them, and wrong ones are refused."""

from __future__ import annotations

import pytest

from helpers.command_line import Rejoin
from rejoin.cli.pad_options import pad_options


@pytest.mark.parametrize("verb", ["play", "back"])
def test_what_plays_in_a_window_has_them(rejoin: Rejoin, verb: str) -> None:
    code, out, err = rejoin(verb, "--help")
    assert (code, err) == (0, "")
    names = ("--gamepads", "--pad-background", "--pad-dead-zone", "--pad-swap-ab", "--pad-swap-xy")
    more = ("--pad-swap-ab-cards", "--pad-rumble", "--pad-mouse")
    assert all(name in out for name in (*names, *more))
    assert len(pad_options()) == 8


@pytest.mark.parametrize("zone", ["-0.1", "1.1", "far"])
def test_a_dead_zone_is_a_share(rejoin: Rejoin, zone: str) -> None:
    code, out, err = rejoin("play", "https://studio.example", "--pad-dead-zone", zone)
    assert (code, out) == (2, "")
    assert "--pad-dead-zone" in err
