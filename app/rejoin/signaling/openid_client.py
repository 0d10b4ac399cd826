"""Calls to an identity provider: discovery, tokens, device codes, revocation.

It also reads a backend's description of its sign-in. Each call is bounded in time and size, like
calls to a backend (`exchange`).
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import httpx

from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.language import Message, mark
from rejoin.signaling.exchange import (
    CallFailedError,
    Exchange,
    Form,
    HttpSettings,
    Reply,
    is_json,
)
from rejoin.signaling.openid import (
    MAX_DEVICE_S,
    AuthorizationRequest,
    DeviceAnswer,
    OpenIdMethod,
    ProviderMetadata,
    ProviderUnreachableError,
    SignInRefusedError,
    Tokens,
    checked_issuer,
    checked_url,
    error_of,
    method_said,
    read_device,
    read_metadata,
    read_tokens,
    refusal_of,
)
from rejoin.signaling.wire import AboutBody

WITHIN_S: Final = 4.0
"""How long one call may take: a reconnect may wait for it."""
CONNECT_WITHIN_S: Final = 2.0
_SLOWER_S: Final = 5.0
"""What `slow_down` adds to the interval (RFC 8628, 3.5)."""
_LONGEST_INTERVAL_S: Final = 60.0
_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


async def ask_how_to_sign_in(backend_url: str, http: HttpSettings) -> OpenIdMethod | None:
    """The OpenID Connect sign-in in the backend's `GET /v1/about`; None: it has none.

    Raises CallFailedError and BadInputError, the latter also for a backend reached by http on
    another machine: an attacker on the path could choose the provider.
    """
    http = replace(http, allow_insecure=False, first_connect_timeout_s=CONNECT_WITHIN_S)
    exchange = Exchange(backend_url, None, http=http)
    try:
        reply = await exchange.call("GET", "/v1/about", budget_s=WITHIN_S)
        if reply.status in (401, 403, 404):
            return None  # contract 1.0, or another dialect
        if reply.status != 200:
            raise exchange.refused(reply)
        about = exchange.parsed(reply, AboutBody)
    finally:
        await exchange.aclose()
    ways = [way for way in about.sign_in if way.kind == "openid"]
    if not ways:
        return None
    # A backend may also accept tokens of another issuer, at which nobody signs in.
    way = next((way for way in ways if way.client_id), ways[0])
    return method_said(way.issuer, way.client_id, way.scopes, way.audience)


class OpenIdClient:
    """One client of one provider. To be made and used in one event loop.

    Every call raises SignInRefusedError or ProviderUnreachableError, and nothing else.
    """

    def __init__(
        self,
        method: OpenIdMethod,
        http: HttpSettings,
        *,
        secret: str | None = None,
        within_s: float = WITHIN_S,
        now_unix_s: Callable[[], float] = time.time,
    ) -> None:
        """`http`: `allow_insecure` and `verify` are those of a backend, and do not count here.
        `secret`: of a confidential client."""
        self.method = method
        self._http = replace(
            http,
            allow_insecure=False,
            verify=None,
            connect_timeout_s=CONNECT_WITHIN_S,
            first_connect_timeout_s=CONNECT_WITHIN_S,
        )
        self._secret = secret
        self._within_s = within_s
        self._now_unix_s = now_unix_s
        self._metadata: ProviderMetadata | None = None
        self._exchanges: dict[str, Exchange] = {}

    async def discover(self) -> ProviderMetadata:
        """The provider's endpoints, asked for once."""
        if self._metadata is None:
            issuer = checked_issuer(self.method.issuer)
            where = str(issuer).rstrip("/") + "/.well-known/openid-configuration"
            reply = await self._call("GET", where)
            if reply.status != 200 or not is_json(reply):
                raise ProviderUnreachableError(
                    Message(
                        "The identity provider at {host} has no discovery document.",
                        host=issuer.host,
                    )
                )
            self._metadata = read_metadata(reply.content, self.method.issuer)
        return self._metadata

    async def exchange_code(self, request: AuthorizationRequest, code: str) -> Tokens:
        """The tokens for an authorization code."""
        return await self._tokens(
            request.exchange(code), nonce=request.nonce if self.method.has_id_token else None
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token. Raises SignInEndedError when it is no longer valid."""
        return await self._tokens(
            {
                "grant_type": "refresh_token",
                "refresh_token": refresh_token,
                "client_id": self.method.client_id,
                **self.method.audience_parameters(),
            }
        )

    async def client_credentials(self) -> Tokens:
        """Tokens of the client itself (RFC 6749, 4.4)."""
        parameters = {"grant_type": "client_credentials", **self.method.audience_parameters()}
        if self.method.scopes:
            parameters["scope"] = self.method.scopes
        return await self._tokens(parameters)

    async def begin_device(self) -> DeviceAnswer:
        """A code with which the player signs in on another device (RFC 8628)."""
        metadata = await self.discover()
        if metadata.device_authorization_endpoint is None:
            raise SignInRefusedError(
                Message("The identity provider has no sign-in on another device (device codes).")
            )
        reply = await self._call(
            "POST",
            metadata.device_authorization_endpoint,
            {
                "client_id": self.method.client_id,
                "scope": self.method.scopes,
                **self.method.audience_parameters(),
            },
        )
        self._check(reply)
        return read_device(reply.content)

    async def wait_for_device(self, device: DeviceAnswer) -> Tokens:
        """The tokens, once the player has signed in on the other device."""
        interval_s = min(max(1.0, device.interval), _LONGEST_INTERVAL_S)
        parameters = {
            "grant_type": _DEVICE_GRANT,
            "device_code": device.device_code,
            "client_id": self.method.client_id,
            **self.method.audience_parameters(),
        }
        try:
            async with asyncio.timeout(min(device.expires_in, MAX_DEVICE_S)):
                while True:
                    await asyncio.sleep(interval_s)
                    try:
                        reply = await self._call("POST", await self._token_endpoint(), parameters)
                    except ProviderUnreachableError:
                        interval_s = min(2 * interval_s, _LONGEST_INTERVAL_S)
                        continue
                    error = "" if reply.status == 200 else error_of(reply.content)
                    if error == "slow_down":
                        interval_s = min(interval_s + _SLOWER_S, _LONGEST_INTERVAL_S)
                    elif error != "authorization_pending":
                        self._check(reply)
                        return read_tokens(
                            reply.content, self.method, now_unix_s=self._now_unix_s()
                        )
        except TimeoutError:
            raise refusal_of("expired_token") from None

    async def revoke(self, refresh_token: str) -> bool:
        """End the sign-in at the provider (RFC 7009); False: the provider has no such call."""
        metadata = await self.discover()
        if metadata.revocation_endpoint is None:
            return False
        reply = await self._call(
            "POST",
            metadata.revocation_endpoint,
            {
                "token": refresh_token,
                "token_type_hint": "refresh_token",
                "client_id": self.method.client_id,
            },
        )
        if reply.status != 200:
            self._check(reply)
        return True

    async def aclose(self) -> None:
        """Close all connections."""
        for exchange in self._exchanges.values():
            await exchange.aclose()
        self._exchanges.clear()

    async def _token_endpoint(self) -> str:
        return (await self.discover()).token_endpoint

    async def _tokens(self, parameters: dict[str, str], *, nonce: str | None = None) -> Tokens:
        reply = await self._call("POST", await self._token_endpoint(), parameters)
        self._check(reply)
        return read_tokens(reply.content, self.method, now_unix_s=self._now_unix_s(), nonce=nonce)

    def _check(self, reply: Reply) -> None:
        """Raises unless it is a JSON answer of success."""
        error = error_of(reply.content) if reply.status >= 400 else ""
        if error and reply.status < 500:
            raise refusal_of(error)
        if not 200 <= reply.status <= 299 or not is_json(reply):
            host = checked_issuer(self.method.issuer).host
            raise ProviderUnreachableError(
                Message(
                    "The identity provider at {host} answered {status}, which is no answer.",
                    host=host,
                    status=reply.status,
                )
            )

    async def _call(
        self, method: str, endpoint: str, parameters: dict[str, str] | None = None
    ) -> Reply:
        url = checked_url(endpoint, Message("An endpoint of the identity provider"))
        headers = {}
        if parameters is not None and self._secret is not None:
            # Each part is form-encoded first (RFC 6749, 2.3.1).
            pair = f"{quote(self.method.client_id, '')}:{quote(self._secret, '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        try:
            return await self._exchange_with(url).call(
                method,
                url.raw_path.decode("ascii"),
                budget_s=self._within_s,
                headers=headers,
                content=None if parameters is None else Form(parameters),
            )
        except CallFailedError as error:
            if error.failure.kind is FailureKind.TLS:
                raise ProviderUnreachableError(
                    Message(
                        "The identity provider at {host} has a certificate that is not "
                        "trusted, or its TLS failed.",
                        host=url.host,
                    )
                ) from None
            raise ProviderUnreachableError(str(error)) from None
        except BadInputError as error:  # a proxy or authorities that cannot be used
            raise ProviderUnreachableError(str(error)) from None

    def _exchange_with(self, url: httpx.URL) -> Exchange:
        """The exchange with this origin."""
        origin = str(url.copy_with(raw_path=b"/"))
        if origin not in self._exchanges:
            self._exchanges[origin] = Exchange(
                origin,
                None,
                http=self._http,
                stranger=mark("is no identity provider"),
                server=mark("identity provider"),
            )
        return self._exchanges[origin]
