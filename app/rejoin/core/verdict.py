"""Whose fault it was: from findings about each part of the path to a verdict.

Pure. A verdict is a fact or it is NOT_KNOWN: where the same evidence fits two causes, none is
named. The reasons for each row of the table are in
docs/adr/0057-a-verdict-is-a-fact-or-not-known.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.Enum):
    """Why a player cannot get back at the moment; each has its own sentence in `gui/texts.py`."""

    NETWORK_GONE = "network_gone"
    """No interface with a route is left, or the gateway does not answer."""
    SERVICE_SILENT = "service_silent"
    """The internet works, and the studio's backend does not answer."""
    PATH_BROKEN = "path_broken"
    """The backend answers, and nothing arrives from a game server that has just answered it."""
    HOST_SILENT = "host_silent"
    """The game server answers our checks and sends neither picture nor sound."""
    SIGN_IN_PAGE = "sign_in_page"
    """The network answers everything with a sign-in page (a captive portal)."""
    PROXY_REFUSES = "proxy_refuses"
    """The player's proxy refuses the call to the backend."""
    NOT_KNOWN = "not_known"


class LinkState(enum.Enum):
    """Whether this computer has an interface with a route to where its host may be."""

    UP = "up"
    GONE = "gone"
    UNKNOWN = "unknown"


class Answer(enum.Enum):
    """Whether a part of the way answers: the gateway, name resolution."""

    ANSWERS = "answers"
    SILENT = "silent"
    UNKNOWN = "unknown"


class BackendState(enum.Enum):
    """The result of a call to the backend that needs no sign-in."""

    ANSWERS = "answers"
    SILENT = "silent"
    """No answer, or one that says for certain that the service behind it is not there."""
    STRANGER = "stranger"
    """A server that cannot prove that it is the backend answers in its place."""
    PAGE = "page"
    """Without TLS a page, or a redirect, answers in its place."""
    SIGN_IN = "sign_in"
    """Network Authentication Required (RFC 6585, 511)."""
    PROXY_REFUSES = "proxy_refuses"
    UNKNOWN = "unknown"


class InternetState(enum.Enum):
    """What another origin that the profile trusts answers, or what the operating system says."""

    REACHED = "reached"
    SIGN_IN = "sign_in"
    """A sign-in page answers in place of the origin, or the operating system says so."""
    SILENT = "silent"
    UNKNOWN = "unknown"


class HostState(enum.Enum):
    """What arrives from the game server."""

    CHECKS_ANSWERED = "checks_answered"
    """It answers our checks, and no media arrives."""
    UNHEARD = "unheard"
    """It has answered an offer through the backend, and no packet arrives from it: it is there."""
    UNKNOWN = "unknown"
    """Checks are unanswered too: the path may be broken, or the game server gone."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one round of probes found (`runtime/probes`)."""

    link: LinkState = LinkState.UNKNOWN
    gateway: Answer = Answer.UNKNOWN
    names: Answer = Answer.UNKNOWN
    backend: BackendState = BackendState.UNKNOWN
    internet: InternetState = InternetState.UNKNOWN


def judge(found: Findings, host: HostState) -> Verdict:
    """The verdict: the first row that fits. Causes that keep the player from coming back come
    first."""
    backend, internet = found.backend, found.internet
    answers = backend is BackendState.ANSWERS
    if found.link is LinkState.GONE:
        return Verdict.NETWORK_GONE
    if backend is BackendState.PROXY_REFUSES:
        return Verdict.PROXY_REFUSES
    if backend is BackendState.SIGN_IN or (not answers and internet is InternetState.SIGN_IN):
        return Verdict.SIGN_IN_PAGE
    works = internet is InternetState.REACHED
    if works and backend in (BackendState.SILENT, BackendState.PAGE):
        return Verdict.SERVICE_SILENT
    if host is HostState.CHECKS_ANSWERED:
        return Verdict.HOST_SILENT
    if answers and host is HostState.UNHEARD:
        return Verdict.PATH_BROKEN
    if found.gateway is Answer.SILENT and not answers:
        return Verdict.NETWORK_GONE
    return Verdict.NOT_KNOWN


REFUTED_BY_AN_ANSWER = frozenset(
    {
        Verdict.NETWORK_GONE,
        Verdict.SERVICE_SILENT,
        Verdict.SIGN_IN_PAGE,
        Verdict.PROXY_REFUSES,
    }
)
"""Verdicts that are over as soon as the backend answers a call."""
