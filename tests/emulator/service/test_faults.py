"""The faults as values: checked when they are made."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rejoin.emulator.service.faults import ApiFault, ApiFaultKind, Fault, FaultKind
from rejoin.errors import BadInputError
from rejoin.netem.link import Direction


def test_faults_are_checked() -> None:
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


def test_only_a_fault_of_the_kind_profile_names_a_profile() -> None:
    fault = Fault(FaultKind.PROFILE, profile="lte_burst", direction="down")
    assert fault.directions == {Direction.DOWN}
    assert fault.for_all
    assert not Fault(FaultKind.SILENCE).for_all
    assert not Fault(FaultKind.PROFILE, profile="lte_burst", scope="existing").for_all
    for kind, profile, sentence in (
        (FaultKind.PROFILE, None, "names its profile"),
        (FaultKind.SILENCE, "clean", "names its profile"),
        (FaultKind.PROFILE, "../secret", "no such network profile; there are clean, "),
        (FaultKind.PROFILE, "tls_bad_cert", "made by the backend"),
        (FaultKind.PROFILE, "server_freeze", "made by the host"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            Fault(kind, profile=profile)
    with pytest.raises(BadInputError, match="direction"):
        Fault(FaultKind.PROFILE, profile="clean", direction=cast(Any, "left"))
    with pytest.raises(BadInputError, match="scope"):
        Fault(FaultKind.SILENCE, scope=cast(Any, "some"))
