"""Who may use the backend: finds the player of a bearer token.

`static_tokens` is here; `openid_tokens` and `introspection` use a studio's identity provider.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from rejoin.backend.store.schema import secret_hash
from rejoin.errors import ServiceError

_log = logging.getLogger("rejoin.backend.sign_in")

SLOWED_BY_S: Final = 0.05
SLOWEST_S: Final = 1.0
FORGOTTEN_AFTER_S: Final = 60.0
_MOST_ADDRESSES: Final = 10_000
_MOST_SLOWED: Final = 100
"""The most refusals that are delayed at a time; further ones are answered at once."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`owner`: a stable name of the player, never an address. `applications`: those that they may
    start, by name; None for all."""

    owner: str
    applications: frozenset[str] | None = None


class SignInUnavailableError(ServiceError):
    """The identity provider does not answer, so nobody knows whether the token is valid."""

    code = "sign_in_unavailable"


Authenticate = Callable[[str], "SignedIn | str | Awaitable[SignedIn | None] | None"]
"""From a bearer token to its player, or None. A str is an owner who may start every application.
Called once per request; may raise SignInUnavailableError."""


def static_tokens(tokens: Collection[str]) -> Authenticate:
    """A fixed set of bearer tokens, each its own owner; compared in constant time."""
    known = [(secret_hash("bearer", token), token) for token in tokens]

    def authenticate(presented: str) -> str | None:
        digest = secret_hash("bearer", presented)
        owner: str | None = None
        for candidate, token in known:
            if hmac.compare_digest(candidate, digest):
                owner = token
        return owner

    return authenticate


async def signed_in(authenticate: Authenticate, token: str) -> SignedIn | None:
    """Check a token."""
    found = authenticate(token)
    if isinstance(found, str):
        return SignedIn(found)
    if found is None or isinstance(found, SignedIn):
        return found
    return await found


def first_of(*ways: Authenticate) -> Authenticate:
    """Tries the checks one after another: the first that knows the token decides."""

    async def authenticate(token: str) -> SignedIn | None:
        for way in ways:
            found = await signed_in(way, token)
            if found is not None:
                return found
        return None

    return authenticate


NO_ADDRESS: Final = "no address"


def shown_address(address: str) -> str:
    """The address, or NO_ADDRESS for any other text: a proxy may pass on a client's text."""
    try:
        ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return NO_ADDRESS
    return address


def _source_of(address: str) -> str:
    """The network of an IPv6 address, as one client has a whole network; all texts that are no
    address are one source."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return NO_ADDRESS
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


class RefusedSignIns:
    """Counts refused sign-ins of each address, and delays the answers longer and longer.

    A valid token is never slowed down: many players may share one address.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, float]] = {}
        self._slowed = 0
        self.total = 0

    def count(self, address: str) -> int:
        """Count one more; returns how many of this address (IPv6: its /64 network) were refused
        within a minute."""
        now = self._clock()
        address = _source_of(address)
        count, since_at = self._counts.pop(address, (0, now))
        if now - since_at > FORGOTTEN_AFTER_S:
            count, since_at = 0, now
        count += 1
        self.total += 1
        while len(self._counts) >= _MOST_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        self._counts[address] = (count, since_at)
        if count in (10, 100, 1000) or count % 10_000 == 0:
            _log.warning("%d sign-ins of one address were refused within a minute", count)
        return count

    async def slow_down(self, count: int) -> None:
        """Delay an answer. `count`: how many sign-ins of its address were refused."""
        if self._slowed >= _MOST_SLOWED:
            return
        self._slowed += 1
        try:
            await asyncio.sleep(min(SLOWEST_S, SLOWED_BY_S * (count - 1)))
        finally:
            self._slowed -= 1
