"""The table of verdicts: each row by its evidence, and no row for what fits two causes."""

from __future__ import annotations

import itertools

import pytest

from rejoin.core.verdict import (
    Answer,
    BackendState,
    Findings,
    HostState,
    InternetState,
    LinkState,
    Verdict,
    judge,
)

B, H, N, V = BackendState, HostState, InternetState, Verdict
UP = LinkState.UP


@pytest.mark.parametrize(
    ("found", "host", "verdict"),
    [
        (Findings(), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(LinkState.GONE), H.UNKNOWN, V.NETWORK_GONE),
        (Findings(UP, Answer.SILENT, backend=B.SILENT), H.UNKNOWN, V.NETWORK_GONE),
        # Behind a gateway that answers no look-up of its address, everything may work.
        (Findings(UP, Answer.SILENT, backend=B.ANSWERS), H.UNKNOWN, V.NOT_KNOWN),
        # Nobody answers: the studio may be down, the provider, or the router behind the gateway.
        (Findings(UP, Answer.ANSWERS, backend=B.SILENT), H.UNKNOWN, V.NOT_KNOWN),
        (
            Findings(UP, Answer.ANSWERS, Answer.SILENT, B.SILENT, N.SILENT),
            H.UNKNOWN,
            V.NOT_KNOWN,
        ),
        (Findings(UP, backend=B.SILENT, internet=N.REACHED), H.UNKNOWN, V.SERVICE_SILENT),
        (Findings(UP, backend=B.PAGE, internet=N.REACHED), H.UNKNOWN, V.SERVICE_SILENT),
        # A certificate that has expired, or somebody on the way: something does answer.
        (Findings(UP, backend=B.STRANGER, internet=N.REACHED), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(UP, backend=B.STRANGER), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(UP, backend=B.PAGE), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(UP, backend=B.SIGN_IN), H.UNKNOWN, V.SIGN_IN_PAGE),
        (Findings(UP, backend=B.SILENT, internet=N.SIGN_IN), H.UNKNOWN, V.SIGN_IN_PAGE),
        (Findings(UP, backend=B.PAGE, internet=N.SIGN_IN), H.UNKNOWN, V.SIGN_IN_PAGE),
        # Who reaches the backend does not have to sign in first.
        (Findings(UP, backend=B.ANSWERS, internet=N.SIGN_IN), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(UP, backend=B.PROXY_REFUSES, internet=N.REACHED), H.UNHEARD, V.PROXY_REFUSES),
        (Findings(UP, backend=B.ANSWERS), H.CHECKS_ANSWERED, V.HOST_SILENT),
        (Findings(UP, backend=B.SILENT), H.CHECKS_ANSWERED, V.HOST_SILENT),
        (Findings(UP, backend=B.SILENT, internet=N.REACHED), H.CHECKS_ANSWERED, V.SERVICE_SILENT),
        # A game server that has crashed is as silent as one behind a broken way.
        (Findings(UP, backend=B.ANSWERS), H.UNKNOWN, V.NOT_KNOWN),
        (Findings(UP, backend=B.ANSWERS), H.UNHEARD, V.PATH_BROKEN),
        (Findings(UP, backend=B.SILENT), H.UNHEARD, V.NOT_KNOWN),
    ],
)
def test_each_verdict_has_its_evidence(found: Findings, host: HostState, verdict: Verdict) -> None:
    assert judge(found, host) is verdict


def test_no_verdict_contradicts_what_was_found() -> None:
    """Over every combination of evidence."""
    reached = set()
    for link, gateway, backend, internet, host in itertools.product(
        LinkState, Answer, BackendState, InternetState, HostState
    ):
        verdict = judge(Findings(link, gateway, backend=backend, internet=internet), host)
        reached.add(verdict)
        if backend is B.ANSWERS and link is not LinkState.GONE:
            assert verdict in (V.PATH_BROKEN, V.HOST_SILENT, V.NOT_KNOWN)
        if internet is not N.REACHED:
            assert verdict is not V.SERVICE_SILENT, "a claim about the internet needs a proof"
        if host is not H.CHECKS_ANSWERED:
            assert verdict is not V.HOST_SILENT
        if internet is N.REACHED and link is not LinkState.GONE and gateway is not Answer.SILENT:
            assert verdict is not V.NETWORK_GONE
    assert reached == set(Verdict)
