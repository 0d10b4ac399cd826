"""Looks at the path to a studio's backend, step by step; `connection_judging` judges it.

Each step keeps what the next one needs. A step that an earlier failure makes pointless is not tried
and says so. It contacts only the backend, its name server or proxy, and the identity provider of a
saved sign-in, if its token has to be refreshed.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from rejoin.core.model import SessionId
from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState
from rejoin.errors import BadInputError, RejoinError
from rejoin.hosts import is_public, is_this_machine
from rejoin.language import Message
from rejoin.runtime.doctor import connection_judging as judge
from rejoin.runtime.doctor import machine_judging
from rejoin.runtime.doctor.connection_judging import HowToSignIn
from rejoin.runtime.doctor.findings import Finding, Outcome, failed, not_known
from rejoin.runtime.doctor.run import Check
from rejoin.runtime.doctor.tls import Handshake, NoConnection, Trusted, handshake, unix_s_of
from rejoin.runtime.gateway import way_out
from rejoin.runtime.network import Reach, reach_of
from rejoin.runtime.saved_sign_in import fetch_sign_in
from rejoin.runtime.sign_in import current_tokens
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.system_word import SystemWord, system_word
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.backend_url import base_url
from rejoin.signaling.client import BackendClient, CallFailedError
from rejoin.signaling.dialects import OURS
from rejoin.signaling.exchange import Exchange, HttpSettings
from rejoin.signaling.http_environment import proxy_for, tls_context
from rejoin.signaling.name_lookup import NameLookup, is_address
from rejoin.signaling.probes import BUDGET_S, BackendProbe, ProbeOutcome
from rejoin.signaling.wire import CONTRACT_VERSION, AboutBody, HealthBody

STEP_S: Final = 3.0
"""For the look-up of the name, and for the handshake."""
MAX_ADDRESSES: Final = 2
"""How many addresses of a name are tried: IPv6 may fail where IPv4 works."""
QUICK_S: Final = 1.0
"""Limit of steps that wait for no other machine."""
CONNECT_S: Final = 2.0
TOKEN_S: Final = 6.0
KEYRING_S: Final = 3.0
SESSION_OF_NOBODY: Final = SessionId("no-such-session-" + "0" * 16)
"""A session that does not exist, to test the token: the backend has to answer 404."""

BEFORE: Final = Message("Not tried, because of what failed before.")


@dataclass(slots=True)
class Way:
    """The knowledge so far. `token`: of the profile, or of the saved sign-in."""

    profile: StudioProfile
    scheme: str = ""
    host: str = ""
    """Both empty if the address is invalid."""
    port: int = 0
    proxy: str | None = None
    addresses: list[str] = field(default_factory=list)
    is_blocked: bool = False
    """A step failed on which all later ones depend."""
    outcome: ProbeOutcome | None = None
    answered_unix_s: float = 0.0
    token: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the backend is on this computer, by its name."""
        return is_this_machine(self.host)

    @property
    def http(self) -> HttpSettings:
        """Raises BadInputError."""
        profile = self.profile
        return HttpSettings(
            first_connect_timeout_s=CONNECT_S,
            allow_insecure=profile.allow_insecure,
            public_only=profile.public_only,
            verify=profile.ssl_context(),
        )


