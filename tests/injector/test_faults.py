"""Faults as values: what they refuse, and the short forms."""

from __future__ import annotations

import pytest

from rejoin.injector.faults import (
    HttpFault,
    HttpKind,
    Impairment,
    NetworkEvent,
    Scope,
    Sleep,
    cut,
)
from rejoin.netem.link import BOTH, Direction


def test_times_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="begins"):
        NetworkEvent(found=True, after_s=-1.0)
    with pytest.raises(ValueError, match="lasts"):
        HttpFault(kind=HttpKind.HANG, duration_s=0.0)
    with pytest.raises(ValueError, match="duration"):
        Sleep()


def test_a_cut_stops_one_direction_or_both() -> None:
    both, up = cut(3.0), cut(scope=Scope.EXISTING, directions=frozenset({Direction.UP}))
    assert both.profile.cut is not None
    assert both.profile.cut.directions == BOTH
    assert both.duration_s == 3.0
    assert up.profile.cut is not None
    assert up.profile.cut.directions == {Direction.UP}
    assert up.scope is Scope.EXISTING


def test_a_path_is_made_of_its_numbers() -> None:
    fault = Impairment(
        loss=0.1,
        delay_s=0.05,
        jitter_s=0.01,
        reorder=True,
        copies=1,
        rate_bps=2e6,
        directions={Direction.DOWN},
    ).fault()
    lane = fault.profile.stages[0].down
    assert (lane.loss, lane.delay_s, lane.jitter_s) == (0.1, 0.05, 0.01)
    assert (lane.reorder, lane.copies, lane.bandwidth_bps) == (True, 1, 2e6)
    assert fault.directions == {Direction.DOWN}
    assert fault.scope is Scope.ALL
