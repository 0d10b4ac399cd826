"""No answer of the service, however odd, is more than the contract can pass on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from rejoin.backend.answer_fields import arn_of, listed_of, needed_signal, signal_of, status_of
from rejoin.backend.service import ServiceFault, StreamServiceError
from rejoin.signaling.wire import MAX_SIGNAL_BYTES, Seconds, SignalString, StatusString

ODD_STATUSES: tuple[Any, ...] = ("", "A\nB", "\xe9", "\ud800", "A" * 101, "A\0", 5, None, ["A"])
ODD_SIGNALS: tuple[Any, ...] = (
    "",
    "\ud800",
    "a\0b",
    "x" * (MAX_SIGNAL_BYTES + 1),
    "\xe9" * (MAX_SIGNAL_BYTES // 2 + 1),
    5,
    None,
    ["a"],
)
ODD_SECONDS: tuple[Any, ...] = (-1, 10_000_001, 10**400, 1.5, "5", None, float("nan"))


def must_fail(read: Any, *arguments: object) -> None:
    with pytest.raises(StreamServiceError, match="streaming service failed") as caught:
        read(*arguments)
    assert caught.value.fault is ServiceFault.FAILED


@pytest.mark.parametrize("odd", ODD_STATUSES)
def test_a_status_that_cannot_be_passed_on_is_a_failure_and_such_a_reason_is_none(odd: Any) -> None:
    must_fail(status_of, {"Status": odd})
    assert status_of({"Status": "ACTIVE", "StatusReason": odd}).reason is None
    assert listed_of({"Arn": "arn:1", "Status": odd}, "sg").status == ""


@pytest.mark.parametrize("odd", ODD_SIGNALS)
def test_a_signal_string_that_cannot_be_passed_on_or_kept_is_none(odd: Any) -> None:
    assert signal_of(odd) is None
    must_fail(needed_signal, odd)
    read = status_of({"Status": "ACTIVE", "SignalRequest": odd, "SignalResponse": odd})
    assert (read.signal_request, read.signal_response) == (None, None)


@pytest.mark.parametrize("odd", ODD_SECONDS)
def test_seconds_that_cannot_be_passed_on_are_none(odd: Any) -> None:
    answer = {"Status": "ACTIVE", "ConnectionTimeoutSeconds": odd, "SessionLengthSeconds": odd}
    read = status_of({**answer, "CreatedAt": datetime.now(UTC)})
    assert (read.connection_timeout_s, read.session_ends_in_s) == (None, None)


@pytest.mark.parametrize("odd", ["", "a b", "arn:1\n", "arn:\0", "\xe9", "a" * 2001, 5, None])
def test_an_identifier_that_the_database_cannot_keep_is_none(odd: Any) -> None:
    must_fail(arn_of, {"Arn": odd})
    must_fail(listed_of, {"Arn": odd, "Status": "ACTIVE"}, "sg")
    assert listed_of({"Arn": "arn:1", "UserId": odd}, "sg").user_id == ""


@pytest.mark.parametrize("date", ["", "x", "Mon, 99 Foo 99999999999999999999 99:99:99 GMT", 5])
def test_the_time_that_is_left_needs_no_date_of_the_service(date: Any) -> None:
    began = datetime.now(UTC) - timedelta(seconds=100)
    left_s = status_of(
        {
            "Status": "ACTIVE",
            "SessionLengthSeconds": 1000,
            "CreatedAt": began,
            "ResponseMetadata": {"HTTPHeaders": {"date": date}},
        }
    ).session_ends_in_s
    assert left_s is not None
    assert 0 <= left_s <= 900


def test_a_session_that_was_made_in_the_future_has_no_more_than_the_contract_says() -> None:
    answer = {"Status": "ACTIVE", "SessionLengthSeconds": 86400}
    ahead = datetime.now(UTC) + timedelta(days=1000)
    assert status_of({**answer, "CreatedAt": ahead}).session_ends_in_s == 10_000_000


def test_all_that_the_contract_allows_is_read() -> None:
    longest = {
        "Status": "~" * 100,
        "StatusReason": " " * 100,
        "SignalResponse": "\xe9" * (MAX_SIGNAL_BYTES // 2),
        "ConnectionTimeoutSeconds": 10_000_000,
    }
    read = status_of(longest)
    assert (read.status, read.reason) == (longest["Status"], longest["StatusReason"])
    assert (read.signal_response, read.connection_timeout_s) == (longest["SignalResponse"], 1e7)
    for value, kind in (
        (read.status, StatusString),
        (read.signal_response, SignalString),
        (read.connection_timeout_s, Seconds),
    ):
        assert TypeAdapter(kind).validate_python(value) == value
