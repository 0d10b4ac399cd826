"""OpenID Connect access tokens (RFC 9068): signed by the issuer, checked here with its keys.

The keys are cached. A token with an unknown key makes us ask the issuer again, at most once in ten
seconds; old keys serve while the issuer does not answer, and tokens signed with one of them do not
wait for it. A valid token is cached until it expires or the issuer is asked again, since checking
its signature is most of the cost of a refused call.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from rejoin.backend.issuer_calls import FetchJson, fetch_json, is_trusted_url
from rejoin.backend.sign_in import SignedIn, SignInUnavailableError
from rejoin.clock import boot_s
from rejoin.tasks import spawn

ALGORITHMS: Final = {"RS256": "RSA", "ES256": "EC"}
"""What is accepted, and the type of key that each needs."""
LEEWAY_S: Final = 30.0
"""How far the issuer's clock and ours may be apart."""
FRESH_S: Final = 600.0
ASK_AGAIN_S: Final = 10.0
USABLE_S: Final = 86400.0
OLD_KEYS_WAIT_S: Final = 0.5
"""A sign-in with a known key waits this long for newer keys, counted from the question."""
_DISCOVERY: Final = "/.well-known/openid-configuration"
_MAX_TOKEN: Final = 16 * 1024
_MAX_KEYS: Final = 100
_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """`audience`: what the tokens must be for. `token_type`: their `typ`, "at+jwt" as RFC 9068 has
    it, or "jwt" for a provider that does not follow it. `applications_claim`: the claim that lists
    what a player may start; None: everything. `client_id`, `scopes`: what clients are to use."""

    issuer: str
    audience: str
    client_id: str | None = None
    scopes: str = "openid"
    token_type: str = "at+jwt"
    applications_claim: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A valid token: its player, its expiry (Unix time), and the keys that verified it."""

    player: SignedIn
    expires_s: int
    keys: Mapping[str, jwt.PyJWK]


class OpenIdTokens:
    """Checks access tokens of one issuer: an `Authenticate`."""

    def __init__(
        self,
        settings: OpenIdSettings,
        *,
        clock: Callable[[], float] = boot_s,
        fetch: FetchJson = fetch_json,
    ) -> None:
        self._settings = settings
        self._keys = IssuerKeys(settings.issuer, clock=clock, fetch=fetch)
        self._known: dict[bytes, _Known] = {}
        """By the SHA-256 of the token, the oldest first."""

    async def __call__(self, token: str) -> SignedIn | None:
        """Raises SignInUnavailableError while the issuer's keys are not known."""
        if len(token) > _MAX_TOKEN or token.count(".") != 2:
            return None
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(name)
        if (
            known is not None
            and known.keys is self._keys.fresh
            and time.time() - LEEWAY_S < known.expires_s
        ):
            return known.player
        return await self._checked(token, name)

    async def _checked(self, token: str, name: bytes) -> SignedIn | None:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        algorithm, key_id, typ = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
            return None
        if algorithm not in ALGORITHMS or "crit" in header or not self._is_type(typ):
            return None
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "sub", "aud"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError, OverflowError):
            return None  # claims of a type that the library does not expect, too
        player = signed_in_by(claims, self._settings.applications_claim)
        keys = self._keys.fresh
        if player is not None and keys is not None:
            self._known.pop(name, None)
            while len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[name] = _Known(player, int(claims["exp"]), keys)
        return player

    def _is_type(self, typ: object) -> bool:
        if not isinstance(typ, str):
            return False
        return typ.lower().removeprefix("application/") == self._settings.token_type


def signed_in_by(claims: Mapping[str, Any], applications_claim: str | None) -> SignedIn | None:
    """The player of valid claims: issuer and subject, which never change with an address.

    A program that signs in as itself may have no subject (RFC 7662); then its client id counts.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    kind = ""
    if subject is None:
        kind, subject = "client\0", claims.get("client_id")
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        return None
    if not isinstance(issuer, str):
        return None
    owner = f"{issuer}\0{kind}{subject}"
    if applications_claim is None:
        return SignedIn(owner)
    listed = claims.get(applications_claim)
    names = listed.split() if isinstance(listed, str) else listed
    if not isinstance(names, list):
        names = []
    return SignedIn(owner, frozenset(name for name in names if isinstance(name, str)))


class IssuerKeys:
    """The issuer's signing keys, by OpenID Connect Discovery 1.0 and JWKS (RFC 7517)."""

    def __init__(self, issuer: str, *, clock: Callable[[], float], fetch: FetchJson) -> None:
        self._issuer = issuer
        self._clock = clock
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -math.inf
        self._asked_at = -math.inf
        self._asking: asyncio.Task[bool] | None = None

    @property
    def fresh(self) -> Mapping[str, jwt.PyJWK] | None:
        """The cached keys; None while they are old and the issuer has not answered."""
        return self._keys if self._age_s() <= FRESH_S else None

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of a token, None for one that the issuer does not have."""
        key = self._chosen(key_id, algorithm)
        if self._age_s() > FRESH_S and await self._ask(patient=key is None):
            key = self._chosen(key_id, algorithm)
        if key is None and await self._ask(patient=True):
            key = self._chosen(key_id, algorithm)
        return key

    def _age_s(self) -> float:
        return self._clock() - self._fetched_at

    def _chosen(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys.values() if key.key_type == ALGORITHMS[algorithm]]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.key_id == key_id), None)

    async def _ask(self, *, patient: bool) -> bool:
        """Whether the keys are new. One question at a time, shared by all callers; `patient`: wait
        for its answer. Raises SignInUnavailableError if there are no keys to use."""
        now = self._clock()
        asking = self._asking
        if asking is None and now - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = now
            asking = self._asking = spawn(self._refreshed(), name="issuer_keys")
        if asking is not None:
            patient = patient or self._age_s() > USABLE_S
            within_s = None if patient else max(0.0, self._asked_at + OLD_KEYS_WAIT_S - now)
            done, _ = await asyncio.wait({asking}, timeout=within_s)
            if done and asking.result():
                return True
        if self._age_s() > USABLE_S:
            raise SignInUnavailableError("The identity provider's keys are not known.")
        return False

    async def _refreshed(self) -> bool:
        """Whether the issuer returned its keys."""
        try:
            self._keys = await self._fetched()
            self._fetched_at = self._clock()
        except SignInUnavailableError:
            return False
        finally:
            self._asking = None
        return True

    async def _fetched(self) -> dict[str, jwt.PyJWK]:
        described = await self._fetch(f"{self._issuer.rstrip('/')}{_DISCOVERY}")
        where = described.get("jwks_uri") if isinstance(described, dict) else None
        if not is_trusted_url(where) or described.get("issuer") != self._issuer:
            raise SignInUnavailableError("The identity provider's description is not its own.")
        listed = await self._fetch(where)
        entries = listed.get("keys") if isinstance(listed, dict) else None
        if not isinstance(entries, list):
            raise SignInUnavailableError("The identity provider's keys cannot be read.")
        return {str(number): key for number, key in enumerate(_signing_keys(entries))}


def _signing_keys(entries: list[Any]) -> list[jwt.PyJWK]:
    keys = []
    for entry in entries[:_MAX_KEYS]:
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and "d" not in entry:
            try:
                keys.append(jwt.PyJWK(entry))
            except (jwt.PyJWTError, TypeError, ValueError, LookupError, NotImplementedError):
                continue  # a kind of key that we do not use, or none at all
    return keys
