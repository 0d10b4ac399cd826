"""Visits a backend before a game is added: whether it answers, its dialect, how players sign in.

The backend is called without a token. A failure is an error with one sentence.
"""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from rejoin.core.retry import FailureKind
from rejoin.core.ticket import BackendAddress
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError
from rejoin.hosts import is_public, is_this_machine
from rejoin.language import Message
from rejoin.runtime.deep_link import is_link, parse_link
from rejoin.runtime.game_icons import icon_from
from rejoin.runtime.games import host_of
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling import name_lookup
from rejoin.signaling.backend_url import base_url
from rejoin.signaling.dialects import OURS
from rejoin.signaling.exchange import CallFailedError, Exchange, HttpSettings, Reply
from rejoin.signaling.wire import CONTRACT_VERSION, AboutBody, HealthBody

WITHIN_S: Final = 4.0
"""How long one call may take."""
RESOLVED_WITHIN_S: Final = 2.0
MAX_ADDRESS: Final = 2048
_SIGN_IN_STATUS: Final = 511
"""Network Authentication Required (RFC 6585)."""


class SignInKind(enum.Enum):
    """How players sign in at a backend."""

    NONE = "none"
    """Its dialect needs no sign-in."""
    OPENID = "openid"
    TOKEN = "token"
    """With a token from the studio."""
    NOT_SAID = "not_said"


@dataclass(frozen=True, slots=True)
class Visited:
    """A backend that can be used. `contract`: such as "1.1"; empty where its dialect has none.
    `is_local`: a link leads to it, although it is on this computer or its network. `icon`: a PNG;
    empty where it names none."""

    address: BackendAddress
    sign_in: SignInKind
    contract: str = ""
    is_local: bool = False
    icon: bytes = field(default=b"", repr=False)


def address_of(text: str) -> BackendAddress:
    """Reads a player's input: a studio's link, or a backend's address, in which https (on this
    computer http) may be left out. Raises BadInputError."""
    text = text.strip()
    if len(text) > MAX_ADDRESS:
        raise BadInputError(Message("This is too long for a link or an address."))
    if is_link(text):
        return parse_link(text)
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname or ""
        text = f"{'http' if is_this_machine(host) else 'https'}://{text}"
    url = base_url(text, allow_insecure=False)
    network = "internet"
    if is_this_machine(url.host):
        network = "loopback"
    elif _is_private(url.host):
        network = "lan"
    # Here the player alone decides about the microphone; a link speaks for the studio.
    return BackendAddress(str(url), OURS.name, network, allows_microphone=True)


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


async def leads_into_this_network(backend_url: str) -> bool:
    """Whether the backend's name resolves to an address that is not public, at this moment.

    An answer that changes later does no harm: each connection is judged again when it is made
    (`signaling/connections`). Raises BadInputError.
    """
    url = base_url(backend_url, allow_insecure=False)
    try:
        addresses = await run_in_daemon_thread(
            lambda: name_lookup.resolved(url.host, url.port or 443),
            name="resolve",
            within_s=RESOLVED_WITHIN_S,
        )
    except (OSError, UnicodeError):
        return False
    return not all(is_public(address) for address in addresses)


async def visit(text: str) -> Visited:
    """Visit the backend of a link or an address. Raises RejoinError, with one sentence."""
    address = address_of(text)
    is_local = False
    if address.public_only:  # a link named it
        is_local = await leads_into_this_network(address.backend_url)
        address = replace(address, public_only=not is_local)
    try:
        found = await visit_address(address)
    except CallFailedError as error:
        raise _advised(error) from error
    return replace(found, is_local=is_local)


def _advised(error: CallFailedError) -> CallFailedError:
    """With what to do where another server answers: the network of a hotel asks everybody for a
    sign-in before it lets them through."""
    failure = error.failure
    if failure.kind is not FailureKind.NOT_BACKEND:
        return error
    from rejoin.runtime.doctor.connection_judging import NETWORK_SIGN_IN, PORTAL

    said = NETWORK_SIGN_IN if failure.http_status == _SIGN_IN_STATUS else failure.detail
    detail = Message("{first} {second}", first=said, second=PORTAL)
    return CallFailedError(replace(failure, detail=detail))


async def visit_address(address: BackendAddress) -> Visited:
    """Raises RejoinError."""
    profile = StudioProfile.from_address(address, None)
    http = HttpSettings(
        # There is one try: a slow path gets all of its time.
        first_connect_timeout_s=WITHIN_S,
        allow_insecure=profile.allow_insecure,
        public_only=profile.public_only,
        verify=profile.ssl_context(),
    )
    exchange = Exchange(profile.backend_url, None, http=http)
    try:
        if profile.dialect is not OURS:
            await exchange.call(
                "GET", "", budget_s=WITHIN_S
            )  # any answer proves that the backend is there
            kind = SignInKind.TOKEN if profile.dialect.needs_token else SignInKind.NONE
            return Visited(address, kind)
        reply = await exchange.call("GET", "/v1/about", budget_s=WITHIN_S)
        if reply.status in (401, 403, 404):
            return await _without_about(exchange, address)
        return _about(exchange, address, reply)
    finally:
        await exchange.aclose()


def _about(exchange: Exchange, address: BackendAddress, reply: Reply) -> Visited:
    if reply.status != 200:
        raise exchange.refused(reply)
    about = exchange.parsed(reply, AboutBody)
    _check_contract(about.contract, address)
    kinds = {way.kind for way in about.sign_in}
    kind = SignInKind.NOT_SAID
    if "openid" in kinds:
        kind = SignInKind.OPENID
    elif "static" in kinds:
        kind = SignInKind.TOKEN
    contract = f"{about.contract}.{about.contract_minor}"
    return Visited(address, kind, contract, icon=icon_from(about.icon))


async def _without_about(exchange: Exchange, address: BackendAddress) -> Visited:
    """A backend of contract 1.0 has only the health route."""
    reply = await exchange.call("GET", "/v1/health", budget_s=WITHIN_S)
    if reply.status != 200:
        raise exchange.not_ours(reply)
    health = exchange.parsed(reply, HealthBody)
    _check_contract(health.contract, address)
    return Visited(address, SignInKind.NOT_SAID, f"{health.contract}.{health.contract_minor}")


def _check_contract(version: int, address: BackendAddress) -> None:
    if version != CONTRACT_VERSION:
        raise BadInputError(
            Message(
                "The backend at {backend_url} needs another version of Rejoin: it speaks "
                "contract {version}, this one contract {contract_version}.",
                backend_url=host_of(address.backend_url),
                version=version,
                contract_version=CONTRACT_VERSION,
            )
        )


def suggested_name(address: BackendAddress) -> str:
    """The name of a new game until the player names it: its host without "www"."""
    host = urlsplit(address.backend_url).hostname or ""
    return host.removeprefix("www.")
