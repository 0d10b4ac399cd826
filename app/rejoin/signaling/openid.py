"""OpenID Connect for a native app, as values: builds requests, and checks answers.

OpenID Connect Core, RFC 6749, 7636, 8252, 8414, 8628 and 9207.

A provider's answer is checked here before it is used. No text of a provider is quoted: it may hold
a code or a token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rejoin.errors import BadInputError, RejoinError
from rejoin.hosts import is_this_machine
from rejoin.language import Message
from rejoin.signaling.backend_url import has_valid_port, is_host

MAX_TOKEN: Final = 8192
MAX_LIFETIME_S: Final = 30 * 86400.0
MAX_DEVICE_S: Final = 1800.0
"""The longest wait for a device code."""
_ERROR: Final = re.compile(r"[a-z_]{1,64}")


class SignInRefusedError(RejoinError):
    """The identity provider refused the sign-in, or its answer is unusable."""

    code = "sign_in_refused"
    exit_code = 4


class SignInEndedError(SignInRefusedError):
    """The refresh token is no longer valid: the player has to sign in again."""

    code = "sign_in_ended"


class ProviderUnreachableError(RejoinError):
    """The identity provider did not answer, or something else answered in its place."""

    code = "provider_unreachable"
    exit_code = 3


@dataclass(frozen=True, slots=True)
class OpenIdMethod:
    """How a player signs in: the issuer, and the parameters of the request.

    `scopes`: separated by blanks. `audience`: what the access token is for; None where the provider
    knows it from the client. `uses_id_token`: the backend takes the ID token in place of the access
    token, as AWS's React starter does.
    """

    issuer: str
    client_id: str
    scopes: str
    audience: str | None = None
    uses_id_token: bool = False

    @property
    def has_id_token(self) -> bool:
        """Whether an ID token is asked for."""
        return "openid" in self.scopes.split()

    def audience_parameters(self) -> dict[str, str]:
        """RFC 8707's `resource`, which must be a URI, and the older `audience`."""
        if self.audience is None:
            return {}
        parameters = {"audience": self.audience}
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", self.audience) and "#" not in self.audience:
            parameters["resource"] = self.audience
        return parameters


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a provider.

    `bearer`: for the backend. `lasts_s`: None where it is not stated.
    `refresh`: None: there is none, or the previous one is still valid.
    """

    bearer: str = field(repr=False)
    lasts_s: float | None = None
    refresh: str | None = field(default=None, repr=False)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)


_Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7E]{1,8192}$")]


class ProviderMetadata(_Answer):
    """The part of a discovery document that is used (RFC 8414)."""

    issuer: _Url
    token_endpoint: _Url
    authorization_endpoint: _Url | None = None
    device_authorization_endpoint: _Url | None = None
    revocation_endpoint: _Url | None = None
    authorization_response_iss_parameter_supported: bool = False
    code_challenge_methods_supported: list[str] | None = None


class _TokenAnswer(_Answer):
    access_token: _Token = Field(repr=False)
    token_type: str
    expires_in: float | None = None
    refresh_token: _Token | None = Field(default=None, repr=False)
    id_token: _Token | None = Field(default=None, repr=False)


class DeviceAnswer(_Answer):
    """Where the player signs in on another device, and the code to type there (RFC 8628)."""

    device_code: _Token = Field(repr=False)
    user_code: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7E]{1,64}$")]
    verification_uri: _Url
    verification_uri_complete: _Url | None = None
    expires_in: Annotated[float, Field(gt=0)]
    interval: Annotated[float, Field(ge=0)] = 5.0


class _Refusal(_Answer):
    error: str = ""


# --- addresses ------------------------------------------------------------------------------------


def checked_url(text: str, what: str) -> httpx.URL:
    """A URL by https, or by http on this machine. `what`: names it in the SignInRefusedError."""
    try:
        url = httpx.URL(text)
        usable = url.scheme in ("http", "https") and is_host(url) and has_valid_port(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        usable = False
    if not usable or url.userinfo or url.fragment:
        raise SignInRefusedError(Message("{what} is not the address of a web server.", what=what))
    if url.scheme == "http" and not is_this_machine(url.host):
        raise SignInRefusedError(
            Message("{what} needs https; http is for this machine only.", what=what)
        )
    return url


def checked_issuer(issuer: str) -> httpx.URL:
    """The URL of an issuer, which has no query either. Raises SignInRefusedError."""
    url = checked_url(issuer, Message("The identity provider"))
    if url.query or len(issuer) > 2048:
        raise SignInRefusedError(
            Message("The identity provider is not the address of a web server.")
        )
    return url


def read_metadata(content: bytes, issuer: str) -> ProviderMetadata:
    """The discovery document of exactly this issuer (RFC 8414, 3.3). Raises SignInRefusedError."""
    try:
        found = ProviderMetadata.model_validate_json(content)
    except ValidationError:
        raise SignInRefusedError(
            Message("The identity provider's discovery document cannot be understood.")
        ) from None
    if found.issuer != issuer:
        raise SignInRefusedError(Message("The identity provider says that it is another one."))
    for endpoint in (
        found.token_endpoint,
        found.authorization_endpoint,
        found.device_authorization_endpoint,
        found.revocation_endpoint,
    ):
        if endpoint is not None:
            checked_url(endpoint, Message("An endpoint of the identity provider"))
    return found


# --- the authorization code -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One sign-in in a browser, with PKCE. Its secrets are random and used once."""

    method: OpenIdMethod
    metadata: ProviderMetadata
    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def url(self) -> str:
        """Where the browser is sent. Raises SignInRefusedError where the provider has no such
        sign-in."""
        endpoint, methods = (
            self.metadata.authorization_endpoint,
            self.metadata.code_challenge_methods_supported,
        )
        if endpoint is None:
            raise SignInRefusedError(Message("The identity provider has no sign-in in a browser."))
        if methods is not None and "S256" not in methods:
            raise SignInRefusedError(
                Message("The identity provider has no sign-in with PKCE (S256).")
            )
        parameters = {
            "response_type": "code",
            "client_id": self.method.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.method.scopes,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **self.method.audience_parameters(),
        }
        if self.method.has_id_token:
            parameters["nonce"] = self.nonce
        if "offline_access" in self.method.scopes.split():
            parameters["prompt"] = "consent"  # OpenID Connect Core, 11
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    def is_answered_by(self, query: str) -> bool:
        """Whether this redirect belongs to this request: anybody can send one to our port."""
        found = _parameters(query)
        return found is not None and hmac.compare_digest(
            found.get("state", "").encode(), self.state.encode()
        )

    def code_from(self, query: str) -> str:
        """The authorization code of a redirect that answers this request.

        Raises SignInRefusedError.
        """
        found = _parameters(query)
        if found is None or not self.is_answered_by(query):
            raise SignInRefusedError(Message("The browser came back from another sign-in."))
        issuer = found.get("iss")
        if issuer is None and self.metadata.authorization_response_iss_parameter_supported:
            raise SignInRefusedError(Message("The browser came back without the provider's name."))
        if issuer is not None and issuer != self.method.issuer:
            raise SignInRefusedError(
                Message("The browser came back from another identity provider.")
            )
        if "error" in found:
            raise refusal_of(found["error"])
        code = found.get("code", "")
        if not re.fullmatch(r"[\x21-\x7E]{1,4096}", code):
            raise SignInRefusedError(Message("The browser came back without a code."))
        return code

    def exchange(self, code: str) -> dict[str, str]:
        """The form for the token endpoint, for this code."""
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.method.client_id,
            "code_verifier": self.verifier,
            **self.method.audience_parameters(),
        }


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def _parameters(query: str) -> Mapping[str, str] | None:
    """The parameters of a redirect; None where one occurs twice (RFC 6749, 3.1) or is malformed."""
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError:
        return None
    if any(len(values) != 1 for values in found.values()):
        return None
    return {name: values[0] for name, values in found.items()}


