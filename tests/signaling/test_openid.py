"""What a provider answers is judged before it is used, and a sign-in asks for what it should."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import BadInputError
from rejoin.signaling.openid import (
    MAX_LIFETIME_S,
    AuthorizationRequest,
    OpenIdMethod,
    ProviderMetadata,
    SignInEndedError,
    SignInRefusedError,
    challenge_of,
    checked_url,
    claims_of,
    error_of,
    lifetime_of,
    method_said,
    read_device,
    read_metadata,
    read_tokens,
    refusal_of,
)

ISSUER = "https://id.example"
METHOD = OpenIdMethod(ISSUER, "rejoin", "openid play", "https://backend.example")
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["S256"],
}
NOW = 1_800_000_000.0
NAMES = st.sampled_from(
    [
        *("issuer", "token_endpoint", "access_token", "token_type", "expires_in", "id_token"),
        *("device_code", "user_code", "verification_uri", "interval", "error"),
        *("iss", "aud", "exp", "nonce", "azp", "x"),
    ]
)


def metadata(**changes: Any) -> ProviderMetadata:
    return read_metadata(json.dumps(METADATA | changes).encode(), ISSUER)


def request(method: OpenIdMethod = METHOD, **changes: Any) -> AuthorizationRequest:
    return AuthorizationRequest(method, metadata(**changes), "http://127.0.0.1:5/sign-in")


def jwt(**claims: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.c2ln"


def answer(**changes: Any) -> bytes:
    found = {"access_token": "CANARY-access", "token_type": "Bearer", "expires_in": 300} | changes
    return json.dumps({name: value for name, value in found.items() if value is not None}).encode()


# --- the request ----------------------------------------------------------------------------------


def test_the_challenge_is_that_of_the_rfc() -> None:
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_browser_is_sent_with_everything_but_the_verifier() -> None:
    asked = request()
    parameters = parse_qs(urlsplit(asked.url()).query)
    assert parameters == {
        "response_type": ["code"],
        "client_id": ["rejoin"],
        "redirect_uri": ["http://127.0.0.1:5/sign-in"],
        "scope": ["openid play"],
        "state": [asked.state],
        "nonce": [asked.nonce],
        "code_challenge": [challenge_of(asked.verifier)],
        "code_challenge_method": ["S256"],
        "audience": ["https://backend.example"],
        "resource": ["https://backend.example"],
    }
    assert asked.exchange("c")["code_verifier"] == asked.verifier
    assert asked.verifier not in asked.url()
    assert not {asked.state, asked.nonce, asked.verifier} & set(repr(asked).split("'"))


def test_secrets_are_new_each_time() -> None:
    one, other = request(), request()
    assert not {one.state, one.nonce, one.verifier} & {other.state, other.nonce, other.verifier}
    assert len(one.verifier) >= 43


@pytest.mark.parametrize(
    ("scopes", "audience", "absent", "present"),
    [
        ("play", None, {"nonce", "audience", "resource", "prompt"}, set()),
        ("openid offline_access", "my-api", {"resource"}, {"nonce", "audience", "prompt"}),
        ("play", "https://b.example/#part", {"resource"}, {"audience"}),
    ],
)
def test_only_what_is_wanted_is_asked_for(
    scopes: str, audience: str | None, absent: set[str], present: set[str]
) -> None:
    asked = request(replace(METHOD, scopes=scopes, audience=audience))
    names = set(parse_qs(urlsplit(asked.url()).query))
    assert not names & absent
    assert present <= names


def test_an_endpoint_may_have_a_query_of_its_own() -> None:
    url = request(authorization_endpoint=f"{ISSUER}/auth?tenant=1").url()
    assert url.startswith(f"{ISSUER}/auth?tenant=1&response_type=code&")


@pytest.mark.parametrize(
    "changes",
    [{"authorization_endpoint": None}, {"code_challenge_methods_supported": ["plain"]}],
)
def test_a_provider_without_pkce_in_a_browser_is_not_used(changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefusedError):
        request(**changes).url()


# --- the redirect ---------------------------------------------------------------------------------


def back(asked: AuthorizationRequest, **changes: str) -> str:
    return urlencode({"code": "c-1", "state": asked.state} | changes)


def test_the_code_comes_from_a_redirect_of_this_request() -> None:
    asked = request()
    assert asked.is_answered_by(back(asked))
    assert asked.code_from(back(asked)) == "c-1"
    assert asked.code_from(back(asked, iss=ISSUER)) == "c-1"


@pytest.mark.parametrize("query", ["", "code=c", "code=c&state=", "code=c&state=x", "a" * 9000])
def test_another_redirect_is_not_ours(query: str) -> None:
    assert not request().is_answered_by(query)
    with pytest.raises(SignInRefusedError, match="another sign-in"):
        request().code_from(query)


def test_a_parameter_that_occurs_twice_is_refused() -> None:
    asked = request()
    assert not asked.is_answered_by(f"{back(asked)}&state={asked.state}")
    assert not asked.is_answered_by(f"{back(asked)}&code=c-2")


def test_the_issuer_of_a_redirect_is_compared() -> None:
    asked = request(authorization_response_iss_parameter_supported=True)
    assert asked.code_from(back(asked, iss=ISSUER)) == "c-1"
    with pytest.raises(SignInRefusedError, match="another identity provider"):
        asked.code_from(back(asked, iss="https://evil.example"))
    with pytest.raises(SignInRefusedError, match="without the provider's name"):
        asked.code_from(back(asked))
    says_nothing = request()
    with pytest.raises(SignInRefusedError, match="another identity provider"):
        says_nothing.code_from(back(says_nothing, iss="https://evil.example"))


@pytest.mark.parametrize("code", ["", "a b", "x" * 5000, "\n"])
def test_a_code_that_is_none(code: str) -> None:
    asked = request()
    with pytest.raises(SignInRefusedError, match="without a code"):
        asked.code_from(back(asked, code=code))


def test_a_refusal_in_the_browser_is_told_and_not_quoted() -> None:
    asked = request()
    with pytest.raises(SignInRefusedError, match="cancelled or denied"):
        asked.code_from(back(asked, error="access_denied", error_description="CANARY"))
    with pytest.raises(SignInRefusedError) as raised:
        asked.code_from(back(asked, error="<b>CANARY"))
    assert "CANARY" not in str(raised.value)


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [f"{ISSUER}/", "https://evil.example", "HTTPS://ID.EXAMPLE"])
def test_a_discovery_document_must_be_the_issuers_own(said: str) -> None:
    with pytest.raises(SignInRefusedError, match="another one"):
        metadata(issuer=said)


@pytest.mark.parametrize(
    "endpoint", ["http://id.example/token", "ftp://id.example", "x", "https://a:b@c.example/"]
)
def test_an_endpoint_is_https_or_on_this_machine(endpoint: str) -> None:
    with pytest.raises(SignInRefusedError):
        metadata(revocation_endpoint=endpoint)
    here = "http://127.0.0.1:1/x"
    assert metadata(revocation_endpoint=here).revocation_endpoint == here


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"issuer": 1}', b"[" * 9999])
def test_nonsense_is_no_answer(content: bytes) -> None:
    with pytest.raises(SignInRefusedError):
        read_metadata(content, ISSUER)
    with pytest.raises(SignInRefusedError):
        read_tokens(content, METHOD, now_unix_s=NOW)
    with pytest.raises(SignInRefusedError):
        read_device(content)
    assert error_of(content) == ""


def test_tokens_are_read_and_not_shown() -> None:
    tokens = read_tokens(answer(refresh_token="CANARY-refresh"), METHOD, now_unix_s=NOW)
    assert (tokens.bearer, tokens.lasts_s, tokens.refresh) == (
        "CANARY-access",
        300,
        "CANARY-refresh",
    )
    assert "CANARY" not in repr(tokens)


@pytest.mark.parametrize(
    ("expires_in", "lasts_s"),
    [(None, None), (-5, 0.0), (1e300, MAX_LIFETIME_S), (0.5, 0.5)],
)
def test_a_lifetime_is_bounded(expires_in: float | None, lasts_s: float | None) -> None:
    found = read_tokens(answer(expires_in=expires_in), METHOD, now_unix_s=NOW)
    assert found.lasts_s == lasts_s


@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "DPoP"},
        {"token_type": None},
        {"access_token": "a b"},
        {"access_token": "x" * 9000},
        {"access_token": ""},
        {"refresh_token": "a\nb"},
        {"expires_in": "soon"},
    ],
)
def test_tokens_that_cannot_be_used(changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefusedError):
        read_tokens(answer(**changes), METHOD, now_unix_s=NOW)


RIGHT = {"iss": ISSUER, "aud": "rejoin", "exp": NOW + 300, "nonce": "n-1"}


def test_an_id_token_is_sent_where_the_backend_wants_it() -> None:
    token = jwt(**RIGHT)
    method = replace(METHOD, uses_id_token=True)
    found = read_tokens(answer(id_token=token), method, now_unix_s=NOW, nonce="n-1")
    assert (found.bearer, found.lasts_s) == (token, 300)
    with pytest.raises(SignInRefusedError, match="no ID token"):
        read_tokens(answer(), method, now_unix_s=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": []},
        {"aud": ["rejoin", "another"]},
        {"aud": ["rejoin", "another"], "azp": "another"},
        {"nonce": "n-2"},
        {"nonce": None},
        {"exp": NOW - 500},
        {"exp": None},
        {"exp": True},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"exp": "later"},
    ],
)
def test_an_id_token_of_somebody_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefusedError):
        read_tokens(answer(id_token=jwt(**RIGHT | changes)), METHOD, now_unix_s=NOW, nonce="n-1")


def test_an_id_token_for_several_names_its_client() -> None:
    token = jwt(**RIGHT | {"aud": ["rejoin", "another"], "azp": "rejoin"})
    found = read_tokens(answer(id_token=token), METHOD, now_unix_s=NOW, nonce="n-1")
    assert found.bearer == "CANARY-access"


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "....", "a." + "W" * 4000 + ".c"])
def test_what_is_no_jwt_has_no_claims(token: str) -> None:
    assert claims_of(token) == {}
    assert lifetime_of(token, now_unix_s=NOW) is None


def test_a_jwt_says_how_long_it_lasts() -> None:
    assert lifetime_of(jwt(exp=NOW + 60), now_unix_s=NOW) == 60
    assert lifetime_of(jwt(exp=NOW - 60), now_unix_s=NOW) == 0
    assert lifetime_of(jwt(exp=10**400), now_unix_s=NOW) is None


DEVICE = {
    "device_code": "CANARY-d",
    "user_code": "ABCD-EFGH",
    "verification_uri": f"{ISSUER}/device",
    "expires_in": 600,
}


def test_a_device_code_is_read() -> None:
    device = read_device(json.dumps(DEVICE).encode())
    assert (device.user_code, device.interval) == ("ABCD-EFGH", 5)
    assert "CANARY" not in repr(device)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_code": "\x1b[2J"},
        {"user_code": "x" * 65},
        {"verification_uri": "http://evil.example"},
        {"verification_uri_complete": "javascript:alert(1)"},
        {"expires_in": 0},
        {"interval": -1},
    ],
)
def test_a_device_code_that_cannot_be_used(changes: dict[str, Any]) -> None:
    with pytest.raises(SignInRefusedError):
        read_device(json.dumps(DEVICE | changes).encode())


def test_a_refresh_token_that_is_over_is_told_apart() -> None:
    assert isinstance(refusal_of("invalid_grant"), SignInEndedError)
    assert not isinstance(refusal_of("invalid_client"), SignInEndedError)
    assert str(refusal_of("odd_error")) == "The identity provider refuses (odd_error)."
    assert str(refusal_of("CANARY!")) == "The identity provider refuses."


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_provider_answers_is_read_or_refused(content: bytes) -> None:
    for read in (
        lambda: read_tokens(content, METHOD, now_unix_s=NOW, nonce="n-1"),
        lambda: read_metadata(content, ISSUER),
        lambda: read_device(content),
    ):
        with contextlib.suppress(SignInRefusedError):
            read()
    assert isinstance(refusal_of(error_of(content)), SignInRefusedError)


@given(ANY_JSON, st.text(max_size=60))
def test_whatever_an_id_token_or_a_redirect_holds(claims: Any, query: str) -> None:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    token = f"a.{part}.c"
    assert isinstance(claims_of(token), dict)
    lasts_s = lifetime_of(token, now_unix_s=NOW)
    assert lasts_s is None or 0 <= lasts_s <= MAX_LIFETIME_S
    with contextlib.suppress(SignInRefusedError):
        read_tokens(answer(id_token=token), METHOD, now_unix_s=NOW, nonce="n-1")
    with pytest.raises(SignInRefusedError):
        request().code_from(query)


# --- what a backend says --------------------------------------------------------------------------


def test_a_backend_says_how_players_sign_in() -> None:
    assert method_said(ISSUER, "rejoin", None, None) == OpenIdMethod(ISSUER, "rejoin", "openid")


@pytest.mark.parametrize(
    ("issuer", "client_id"), [(None, "rejoin"), (ISSUER, None), ("", "r"), (ISSUER, "a\nb")]
)
def test_what_a_backend_says_may_not_be_enough(issuer: str | None, client_id: str | None) -> None:
    with pytest.raises(BadInputError):
        method_said(issuer, client_id, "openid", None)


@pytest.mark.parametrize(
    "issuer", ["http://id.example", "https://id.example/?x=1", "file:///etc", "id.example"]
)
def test_an_issuer_is_https_or_on_this_machine(issuer: str) -> None:
    with pytest.raises(SignInRefusedError):
        method_said(issuer, "rejoin", None, None)


def test_an_address_is_not_quoted() -> None:
    with pytest.raises(SignInRefusedError) as raised:
        checked_url("https://canary:secret@x.example", "It")
    assert "canary" not in str(raised.value)
