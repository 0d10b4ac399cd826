"""Armed API faults: the oldest that fits, as often as it says."""

from __future__ import annotations

import pytest

from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.faults import ApiFault, ApiFaultKind
from rejoin.errors import BadInputError

GET = "GetStreamSession"


def test_the_oldest_fault_that_fits_is_taken_as_often_as_it_says() -> None:
    faults = ApiFaults()
    faults.arm(ApiFault(ApiFaultKind.INTERNAL, "StartStreamSession"))
    faults.arm(ApiFault(ApiFaultKind.HANG, GET, times=2))
    faults.arm(ApiFault(ApiFaultKind.RESET, times=None))
    kinds = [fault and fault.kind for fault in (faults.take(GET) for _ in range(4))]
    assert kinds == [ApiFaultKind.HANG, ApiFaultKind.HANG, ApiFaultKind.RESET, ApiFaultKind.RESET]
    started = faults.take("StartStreamSession")
    assert started is not None
    assert started.kind is ApiFaultKind.INTERNAL


def test_none_clears_all_and_calls_stay_counted() -> None:
    faults = ApiFaults()
    faults.arm(ApiFault(ApiFaultKind.SLOW, times=None, delay_s=1.0))
    faults.take(GET)
    faults.arm(ApiFault(ApiFaultKind.NONE))
    assert faults.take(GET) is None
    assert faults.describe() == {"api_faults": [], "api_calls": {GET: 2}}


def test_an_operation_that_is_not_emulated_is_refused() -> None:
    with pytest.raises(BadInputError, match="no such operation"):
        ApiFaults().arm(ApiFault(ApiFaultKind.SLOW, "CreateStreamGroup"))
