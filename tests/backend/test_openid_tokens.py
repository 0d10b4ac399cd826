"""Access tokens that are not what they seem, and an issuer that answers badly."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from rejoin.backend.openid_tokens import (
    ASK_AGAIN_S,
    FRESH_S,
    LEEWAY_S,
    OLD_KEYS_WAIT_S,
    USABLE_S,
    OpenIdSettings,
    OpenIdTokens,
)
from rejoin.backend.sign_in import SignedIn, SignInUnavailableError

ISSUER, AUDIENCE = "https://issuer.example/tenant", "https://backend.example"
SETTINGS = OpenIdSettings(ISSUER, AUDIENCE)
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = rsa.generate_private_key(65537, 2048)


def public(key: Any, key_id: str | None, **more: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    else:
        entry = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {**entry, **({} if key_id is None else {"kid": key_id}), **more}


class Issuer:
    """Answers as an issuer; `asked` counts the fetches of its keys."""

    def __init__(self) -> None:
        self.now = 0.0
        self.keys: Any = [public(RSA, "r1", use="sig"), public(EC, "e1")]
        self.described: Any = {"issuer": ISSUER, "jwks_uri": "https://issuer.example/keys"}
        self.asked = 0
        self.down = False

    async def fetch(self, url: str) -> Any:
        if self.down:
            raise SignInUnavailableError("It does not answer.")
        if url.endswith("/.well-known/openid-configuration"):
            assert url.startswith(ISSUER)
            return self.described
        self.asked += 1
        return {"keys": self.keys}

    def tokens(self, settings: OpenIdSettings = SETTINGS) -> OpenIdTokens:
        return OpenIdTokens(settings, clock=lambda: self.now, fetch=self.fetch)


def token(
    key: Any = RSA,
    key_id: str | None = "r1",
    algorithm: str = "RS256",
    typ: str | None = "at+jwt",
    **changes: Any,
) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "player-1",
        "exp": time.time() + 600,
        **changes,
    }
    headers: dict[str, Any] = {"typ": typ}
    if key_id is not None:
        headers["kid"] = key_id
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm, headers=headers)


async def test_a_good_token_is_its_player() -> None:
    check = Issuer().tokens()
    expected = SignedIn(f"{ISSUER}\0player-1")
    assert await check(token()) == expected
    assert await check(token(EC, "e1", "ES256")) == expected
    assert await check(token(typ="application/at+jwt")) == expected
    assert await check(token(aud=["https://other.example", AUDIENCE])) == expected
    assert await check(token(exp=time.time() - LEEWAY_S / 2)) == expected, "clocks differ"


PUBLIC_PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def signed_with_the_public_key() -> str:
    """HS256 with the RSA public key as secret; PyJWT refuses to make it, so by hand."""
    import hashlib
    import hmac

    def part(content: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": time.time() + 600}
    said = part({"alg": "HS256", "typ": "at+jwt", "kid": "r1"}) + b"." + part(claims)
    mac = hmac.new(PUBLIC_PEM, said, hashlib.sha256).digest()
    return (said + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def with_header(**header: Any) -> str:
    """Not signed; a header of types that no library makes."""
    part = base64.urlsafe_b64encode(json.dumps({"typ": "at+jwt", **header}).encode())
    return part.rstrip(b"=").decode() + ".e30.AAAA"


@pytest.mark.parametrize(
    "bad",
    [
        with_header(alg=["RS256"], kid="r1"),
        with_header(alg={}, kid="r1"),
        with_header(alg="RS256", kid=["r1"]),
        with_header(alg="RS256", typ=["at+jwt"]),
        token(exp=float("inf")),
        token(exp=[1]),
        token(nbf={}),
        token(iat=float("inf")),
        token(OTHER),
        token(iss="https://another.example"),
        token(aud="https://another.example"),
        token(aud=None),
        token(exp=time.time() - 2 * LEEWAY_S),
        token(exp=None),
        token(nbf=time.time() + 600),
        token(sub=None),
        token(sub=""),
        token(sub="a\0b"),
        token(typ="JWT"),
        token(typ=None),
        token(EC, "r1", "ES256"),
        token(RSA, "e1"),
        token(RSA, "r1", "RS512"),
        jwt.encode({"sub": "x", "iss": ISSUER, "aud": AUDIENCE, "exp": 9e9}, "", algorithm="none"),
        signed_with_the_public_key(),
        token().rsplit(".", 1)[0] + ".",
        "a.b.c",
        "..",
        "opaque",
        "x" * 20_000,
    ],
)
async def test_a_bad_token_is_nobody(bad: str) -> None:
    assert await Issuer().tokens()(bad) is None


async def test_a_provider_that_says_jwt_can_be_used() -> None:
    settings = OpenIdSettings(ISSUER, AUDIENCE, token_type="jwt")
    assert await Issuer().tokens(settings)(token(typ="JWT")) is not None
    assert await Issuer().tokens(settings)(token()) is None


async def test_what_a_player_may_start_comes_from_a_claim() -> None:
    check = Issuer().tokens(OpenIdSettings(ISSUER, AUDIENCE, applications_claim="games"))
    for said, names in (
        (["demo", 7, "tour"], {"demo", "tour"}),
        ("demo tour", {"demo", "tour"}),
        (None, set()),
        (5, set()),
    ):
        found = await check(token(games=said))
        assert found is not None
        assert found.applications == frozenset(names)


async def test_a_flood_of_unknown_keys_asks_the_issuer_once() -> None:
    issuer = Issuer()
    check = issuer.tokens()
    assert await check(token()) is not None
    assert issuer.asked == 1
    issuer.now = ASK_AGAIN_S + 1
    for number in range(50):
        assert await check(token(OTHER, f"unknown-{number}")) is None
    assert issuer.asked == 2


async def test_a_signature_is_checked_once_until_the_keys_are_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer, checked = Issuer(), []
    decode = jwt.decode

    def counted(*arguments: Any, **options: Any) -> Any:
        checked.append(True)
        return decode(*arguments, **options)

    monkeypatch.setattr(jwt, "decode", counted)
    check, good = issuer.tokens(), token()
    for _ in range(3):
        assert await check(good) == SignedIn(f"{ISSUER}\0player-1")
    assert len(checked) == 1
    assert await check(good[:-4] + "AAAA") is None, "another signature is another token"
    issuer.now = FRESH_S + 1
    assert await check(good) is not None
    assert len(checked) == 3, "the issuer has answered again"
    issuer.now += FRESH_S + 1
    issuer.keys = [public(OTHER, "r2")]
    assert await check(good) is None, "its key is gone"


async def test_a_token_that_is_known_expires_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    check, good = Issuer().tokens(), token(exp=time.time() + 600)
    assert await check(good) is not None
    later = time.time() + 600 + 2 * LEEWAY_S
    monkeypatch.setattr(time, "time", lambda: later)

    def expired(*_: Any, **__: Any) -> Any:  # by a clock of its own, which is not moved here
        raise jwt.ExpiredSignatureError

    monkeypatch.setattr(jwt, "decode", expired)
    assert await check(good) is None


async def test_new_keys_are_found_and_removed_ones_forgotten() -> None:
    issuer = Issuer()
    check = issuer.tokens()
    assert await check(token()) is not None
    issuer.now = ASK_AGAIN_S + 1
    issuer.keys = [public(OTHER, "r2")]
    assert await check(token(OTHER, "r2")) is not None
    assert await check(token()) is None
    issuer.now += FRESH_S + 1
    issuer.keys = [public(RSA, "r1")]
    assert await check(token(OTHER, "r2")) is None, "also without an unknown key"


async def test_without_a_key_id_the_only_fitting_key_serves() -> None:
    issuer = Issuer()
    issuer.keys = [public(RSA, None)]
    assert await issuer.tokens()(token(key_id=None)) is not None
    issuer.keys = [public(RSA, None), public(OTHER, None)]
    assert await issuer.tokens()(token(key_id=None)) is None


async def test_old_keys_serve_while_the_issuer_is_down_and_not_for_ever() -> None:
    issuer = Issuer()
    check = issuer.tokens()
    assert await check(token()) is not None
    issuer.down = True
    issuer.now = FRESH_S + 1
    assert await check(token()) is not None
    assert await check(token(OTHER, "unknown")) is None
    issuer.now = USABLE_S + 2 * FRESH_S
    with pytest.raises(SignInUnavailableError):
        await check(token())
    issuer.down = False
    issuer.now += ASK_AGAIN_S + 1
    assert await check(token()) is not None


class Held(Issuer):
    """Does not answer before `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def fetch(self, url: str) -> Any:
        await self.go.wait()
        return await super().fetch(url)


async def test_who_has_a_known_key_does_not_wait_for_an_issuer_that_is_silent() -> None:
    issuer = Held()
    check = issuer.tokens()
    issuer.go.set()
    assert await check(token()) is not None
    issuer.go.clear()
    issuer.now = FRESH_S + 1
    first = asyncio.ensure_future(check(token()))
    unknown = asyncio.ensure_future(check(token(OTHER, "r2")))
    assert await first is not None
    issuer.now += OLD_KEYS_WAIT_S
    for _ in range(3):
        assert await check(token()) is not None
    issuer.keys = [public(RSA, "r1"), public(OTHER, "r2")]
    issuer.go.set()
    assert await unknown is not None
    assert issuer.asked == 2


async def test_everybody_who_waits_for_an_issuer_that_fails_gets_the_same_error() -> None:
    issuer = Held()
    issuer.down = True
    check = issuer.tokens()
    waiting = [asyncio.ensure_future(check(token())) for _ in range(3)]
    await asyncio.sleep(0)
    issuer.go.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in outcomes] == 3 * [SignInUnavailableError]


@pytest.mark.parametrize(
    "described",
    [
        None,
        [],
        {},
        {"issuer": "https://another.example", "jwks_uri": "https://issuer.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": 5},
    ],
)
async def test_a_description_that_is_not_the_issuers_is_not_used(described: Any) -> None:
    issuer = Issuer()
    issuer.described = described
    with pytest.raises(SignInUnavailableError):
        await issuer.tokens()(token())


@pytest.mark.parametrize(
    "keys",
    [
        None,
        "x",
        {"a": 1},
        [None, 5, {}, {"kty": "oct", "k": "AAAA", "kid": "r1"}],
        [{"kty": "oct"}],
        [{"kty": "oct", "k": "AAAA", "alg": "none"}],
        [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "none"}],
        [public(RSA, "r1", alg=["RS256"]), public(RSA, "r1", kty=["RSA"])],
    ],
)
async def test_keys_that_cannot_be_used_are_passed_over(keys: Any) -> None:
    issuer = Issuer()
    issuer.keys = keys
    check = issuer.tokens()
    if isinstance(keys, list):
        assert await check(token()) is None
    else:
        with pytest.raises(SignInUnavailableError):
            await check(token())
