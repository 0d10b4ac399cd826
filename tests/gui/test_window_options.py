"""How a window behaves where nobody says otherwise."""

from __future__ import annotations

from rejoin.core.model import Stage
from rejoin.gui.window_options import WindowOptions


def test_a_window_waits_for_start_and_has_nothing_of_a_demo() -> None:
    options = WindowOptions()
    assert options.before_start.stage is Stage.IDLE
    assert options.drop_again is None
    assert options.report_facts() == {}
    options.on_surface_failed("the device was lost")  # nobody has to listen
