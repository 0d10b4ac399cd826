"""Refusals of the service."""

from __future__ import annotations

import pytest

from rejoin.emulator.service.refusals import CallRefusedError, ErrorType, wrong_status
from rejoin.service_model.lifecycle import RefusalKind


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        (RefusalKind.CONFLICT, ErrorType.CONFLICT),
        (RefusalKind.VALIDATION, ErrorType.VALIDATION),
    ],
)
def test_a_wrong_status_is_refused_with_the_error_of_its_kind(
    kind: RefusalKind, error_type: ErrorType
) -> None:
    refusal = wrong_status(kind, "Not now.")
    assert isinstance(refusal, CallRefusedError)
    assert (refusal.error_type, str(refusal)) == (error_type, "Not now.")
