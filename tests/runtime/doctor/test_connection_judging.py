"""What was seen on the way to a backend, and the sentence for it."""

from __future__ import annotations

import pytest

from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState
from rejoin.runtime.doctor import connection_judging as judge
from rejoin.runtime.doctor.findings import Finding, Outcome
from rejoin.runtime.doctor.tls import CertificateFault as Fault
from rejoin.runtime.doctor.tls import Handshake, NoConnection, NotTls, Trusted, Untrusted

OK, WARNING, FAILED, NOT_KNOWN = Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.NOT_KNOWN
NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.mark.parametrize(
    ("found", "outcome", "words", "advice"),
    [
        (Trusted("TLSv1.3"), OK, "TLSv1.3", ""),
        (Untrusted(Fault.EXPIRED), FAILED, "has expired", "date"),
        (Untrusted(Fault.EXPIRED, NOW - 3 * DAY), FAILED, "is 3 days ahead", "Set the date"),
        (Untrusted(Fault.EXPIRED, NOW + 60), FAILED, "has expired", "Tell the studio"),
        (Untrusted(Fault.NOT_YET_VALID, NOW + 400 * DAY), FAILED, "400 days behind", "Set the"),
        (Untrusted(Fault.NOT_YET_VALID), FAILED, "clock is wrong", "Set the date"),
        (Untrusted(Fault.OTHER_HOST), FAILED, "another name", "browser"),
        (
            Untrusted(Fault.SELF_SIGNED),
            FAILED,
            "does not trust the issuer",
            "authority of its own",
        ),
        (Untrusted(Fault.UNKNOWN_ISSUER), FAILED, "does not trust", "authority of"),
        (Untrusted(Fault.OTHER), FAILED, "is not accepted", "authority of"),
        (NotTls(), FAILED, "does not speak TLS", "browser"),
        (NoConnection(refused=True), FAILED, "refused", "Check the address"),
        (NoConnection(hung_up=True), FAILED, "hung up", "firewall"),
        (NoConnection(), FAILED, "Nothing answered", "firewall"),
    ],
)
def test_a_handshake(found: Handshake, outcome: Outcome, words: str, advice: str) -> None:
    finding = judge.tls(found, NOW)
    assert finding.outcome is outcome
    assert words in finding.found
    assert advice in finding.advice


@pytest.mark.parametrize("state", BackendState)
@pytest.mark.parametrize("why", ["", "The proxy that X names could not be reached."])
def test_every_state_of_the_backend_has_a_sentence_and_advice(
    state: BackendState, why: str
) -> None:
    found = judge.backend(state, why)
    good = state is BackendState.ANSWERS
    assert found.outcome is (OK if good else FAILED)
    assert found.found
    assert bool(found.advice) is not good


@pytest.mark.parametrize(
    ("off_s", "outcome", "words"),
    [
        (None, NOT_KNOWN, "did not say"),
        (0.0, OK, "within a minute"),
        (-59.0, OK, "within a minute"),
        (90.0, WARNING, "2 minutes ahead"),
        (-7200.0, WARNING, "2 hours behind"),
        (-3 * DAY, WARNING, "3 days behind"),
        (DAY, WARNING, "1 day ahead"),
    ],
)
def test_the_clock(off_s: float | None, outcome: Outcome, words: str) -> None:
    found = judge.clock(off_s)
    assert found.outcome is outcome
    assert words in found.found


@pytest.mark.parametrize(
    ("finding", "outcome", "words"),
    [
        (judge.address("x.example", encrypted=True, is_local=False), OK, "x.example"),
        (judge.address("x.example", encrypted=False, is_local=False), WARNING, "anybody on the"),
        (judge.address("localhost", encrypted=False, is_local=True), OK, "localhost"),
        (judge.proxy(None, is_local=False), OK, "No proxy"),
        (judge.proxy("HTTPS_PROXY", is_local=False), OK, "HTTPS_PROXY"),
        (judge.proxy(None, is_local=True), OK, "without a proxy"),
        (judge.name("x.example", None), FAILED, "There is no host x.example"),
        (judge.name("x.example", None, late=True), FAILED, "no answer in time"),
        (judge.name("x.example", ["10.0.0.1"], local=True), FAILED, "own network"),
        (judge.name("x.example", ["1.2.3.4"]), OK, "one address"),
        (judge.name("x.example", ["1.2.3.4", "::1"]), OK, "2 addresses"),
        (judge.contract(None, 1, ()), FAILED, "not that of a Rejoin backend"),
        (judge.contract((1, 2), 1, ("openid",)), OK, "1.2. Players sign in with a browser or a ph"),
        (judge.contract((1, 2), 1, ("magic", "static")), OK, "sign in by: magic, static."),
        (judge.contract((2, 0), 1, ()), FAILED, "newer"),
        (judge.contract((0, 9), 1, ()), FAILED, "older"),
    ],
)
def test_each_fact_has_its_finding(finding: Finding, outcome: Outcome, words: str) -> None:
    assert finding.outcome is outcome
    assert words in finding.found
    assert bool(finding.advice) is (outcome in (WARNING, FAILED))


@pytest.mark.parametrize(
    ("refused", "has_token", "outcome"),
    [
        (None, False, WARNING),
        (FailureKind.NOT_FOUND, True, OK),
        (None, True, OK),
        (FailureKind.UNAUTHENTICATED, True, FAILED),
        (FailureKind.FORBIDDEN, True, FAILED),
        (FailureKind.OUTCOME_UNKNOWN, True, NOT_KNOWN),
    ],
)
def test_the_sign_in(refused: FailureKind | None, has_token: bool, outcome: Outcome) -> None:
    found = judge.sign_in(
        refused, "It answered 500.", has_token=has_token, how=judge.by_command("rejoin x")
    )
    assert found.outcome is outcome
