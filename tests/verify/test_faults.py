"""Fault profiles as changes of a simulated world."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.netem.link import Chance
from rejoin.netem.network_profile import NETWORK_PROFILES
from rejoin.verify import faults
from rejoin.verify.environment import Change, Schedule
from rejoin.verify.faults import changes, draw_case, rtt_s, simulated_profiles

C = Change


def of(name: str, *, at_s: float = 3.0, until_s: float = 63.0, window_s: float = 15.0) -> Schedule:
    profile = network_profiles().get(name)
    return changes(
        name, profile, at_s=at_s, until_s=until_s, window_s=window_s, chance=chance_of(1)
    )


@pytest.mark.parametrize("name", simulated_profiles())
def test_changes_come_in_order_and_not_before_their_time(name: str) -> None:
    times = [at for at, _ in of(name)]
    assert all(at >= 3.0 for at in times)
    assert all(before <= after for before, after in pairwise(times))


def test_a_cut_begins_and_ends() -> None:
    assert of("cut_3s") == ((3.0, C.PATH_DOWN), (6.0, C.PATH_UP))
    assert of("cut_forever") == ((3.0, C.PATH_DOWN),)
    assert of("cut_until_window+1") == ((3.0, C.PATH_DOWN), (19.0, C.PATH_UP))
    assert of("oneway_down") == ((3.0, C.DOWNLINK_DOWN),)
    assert of("oneway_up") == ((3.0, C.UPLINK_DOWN),)


def test_blackouts_of_a_path_happen_repeatedly() -> None:
    found = of("wifi_roam")
    assert [change for _, change in found] == [C.PATH_DOWN, C.PATH_UP] * 2
    assert found[1][0] - found[0][0] == pytest.approx(0.25)
    assert of("clean") == ()


def test_a_sleep_past_the_window_is_longer_than_the_window() -> None:
    assert of("sleep_past_window") == ((3.0, C.SLEEPS), (20.0, C.WAKES))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(KeyError):
        of("nonsense")


def test_the_round_trip_is_the_delay_of_both_lanes() -> None:
    assert rtt_s(network_profiles()["geo_sat"]) == pytest.approx(0.6)
    assert rtt_s(None) == 0.0


def test_a_random_world_depends_on_the_given_randomness_only() -> None:
    def one(seed: int, stream: Chance) -> faults.SimulationCase:
        return draw_case(random.Random(seed).random, stream, network_profiles(), "lte_burst")

    assert one(1, chance_of(1)) == one(1, chance_of(1))
    assert one(1, chance_of(1)) != one(2, chance_of(1))
    assert one(1, chance_of(1)) != one(1, chance_of(2))
    assert len({one(seed, chance_of(seed)).about for seed in range(40)}) > 4
    assert set(simulated_profiles()) >= set(NETWORK_PROFILES) - {"stragglers", "duplicates"}
