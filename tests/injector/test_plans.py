"""Each fault profile has its faults at the client, or a reason why it has none."""

from __future__ import annotations

import pytest

from rejoin.injector.faults import (
    ClockJump,
    HttpFault,
    NetworkEvent,
    PathFault,
    Rebind,
    Sleep,
)
from rejoin.injector.plans import AT_RUNNER, OF_PROCESS, plan_of
from rejoin.injector.seeds import network_profiles
from rejoin.netem.link import Cut, NetworkProfile
from rejoin.netem.network_profile import NETWORK_PROFILES, PLACES, Place


@pytest.mark.parametrize("name", PLACES)
def test_every_profile_but_those_of_a_host_can_be_put_in_at_the_client(name: str) -> None:
    plan = plan_of(name, 65.0)
    if PLACES[name] is Place.HOST or name in AT_RUNNER:
        assert plan is None
    else:
        assert plan is not None
        assert plan.name == name
        assert plan.faults


def test_faults_of_a_whole_process_are_known_by_name() -> None:
    plans = {name: plan_of(name, 65.0) for name in PLACES}
    assert {
        name
        for name, plan in plans.items()
        if plan is not None and any(isinstance(each, Sleep | ClockJump) for each in plan.faults)
    } == OF_PROCESS


def test_a_name_that_is_no_profile_has_no_plan() -> None:
    with pytest.raises(KeyError):
        plan_of("nonsense", 65.0)


@pytest.mark.parametrize("name", NETWORK_PROFILES)
def test_a_network_profile_is_the_one_that_the_relay_follows(name: str) -> None:
    plan = plan_of(name, 65.0)
    assert plan is not None
    path = plan.faults[0]
    assert isinstance(path, PathFault)
    assert path.profile is network_profiles()[name]
    rebinds = [fault for fault in plan.faults if isinstance(fault, Rebind)]
    assert bool(rebinds) == (path.profile.rebind_after_s is not None)


def test_outages_say_how_long_nothing_reaches_the_client() -> None:
    for name, outage in {
        "cut_3s": (True, 3.0),
        "cut_until_window-1": (True, 64.0),
        "cut_forever": (True, None),
        "oneway_up": (False, None),
        "home_wifi": (False, None),
        "http_500": (True, None),
        "http_blocked_udp_ok": (False, None),
    }.items():
        plan = plan_of(name, 65.0)
        assert plan is not None
        assert (plan.is_outage, plan.outage_s) == outage, name


def test_a_lost_interface_stops_everything_and_is_reported_by_the_system() -> None:
    plan = plan_of("iface_down", 65.0)
    assert plan is not None
    assert [fault.found for fault in plan.faults if isinstance(fault, NetworkEvent)] == [
        False,
        True,
    ]
    assert any(isinstance(fault, HttpFault) for fault in plan.faults)


def test_a_sleep_past_the_window_is_longer_than_it() -> None:
    plan = plan_of("sleep_past_window", 12.0)
    assert plan is not None
    [sleep] = plan.faults
    assert isinstance(sleep, Sleep)
    assert sleep.duration_s == 14.0


def test_a_scenarios_own_profile_is_followed_too() -> None:
    own = NetworkProfile("train", cut=Cut(4.0, 2.0), rebind_after_s=5.0)
    plan = plan_of("train", 65.0, own)
    assert plan is not None
    assert (plan.name, plan.is_outage, plan.outage_s) == ("train", True, 2.0)
    path, rebind = plan.faults
    assert isinstance(path, PathFault)
    assert path.profile is own
    assert isinstance(rebind, Rebind)
    assert rebind.after_s == 5.0