class ConnectionChecks:
    """The steps to one backend. To be used in one event loop."""

    def __init__(
        self,
        profile: StudioProfile,
        *,
        clock: Callable[[], float] = time.time,
        names: NameLookup | None = None,
        word: SystemWord | None = None,
        store: TokenStore | None = None,
        how_to_sign_in: HowToSignIn | None = None,
    ) -> None:
        """`clock`: this computer's, in Unix seconds. `how_to_sign_in`: None: by the terminal."""
        self.way = Way(profile, token=profile.token)
        self._clock = clock
        self._names = names or NameLookup()
        self._word = word or system_word()
        self._store = store or TokenStore()
        self._how = how_to_sign_in

    def checks(self) -> tuple[Check, ...]:
        """In the order in which they depend on each other."""
        return (
            Check("address", QUICK_S, self._address),
            Check("network", STEP_S + 1.0, self._network),
            Check("proxy", QUICK_S, self._proxy),
            Check("dns", STEP_S, self._name),
            Check("tls", MAX_ADDRESSES * STEP_S + 2.5, self._tls),
            Check("backend", BUDGET_S + 1.0, self._backend),
            Check("contract", BUDGET_S + 1.0, self._contract),
            Check("clock", QUICK_S, self._clock_off),
            Check("sign-in", TOKEN_S + BUDGET_S, self._sign_in),
        )

    async def aclose(self) -> None:
        """Stop the steps that still run."""
        await self._names.aclose()

    async def _address(self) -> Finding:
        profile = self.way.profile
        try:
            url = base_url(profile.backend_url, allow_insecure=profile.allow_insecure)
        except BadInputError as error:
            return self._blocked(failed("address", str(error), Message("Check the address.")))
        way = self.way
        way.scheme, way.host = url.scheme, url.host
        way.port = url.port or (443 if url.scheme == "https" else 80)
        return judge.address(way.host, encrypted=way.scheme == "https", is_local=way.is_local)

    async def _network(self) -> Finding:
        reach = Reach.MACHINE if self.way.is_local else reach_of(self.way.profile.network)
        link, _ = way_out(reach)
        local = reach is Reach.MACHINE
        sign_in_page = not local and await self._word.is_behind_sign_in_page()
        return machine_judging.network(link, only_this_machine=local, sign_in_page=sign_in_page)

    async def _proxy(self) -> Finding:
        profile = self.way.profile
        if not self.way.host:
            return not_known("proxy", BEFORE)
        if not self.way.is_local:
            try:
                url = base_url(profile.backend_url, allow_insecure=profile.allow_insecure)
                found = proxy_for(url)
            except BadInputError as error:
                return self._blocked(
                    failed("proxy", str(error), Message("Correct it, or unset it."))
                )
            self.way.proxy = None if found is None else found.variable
        return judge.proxy(self.way.proxy, is_local=self.way.is_local)

    async def _name(self) -> Finding:
        way = self.way
        if way.is_blocked:
            return not_known("dns", BEFORE)
        if way.proxy is not None:
            return not_known("dns", Message("The proxy looks up the name."))
        host = way.host
        try:
            way.addresses = await self._names.addresses(host, way.port)
        except OSError as error:
            late = error.errno == socket.EAI_AGAIN
            return self._blocked(judge.name(host, None, late=late))
        local = way.profile.public_only and not any(map(is_public, way.addresses))
        if is_address(host) or way.is_local:
            return not_known("dns", Message("No name server is needed for this address."))
        found = judge.name(host, way.addresses, local=local)
        return self._blocked(found) if found.outcome is Outcome.FAILED else found

    async def _tls(self) -> Finding:
        way = self.way
        if way.is_blocked:
            return not_known("tls", BEFORE)
        if way.scheme != "https":
            return not_known("tls", Message("The backend is called by plain http."))
        if way.proxy is not None:
            return not_known("tls", Message("The proxy carries it: see what became of the call."))
        try:
            context = way.profile.ssl_context() or tls_context(use_environment=not way.is_local)
        except BadInputError as error:
            return self._blocked(failed("tls", str(error), Message("Correct it, or unset it.")))
        found: Handshake = NoConnection()
        for tried in way.addresses[:MAX_ADDRESSES]:
            found = await handshake(way.host, tried, way.port, context, STEP_S)
            if not isinstance(found, NoConnection):
                break
        finding = judge.tls(found, self._clock())
        return finding if isinstance(found, Trusted) else self._blocked(finding)

    async def _backend(self) -> Finding:
        way = self.way
        if way.is_blocked:
            return not_known("backend", BEFORE)
        probe = BackendProbe(way.profile.backend_url, way.profile.dialect, way.http)
        try:
            way.outcome = await probe.outcome()
        finally:
            await probe.aclose()
        way.answered_unix_s = self._clock()
        found = judge.backend(way.outcome.state, way.outcome.why)
        return found if way.outcome.state is BackendState.ANSWERS else self._blocked(found)

    async def _contract(self) -> Finding:
        way = self.way
        if way.profile.dialect is not OURS:
            return not_known("contract", Message("AWS's samples have no version."))
        if way.is_blocked or way.outcome is None or way.outcome.reply is None:
            return not_known("contract", BEFORE)
        try:
            health = HealthBody.model_validate_json(way.outcome.reply.content)
        except ValueError:
            return self._blocked(judge.contract(None, CONTRACT_VERSION, ()))
        if way.outcome.reply.status != 200 or "contract" not in health.model_fields_set:
            return self._blocked(judge.contract(None, CONTRACT_VERSION, ()))
        about = await self._about() if health.contract_minor else None
        ways = () if about is None else tuple(sorted({each.kind for each in about.sign_in}))
        found = judge.contract((health.contract, health.contract_minor), CONTRACT_VERSION, ways)
        return self._blocked(found) if found.outcome is Outcome.FAILED else found

    async def _about(self) -> AboutBody | None:
        exchange = Exchange(self.way.profile.backend_url, None, http=self.way.http)
        try:
            reply = await exchange.call("GET", "/v1/about", budget_s=BUDGET_S)
            return exchange.parsed(reply, AboutBody) if reply.status == 200 else None
        except CallFailedError:
            return None
        finally:
            await exchange.aclose()

    async def _clock_off(self) -> Finding:
        outcome = self.way.outcome
        date = "" if outcome is None or outcome.reply is None else outcome.reply.headers.get("Date")
        server_unix_s = unix_s_of(date or "")
        if server_unix_s is None:
            return not_known("clock", BEFORE) if outcome is None else judge.clock(None)
        return judge.clock(self.way.answered_unix_s - server_unix_s)

    async def _sign_in(self) -> Finding:
        way = self.way
        if not way.profile.dialect.needs_token:
            return not_known("sign-in", Message("This backend needs no sign-in."))
        if way.is_blocked:
            return not_known("sign-in", BEFORE)
        # Only a part of an address may be shown, and a command with a part of one is no help.
        address = "URL" if is_address(way.host) else way.profile.backend_url
        how = self._how or judge.by_command(f"rejoin sign-in {address}")
        if way.token is None:
            try:
                way.token = await self._saved_token()
            except RejoinError as error:
                return failed("sign-in", str(error), how.again)
        if way.token is None or way.profile.dialect is not OURS:
            if way.token is not None:
                return not_known("sign-in", Message("Whether it is accepted shows in a game."))
            return judge.sign_in(None, "", has_token=False, how=how)
        kind, why = await self._refusal(way.token)
        found = judge.sign_in(kind, why, has_token=True, how=how)
        return self._blocked(found) if found.outcome is Outcome.FAILED else found

    async def _saved_token(self) -> str | None:
        url = self.way.profile.backend_url
        saved = await fetch_sign_in(self._store, url, within_s=KEYRING_S)
        if saved is not None:
            http = HttpSettings(public_only=self.way.profile.public_only)
            tokens = await current_tokens(self._store, url, saved, http)
            return None if tokens is None else tokens.bearer
        return await self._store.fetch(url, within_s=KEYRING_S)

    async def _refusal(self, token: str) -> tuple[FailureKind | None, str]:
        client = BackendClient(self.way.profile.backend_url, token, http=self.way.http)
        try:
            await client.status(SESSION_OF_NOBODY, known=None, wait_s=0.0, budget_s=BUDGET_S)
        except CallFailedError as error:
            return error.failure.kind, str(error)
        finally:
            await client.aclose()
        return None, ""

    def _blocked(self, finding: Finding) -> Finding:
        self.way.is_blocked = True
        return finding

    def profile_to_play(self) -> StudioProfile | None:
        """The profile with the token that was found; None where a game cannot be started."""
        way = self.way
        if way.is_blocked or (way.profile.dialect.needs_token and way.token is None):
            return None
        return replace(way.profile, token=way.token)