# --- answers --------------------------------------------------------------------------------------


def read_tokens(
    content: bytes, method: OpenIdMethod, *, now_unix_s: float, nonce: str | None = None
) -> Tokens:
    """The tokens of an answer. `nonce`: what a new ID token must have; None for a refresh.

    The ID token came from the provider itself over TLS, which stands for its signature (OpenID
    Connect Core, 3.1.3.7, 6); the backend checks it where it takes it. Raises SignInRefusedError.
    """
    try:
        found = _TokenAnswer.model_validate_json(content)
    except ValidationError:
        raise SignInRefusedError(
            Message("The identity provider's answer has no usable token.")
        ) from None
    if found.token_type.lower() != "bearer":
        raise SignInRefusedError(
            Message("The identity provider gave a token of a kind that is not known.")
        )
    lasts_s = found.expires_in
    bearer = found.access_token
    if found.id_token is not None:
        expires_unix_s = _checked_id_token(found.id_token, method, now_unix_s, nonce)
        if method.uses_id_token:
            bearer, lasts_s = found.id_token, expires_unix_s - now_unix_s
    elif method.uses_id_token:
        raise SignInRefusedError(Message("The identity provider gave no ID token."))
    if lasts_s is not None:
        lasts_s = min(max(0.0, lasts_s), MAX_LIFETIME_S)
    return Tokens(bearer, lasts_s, found.refresh_token)


