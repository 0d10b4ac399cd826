"""What getStats shows of a connection, and what of the host's load is believed."""

from __future__ import annotations

import json

import pytest

from rejoin.core.model import ConnectionNumber
from rejoin.media.statistics import StreamStatistics
from rejoin.runtime.module_statistics import host_load, peer_state

ONE = ConnectionNumber(1)


def test_the_module_sees_numbers_and_no_address() -> None:
    numbers = StreamStatistics(
        ONE,
        connected=True,
        connection_state="connected",
        candidate_pair="host-host udp",
        width=1280,
        height=720,
        frames_decoded=5,
        rtt_s=0.02,
    )
    state = peer_state(numbers)
    assert (state.connection_state, state.ice_state) == ("connected", "completed")
    assert state.statistics["inbound-rtp"]["framesDecoded"] == 5
    assert state.statistics["candidate-pair"]["currentRoundTripTime"] == 0.02
    text = json.dumps(state.statistics)
    for word in ("host-host", "address", "ip", "certificate", "fingerprint", "ufrag"):
        assert f'"{word}' not in text.lower()


@pytest.mark.parametrize("state", ["new", "connecting", "failed", "closed"])
def test_every_state_of_a_connection_has_one_of_ice(state: str) -> None:
    assert peer_state(StreamStatistics(ONE, connection_state=state)).connection_state == state


def test_the_load_is_read_where_it_is_a_number() -> None:
    load = host_load(
        {
            "timestamp": 0,
            "application": {"cpuUtilizationNormalized": 0.5, "memoryUtilizationMb": 321},
            "system": {"cpuUtilization": 0.75, "memoryUtilization": 0.5, "gpuUtilization": 0},
        }
    )
    assert load == {
        "host_application_cpu": 0.5,
        "host_application_memory_mb": 321.0,
        "host_cpu": 0.75,
        "host_memory": 0.5,
        "host_gpu": 0.0,
    }
    assert StreamStatistics(ONE, **load).host_gpu == 0.0


@pytest.mark.parametrize("value", [None, True, "1", [1], {}, float("nan")])
def test_what_is_not_a_number_is_left_out(value: object) -> None:
    assert host_load({"system": {"cpuUtilization": value}}) == {}


@pytest.mark.parametrize("statistics", [{}, {"system": 5}, {"system": []}, {"application": None}])
def test_other_shapes_say_nothing(statistics: dict[str, object]) -> None:
    assert host_load(statistics) == {}


@pytest.mark.parametrize("value", [10**400, float("inf"), -1e300])
def test_a_number_that_is_too_large_is_bounded(value: float) -> None:
    (found,) = host_load({"system": {"cpuUtilization": value}}).values()
    assert abs(found) == 1e12
