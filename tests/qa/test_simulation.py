"""Thousands of seeds violate no invariant, and seeds that found bugs would still find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rejoin.core.engine import enter
from rejoin.core.engine.transition import Transition
from rejoin.core.phases import Episode
from rejoin.netem.network_profile import PLACES
from rejoin.qa.simulation import case_of, run, tally, tally_all
from rejoin.verify import faults

SEEDS = 2000
"""How many seeds the gate runs; `rejoin qa simulate --seeds 100000` runs more."""


@pytest.mark.parametrize("block", range(4))
def test_two_thousand_worlds_violate_no_invariant(block: int) -> None:
    size = SEEDS // 4
    total = tally(block * size, size)
    assert total.found == []
    assert total.runs == size
    assert total.drops > size / 2, "most of these worlds have a drop"
    assert total.saved_share >= 0.999


def test_seeds_go_through_every_profile() -> None:
    names = {case_of(seed).about.split(",")[0] for seed in range(len(faults.simulated_profiles()))}
    assert names == set(faults.simulated_profiles())
    assert names == set(PLACES) - {"stragglers", "duplicates", "clock_jump"}, (
        "what changes more than packets"
    )


def test_a_seed_is_the_same_run_each_time() -> None:
    (case, first), (_, second) = run(4711), run(4711)
    assert first == second
    assert case == case_of(4711)


def test_several_processes_find_what_one_finds() -> None:
    progress = []
    both = tally_all(0, 600, 2, lambda total: progress.append(total.runs))
    alone = tally(0, 600)
    assert (both.runs, both.drops, both.savable, both.saved) == (
        alone.runs,
        alone.drops,
        alone.savable,
        alone.saved,
    )
    assert progress == [250, 500, 600]


# --- bugs that seeds found ------------------------------------------------------------------------


def waits_for_a_status_that_is_never_reported(t: Transition, episode: Episode) -> None:
    refusing = t.facts.status in enter.REFUSING
    if refusing and not t.policy.reports_status and t.time_for_a_try(episode):
        enter.awaiting_service(t, episode)
    else:
        OFFERING(t, episode)


def lets_a_hanging_call_eat_the_window(t: Transition, left_s: float) -> float:
    return min(t.policy.read_timeout_s, left_s)


def lets_a_dead_connection_eat_the_window(
    t: Transition, patience_s: float, episode: Episode | None, create_requested_at: float
) -> float:
    sample = t.facts.sample
    rtt_s = (sample.rtt_s if sample else None) or 0.0
    return t.now + patience_s + t.policy.connect_deadline_rtts * rtt_s


OFFERING: Callable[..., None] = enter.offering
BUGS: list[tuple[int, str, Callable[..., Any]]] = [
    (48, "offering", waits_for_a_status_that_is_never_reported),
    (3235, "read_timeout_s", lets_a_hanging_call_eat_the_window),
    (3687, "connect_until_at", lets_a_dead_connection_eat_the_window),
]
"""Each cost a game that could have been saved (I7), until a seed found it: docs/proof.md."""


@pytest.mark.parametrize(("seed", "where", "bug"), BUGS, ids=[bug.__name__ for *_, bug in BUGS])
def test_a_bug_that_a_seed_found_stays_fixed(
    seed: int, where: str, bug: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, outcome = run(seed)
    assert outcome.violations == ()
    assert outcome.live
    monkeypatch.setattr(enter, where, bug)
    _, broken = run(seed)
    assert [violation[:2] for violation in broken.violations] == ["I7"]
