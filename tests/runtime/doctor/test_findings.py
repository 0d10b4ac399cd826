"""A report: the worst outcome, its first cause, and one piece of advice."""

from __future__ import annotations

import pytest

from rejoin.runtime.doctor.findings import (
    Finding,
    Outcome,
    Report,
    failed,
    not_known,
    not_loaded,
    ok,
    warning,
)

GOOD = ok("proxy", "No proxy is used.")
SLOW = warning("clock", "It is off.", "Set it.")
DEAD = failed("dns", "There is no host.", "Check it.")
LATER = failed("tls", "No answer.", "Wait.")
SKIPPED = not_known("sign-in", "Not tried.")


@pytest.mark.parametrize(
    ("findings", "outcome", "advice"),
    [
        ((), Outcome.OK, ""),
        ((GOOD, SKIPPED), Outcome.OK, ""),
        ((SKIPPED,), Outcome.OK, ""),
        ((GOOD, SLOW, SKIPPED), Outcome.WARNING, "Set it."),
        ((SLOW, DEAD, LATER, SKIPPED), Outcome.FAILED, "Check it."),
    ],
)
def test_the_first_of_the_worst_is_the_cause(
    findings: tuple[Finding, ...], outcome: Outcome, advice: str
) -> None:
    report = Report(findings)
    assert (report.outcome, report.advice) == (outcome, advice)
    assert (report.cause is None) is (outcome is Outcome.OK)


def test_what_is_missing_says_how_to_get_it() -> None:
    library = "The system library libGL.so.1 is missing. On Debian install it with: apt-get x"
    found = not_loaded("display", library)
    assert found == failed("display", library, "On Debian install it with: apt-get x")
    assert not_loaded("x", "It is gone").advice == "Install Rejoin again."