def _checked_id_token(
    token: str, method: OpenIdMethod, now_unix_s: float, nonce: str | None
) -> float:
    """When it expires, in Unix seconds, if its claims are right."""
    claims = claims_of(token)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    expires_unix_s = _expiry(claims)
    if claims.get("iss") != method.issuer or method.client_id not in audiences:
        raise SignInRefusedError(Message("The identity provider's ID token is for somebody else."))
    if len(audiences) > 1 and claims.get("azp") != method.client_id:
        raise SignInRefusedError(Message("The identity provider's ID token is for somebody else."))
    if nonce is not None and claims.get("nonce") != nonce:
        raise SignInRefusedError(
            Message("The identity provider's ID token belongs to another sign-in.")
        )
    if expires_unix_s is None:
        raise SignInRefusedError(
            Message("The identity provider's ID token does not say when it expires.")
        )
    if expires_unix_s <= now_unix_s - 120:  # this computer's clock may be wrong
        raise SignInRefusedError(
            Message(
                "The identity provider's ID token has expired, or this computer's clock is wrong."
            )
        )
    return expires_unix_s


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unchecked; none for any other token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def lifetime_of(token: str, *, now_unix_s: float) -> float | None:
    """How long a JWT lasts by its own claims, in seconds; None for any other token."""
    expires_unix_s = _expiry(claims_of(token))
    if expires_unix_s is None:
        return None
    return min(max(0.0, expires_unix_s - now_unix_s), MAX_LIFETIME_S)


def _expiry(claims: Mapping[str, Any]) -> float | None:
    found = claims.get("exp")
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return float(found) if 0 < found < 1e12 else None


def read_device(content: bytes) -> DeviceAnswer:
    """The answer of the device authorization endpoint. Raises SignInRefusedError."""
    try:
        found = DeviceAnswer.model_validate_json(content)
    except ValidationError:
        raise SignInRefusedError(
            Message("The identity provider's answer has no usable code.")
        ) from None
    for address in (found.verification_uri, found.verification_uri_complete):
        if address is not None:
            checked_url(address, Message("The page for signing in"))
    return found


def error_of(content: bytes) -> str:
    """The error code of a refusal (RFC 6749, 5.2), empty for anything else."""
    try:
        return _Refusal.model_validate_json(content).error
    except ValidationError:
        return ""


_SENTENCES: Final = {
    "access_denied": Message("The sign-in was cancelled or denied."),
    "expired_token": Message("The code was not used in time. Sign in again."),
    "invalid_client": Message(
        "The identity provider does not know this client, or its secret is wrong."
    ),
    "unauthorized_client": Message(
        "The identity provider does not let this client sign in this way."
    ),
    "invalid_scope": Message(
        "The identity provider does not have what the backend asks for (scopes)."
    ),
    "invalid_target": Message("The identity provider does not know the backend (audience)."),
    "temporarily_unavailable": Message("The identity provider has no time at the moment."),
    "server_error": Message("The identity provider has failed."),
}


def refusal_of(error: str) -> SignInRefusedError:
    """The sentence for an error code of RFC 6749 or 8628."""
    if error == "invalid_grant":
        return SignInEndedError(Message("The sign-in is over: the provider no longer accepts it."))
    if error in _SENTENCES:
        return SignInRefusedError(_SENTENCES[error])
    if not _ERROR.fullmatch(error):
        return SignInRefusedError(Message("The identity provider refuses."))
    return SignInRefusedError(Message("The identity provider refuses ({error}).", error=error))


def method_said(
    issuer: str | None, client_id: str | None, scopes: str | None, audience: str | None
) -> OpenIdMethod:
    """How to sign in, from a backend's own description. Raises BadInputError if it is
    incomplete."""
    if not issuer or not client_id:
        raise BadInputError(
            Message("The backend does not say how players sign in: its issuer or client id.")
        )
    for text in (issuer, client_id, scopes or "", audience or ""):
        if not re.fullmatch(r"[\x20-\x7E]{0,2048}", text):
            raise BadInputError(Message("What the backend says about its sign-in cannot be used."))
    checked_issuer(issuer)
    return OpenIdMethod(issuer, client_id, scopes or "openid", audience or None)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
