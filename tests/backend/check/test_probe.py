"""What the points share."""

from __future__ import annotations

import json

import pytest

from rejoin.backend.check.calls import Answer, Calls, Request
from rejoin.backend.check.findings import BrokenError, NotCheckedError
from rejoin.backend.check.probe import Probe, must_be_refused, unless_service_failed
from rejoin.signaling.wire import HealthBody, ProblemCode


def answer(status: int, body: object, kind: str = "application/json") -> Answer:
    content = json.dumps(body).encode()
    return Answer(Request("GET", "/v1/x"), status, {"content-type": kind}, content, 0.1)


@pytest.fixture
def probe() -> Probe:
    return Probe(Calls("http://127.0.0.1:9"), "CANARY-token")


def test_a_good_body_is_parsed_and_another_one_named(probe: Probe) -> None:
    good = {"service": "rejoin-backend", "contract": 1}
    assert probe.body_of(answer(200, good), HealthBody).contract_minor == 0
    with pytest.raises(BrokenError, match="contract is not as the contract says"):
        probe.body_of(answer(200, good | {"contract": "1"}), HealthBody)
    with pytest.raises(BrokenError, match="not application/json"):
        probe.body_of(answer(200, good, "text/html"), HealthBody)
    with pytest.raises(BrokenError, match="500 INTERNAL in place of 200"):
        probe.body_of(answer(500, {"code": "INTERNAL"}), HealthBody)


def test_a_failure_behind_the_backend_is_not_its_mistake(probe: Probe) -> None:
    with pytest.raises(NotCheckedError, match="429 THROTTLED"):
        probe.body_of(answer(429, {"code": "THROTTLED"}), HealthBody)
    unless_service_failed(answer(500, {"code": "INTERNAL"}))


def test_a_refusal_must_be_one_of_those_expected() -> None:
    stale = answer(409, {"code": "STALE_ATTEMPT"})
    must_be_refused(stale, (404, ProblemCode.SESSION_NOT_FOUND), (409, ProblemCode.STALE_ATTEMPT))
    with pytest.raises(BrokenError, match="409 STALE_ATTEMPT in place of 409 REUSED_OFFER"):
        must_be_refused(stale, (409, ProblemCode.REUSED_OFFER))


def test_secrets_are_not_shown(probe: Probe) -> None:
    attempt = probe.new_attempt(3)
    assert attempt.key not in repr(attempt)
    assert "CANARY" not in repr(probe)
    assert attempt.key in probe.secrets
    assert len(probe.secrets) == 2
