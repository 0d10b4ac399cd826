"""What the emulator assumes can be changed, and only to what makes sense."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rejoin.emulator.service.settings import (
    ApiFault,
    ApiFaultKind,
    EmulatorSettings,
    Fault,
    FaultKind,
)
from rejoin.errors import BadInputError
from rejoin.netem.link import Direction


def test_the_defaults_are_those_that_aws_documents_or_we_announce() -> None:
    settings = EmulatorSettings()
    assert settings.connection_timeout_s == 120
    assert settings.session_length_s == 43200
    assert settings.idle_timeout_s == 3600
    assert settings.placement_limit_s == 75
    assert EmulatorSettings(capacity="on_demand_linux").placement_limit_s == 90
    assert EmulatorSettings(capacity="on_demand_windows").placement_limit_s == 600
    assert EmulatorSettings(placement_timeout_s=3.0).placement_limit_s == 3
    assert settings.requests_per_s == 20
    assert settings.notice_silent_client_s == 5.0  # assumed, and printed on every timeline
    assert settings.notice_unprovoked_min_s == 3.0


@pytest.mark.parametrize(
    "change",
    [
        {"connection_timeout_s": 0},
        {"connection_timeout_s": 3601},
        {"session_length_s": 86401},
        {"idle_timeout_s": 0},
        {"create_latency_s": -0.1},
        {"notice_silent_client_s": float("nan")},
        {"notice_silent_client_s": float("inf")},
        {"wrong_state_error": "teapot"},
        {"reused_offer": ""},
        {"stream_group_ids": ()},
        {"width": 4},
        {"fps": 0},
        {"relay_ports": (33465, 33435)},
        {"relay_ports": (80, 90)},
        {"round_trip_s": -0.01},
        {"loss": 1.0},
        {"packetization_mode": 2},
        {"dtls_role": "auto"},
    ],
    ids=str,
)
def test_nonsense_is_refused_in_a_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=r"^The emulator cannot use this setting: .*\.$"):
        EmulatorSettings(**change)


def test_faults_are_checked_too() -> None:
    assert Fault(FaultKind.SILENCE).duration_s is None
    for duration_s in (0.0, -1.0, float("nan"), 86401.0):
        with pytest.raises(BadInputError):
            Fault(FaultKind.SILENCE, duration_s)
    with pytest.raises(BadInputError):
        Fault(FaultKind.PROFILE, profile="clean", window_s=-1.0)
    with pytest.raises(BadInputError):
        ApiFault(ApiFaultKind.THROTTLE, times=0)
    with pytest.raises(BadInputError):
        ApiFault(ApiFaultKind.SLOW, delay_s=-1.0)


def test_the_secret_is_not_shown() -> None:
    assert EmulatorSettings().secret_access_key not in repr(EmulatorSettings())


def test_a_profile_is_named_by_its_own_kind_of_fault_alone() -> None:
    fault = Fault(FaultKind.PROFILE, profile="lte_burst", direction="down")
    assert fault.directions == {Direction.DOWN}
    assert fault.for_all
    assert not Fault(FaultKind.SILENCE).for_all
    assert not Fault(FaultKind.PROFILE, profile="lte_burst", scope="existing").for_all
    for kind, profile, told in (
        (FaultKind.PROFILE, None, "names its profile"),
        (FaultKind.SILENCE, "clean", "names its profile"),
        (FaultKind.PROFILE, "../secret", "no such network profile; there are clean, "),
        (FaultKind.PROFILE, "tls_bad_cert", "made by the backend"),
        (FaultKind.PROFILE, "server_freeze", "made by the host"),
    ):
        with pytest.raises(BadInputError, match=told):
            Fault(kind, profile=profile)
    with pytest.raises(BadInputError, match="direction"):
        Fault(FaultKind.PROFILE, profile="clean", direction=cast(Any, "left"))
    with pytest.raises(BadInputError, match="scope"):
        Fault(FaultKind.SILENCE, scope=cast(Any, "some"))
