"""Probes over HTTP: whether the studio's backend answers, and whether another trusted origin does.

A probe carries no token and names no session. What an answer proves depends on TLS: with it, only
the origin itself can have answered; without it, anything on the way can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState, InternetState
from rejoin.hosts import is_this_machine
from rejoin.signaling.backend_url import base_url, origin_of
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.signaling.exchange import CallFailedError, Exchange, HttpSettings, Reply, is_json
from rejoin.signaling.http_environment import proxy_for
from rejoin.signaling.name_lookup import is_address

BUDGET_S: Final = 3.0
"""How long one probe may take, the look-up of the name included."""

_GONE_BEHIND: Final = frozenset({502, 503, 504})
"""Statuses of a gateway whose service does not answer (RFC 9110, 15.6)."""
_NO_CONTENT: Final = 204
_SIGN_IN: Final = 511


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """The result of one call. `reply`: None if there was none, or only a proxy's. `why`: a
    sentence, if there is no reply."""

    state: BackendState
    reply: Reply | None = None
    why: str = ""


class BackendProbe:
    """Asks whether the backend is there. To be made and used in one event loop."""

    def __init__(self, backend_url: str, dialect: Dialect, http: HttpSettings) -> None:
        """Raises BadInputError."""
        url = base_url(backend_url, allow_insecure=http.allow_insecure)
        self.host = url.host
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.behind_proxy = not is_this_machine(url.host) and proxy_for(url) is not None
        self._proves = url.scheme == "https"
        self._path = "/v1/health" if dialect is OURS else ""
        self._exchange = Exchange(backend_url, None, http=http)

    async def state(self) -> BackendState:
        """What became of one call; takes `BUDGET_S` at most."""
        return (await self.outcome()).state

    async def outcome(self) -> ProbeOutcome:
        """The result of one call, with the answer or the reason why there is none; takes `BUDGET_S`
        at most."""
        self._exchange.drop_pooled_connections()
        try:
            reply = await self._exchange.call("GET", self._path, budget_s=BUDGET_S)
        except CallFailedError as error:
            return ProbeOutcome(self._of_failure(error), None, str(error))
        if reply.status >= 300 and not is_json(reply):
            refused = self._exchange.refused(reply)
            if refused.failure.kind is FailureKind.NOT_SENT:
                return ProbeOutcome(BackendState.PROXY_REFUSES, None, str(refused))
        return ProbeOutcome(self._of_reply(reply), reply)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    def _of_failure(self, error: CallFailedError) -> BackendState:
        kind, status = error.failure.kind, error.failure.http_status
        if kind is FailureKind.TLS:
            return BackendState.STRANGER
        if kind is FailureKind.NOT_BACKEND:
            return BackendState.STRANGER if self._proves else BackendState.PAGE
        if kind is FailureKind.NOT_SENT and self.behind_proxy:
            if status is None:
                return BackendState.UNKNOWN  # perhaps only the proxy is missing
            return BackendState.PROXY_REFUSES if status < 500 else BackendState.SILENT
        return BackendState.SILENT

    def _of_reply(self, reply: Reply) -> BackendState:
        if reply.status == _SIGN_IN:
            return BackendState.SIGN_IN
        if is_json(reply):
            return BackendState.ANSWERS if reply.status < 500 else BackendState.UNKNOWN
        if reply.status in _GONE_BEHIND:
            return BackendState.SILENT
        if reply.status >= 500:
            return BackendState.UNKNOWN
        if self._proves:
            # Without TLS the page may come from anybody; with TLS the origin answers, though not as
            # a backend.
            ours = self._path != ""
            return BackendState.UNKNOWN if ours else BackendState.ANSWERS
        return BackendState.PAGE


class OriginProbe:
    """Asks whether another origin is there: evidence of an internet that works."""

    def __init__(self, url: str, http: HttpSettings) -> None:
        """`url`: of an https origin any answer counts; of an http origin 204 without a body.

        Raises BadInputError.
        """
        base = base_url(url, allow_insecure=True)
        self._host = base.host
        self.has_address = is_address(base.host)
        """Its host is an address: no look-up is needed."""
        self._proves = base.scheme == "https"
        self._exchange = Exchange(url, None, http=http)

    async def state(self) -> InternetState:
        """What became of one call; takes `BUDGET_S` at most."""
        self._exchange.drop_pooled_connections()
        try:
            reply = await self._exchange.call("GET", "", budget_s=BUDGET_S)
        except CallFailedError as error:
            strange = error.failure.kind in (FailureKind.TLS, FailureKind.NOT_BACKEND)
            return InternetState.UNKNOWN if strange else InternetState.SILENT
        return self._of_reply(reply)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    def _of_reply(self, reply: Reply) -> InternetState:
        if self._proves:
            return InternetState.REACHED
        if reply.status == _NO_CONTENT:
            return InternetState.REACHED
        elsewhere = urlsplit(reply.headers.get("Location", "")).hostname not in (None, self._host)
        if reply.status == _SIGN_IN or (300 <= reply.status < 400 and elsewhere):
            return InternetState.SIGN_IN
        return InternetState.UNKNOWN


def is_other_origin(url: str, backend_url: str) -> bool:
    """Whether a probe of `url` proves more about the internet than the backend's own answer.

    Raises BadInputError.
    """
    return origin_of(url) != origin_of(backend_url)
