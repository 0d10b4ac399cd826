"""How a call to the service can fail."""

from __future__ import annotations

from rejoin.backend.service import ServiceFault, StreamServiceError, StreamStatus


def test_only_two_faults_leave_open_whether_it_happened() -> None:
    assert {fault for fault in ServiceFault if not fault.outcome_known} == {
        ServiceFault.FAILED,
        ServiceFault.TIMED_OUT,
    }


def test_an_error_is_its_sentence_and_a_status_hides_its_signals() -> None:
    error = StreamServiceError(ServiceFault.THROTTLED, "Too fast.", retry_after_s=2)
    assert (str(error), error.fault, error.retry_after_s) == (
        "Too fast.",
        ServiceFault.THROTTLED,
        2,
    )
    status = StreamStatus("ACTIVE", signal_request="canary", signal_response="canary")
    assert "canary" not in repr(status)
