"""The bodies of the contract: what they refuse, accept, and never show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rejoin.core.model import RemainingKnowledge, SessionView
from rejoin.signaling.wire import (
    MAX_REPORT_BYTES,
    MAX_SIGNAL_BYTES,
    PROBLEMS,
    ConnectionBody,
    ProblemBody,
    ProblemCode,
    ReconnectBody,
    ReportBody,
    SessionViewBody,
    StartBody,
    problem,
    sha256_hex,
)


def view(**changes: Any) -> bytes:
    return json.dumps({"session_id": "abc", "status": "ACTIVE"} | changes).encode()


def test_a_view_becomes_a_value_of_core_and_unknown_members_are_ignored() -> None:
    body = SessionViewBody.model_validate_json(
        view(
            reason="somethingNew",
            connection_timeout_s=10,
            session_ends_in_s=3.5,
            remaining={"at_least_s": 10, "age_s": 0.25, "confidence": "high"},
            attempt=4,
            signal_request_sha256="ab" * 32,
            signal_response="{}",
            weather="fine",
        )
    )
    seen = body.to_view()
    assert isinstance(seen, SessionView)
    assert (seen.status, seen.reason, seen.attempt) == ("ACTIVE", "somethingNew", 4)
    assert seen.remaining == RemainingKnowledge(10, 0.25)
    assert "{}" not in repr(seen)


def test_only_id_and_status_are_needed() -> None:
    seen = SessionViewBody.model_validate_json(view()).to_view()
    assert (seen.remaining, seen.connection_timeout_s, seen.signal_response) == (None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"session_id": "../x"},
        {"session_id": 5},
        {"status": ""},
        {"status": "line\nbreak"},
        {"attempt": "2"},
        {"attempt": 0},
        {"attempt": True},
        {"connection_timeout_s": -1},
        {"connection_timeout_s": "10"},
        {"connection_timeout_s": float("nan")},
        {"remaining": {"at_least_s": 1}},
        {"signal_request_sha256": "AB" * 32},
        {"signal_response": "x" * (MAX_SIGNAL_BYTES + 1)},
    ],
)
def test_a_view_of_the_wrong_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SessionViewBody.model_validate_json(view(**changes))


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused_in_one_way(content: bytes) -> None:
    for model in (SessionViewBody, ConnectionBody, ProblemBody):
        try:
            model.model_validate_json(content)
        except ValidationError as error:
            assert error.error_count() > 0  # noqa: PT017 - either outcome is right


def test_requests_with_unknown_fields_are_refused() -> None:
    for model in (StartBody, ReconnectBody):
        with pytest.raises(ValidationError) as caught:
            model.model_validate({"signal_request": "canary", "attempt": 1, "atempt": "canary"})
        assert "canary" not in str(caught.value)


def test_no_body_shows_its_signal() -> None:
    assert "canary" not in repr(StartBody(signal_request="canary", attempt=1))
    assert "canary" not in repr(
        ConnectionBody(attempt=1, signal_request_sha256="0" * 64, signal_response="canary")
    )


def test_every_code_has_its_problem() -> None:
    assert set(PROBLEMS) == set(ProblemCode)
    for code in ProblemCode:
        body = problem(code, "Something happened.")
        assert 400 <= body.status < 600
        assert body.code == code
        assert body.type == body.type.lower()
        assert body.title


def test_the_hash_is_of_utf8_bytes() -> None:
    assert sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_hex("ü") != sha256_hex("u")
    assert len(sha256_hex("\ud800")) == 64


def test_the_largest_report_is_within_its_limit() -> None:
    word, number = "w" * 40, 10_000_000.0
    largest = ReportBody(
        record_id="f" * 32,
        ended_ago_s=number,
        cause=word,
        verdict=word,
        outcome="rejoined",
        ending=word,
        lost_s=number,
        noticed_after_s=number,
        requested_after_s=number,
        answered_after_s=number,
        attempts=100_000,
        tries=100_000,
        failures=[word] * 16,
        client_version="9" * 40,
    )
    assert len(largest.model_dump_json()) <= MAX_REPORT_BYTES


@pytest.mark.parametrize(
    ("members", "place", "turn_in_s"),
    [
        ('"place": 3, "turn_in_s": 40', 3, 40.0),
        ('"place": 3, "turn_in_s": 2.5', 3, 2.5),
        ('"place": null, "turn_in_s": 0', None, 0.0),
        ('"place": 0, "turn_in_s": -1', None, None),
        ('"place": true, "turn_in_s": true', None, None),
        ('"place": "3", "turn_in_s": "soon"', None, None),
        ('"place": 3.5, "turn_in_s": [40]', None, None),
        ('"place": {"of": 3}, "turn_in_s": NaN', None, None),
        ('"place": 1e999, "turn_in_s": Infinity', None, None),
        (f'"place": {"9" * 400}, "turn_in_s": 1e300', None, None),
        ('"place": 3, "turn_in_s": 86401', 3, None),
        ('"turn": "tomorrow"', None, None),
    ],
)
def test_a_place_is_read_liberally_and_never_costs_the_rest_of_a_problem(
    members: str, place: int | None, turn_in_s: float | None
) -> None:
    body = ProblemBody.model_validate_json(
        f'{{"code": "THROTTLED", "session_status": "ACTIVE", {members}}}'
    )
    assert (body.place, body.turn_in_s) == (place, turn_in_s)
    assert (body.code, body.session_status) == ("THROTTLED", "ACTIVE")


def test_a_place_survives_its_own_json() -> None:
    body = ProblemBody(code="THROTTLED", place=3, turn_in_s=40.0)
    assert ProblemBody.model_validate_json(body.model_dump_json()) == body
