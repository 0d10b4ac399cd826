"""One HTTP exchange with a studio's backend: bounded in time and size, with one way to fail.

The clients of all dialects share it. Every call ends within its budget and returns a complete
answer or raises `CallFailedError`, whose `Failure` is a row of the table in `core/retry`. HTTP/1.1
without redirects, cookies or compression. The proxies of the environment (HTTPS_PROXY, NO_PROXY
...) and SSL_CERT_FILE are used, but not for a backend on loopback, which a proxy does not reach. A
call that a proxy refuses was not sent: that says nothing about the backend.
"""

from __future__ import annotations

import asyncio
import codecs
import email.utils
import json
import logging
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ValidationError

from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import BadInputError, RejoinError
from rejoin.hosts import is_this_machine
from rejoin.language import Message, mark
from rejoin.signaling.backend_url import base_url
from rejoin.signaling.connections import AddressRefusedError
from rejoin.signaling.http_environment import proxy_failure, proxy_for
from rejoin.signaling.transport import DEFAULT_HTTP, HttpSettings, Transports
from rejoin.signaling.wire import MAX_BODY_BYTES, PROBLEM_CONTENT_TYPE

__all__ = [
    "DEFAULT_HTTP",
    "CallFailedError",
    "Exchange",
    "Form",
    "HttpSettings",
    "Reply",
    "is_json",
]

_log = logging.getLogger("rejoin.signaling.exchange")
_Body = TypeVar("_Body", bound=BaseModel)

_RETRY_AFTER_MAX_S: Final = 86400.0
MAX_CONNECT_TIMEOUT_S: Final = 5.0
"""How long a connection may take to open, unless three of its round trips are longer."""

_KIND_BY_STATUS: Final[dict[int, FailureKind]] = {
    401: FailureKind.UNAUTHENTICATED,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    407: FailureKind.NOT_SENT,
    408: FailureKind.OUTCOME_UNKNOWN,
    409: FailureKind.CONFLICT,
    425: FailureKind.OUTCOME_UNKNOWN,
    429: FailureKind.THROTTLED,
    # Network authentication required (RFC 6585): a captive portal that identifies itself.
    511: FailureKind.NOT_BACKEND,
}


class CallFailedError(RejoinError):
    """A call to the backend failed; `failure` says how."""

    code = "call_failed"
    exit_code = 3

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(slots=True)
class _Written:
    """Whether the first byte of the request was written; calls `on_written` once.

    `step`: what httpcore began last, such as "connection.connect_tcp".
    """

    on_written: Callable[[], None] | None = None
    begun: bool = False
    step: str = ""

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """httpcore's trace hook. A proxy's CONNECT is not our request."""
        if event.endswith(".started"):
            self.step = event.removesuffix(".started")
        if event != "http11.send_request_headers.started" or self.begun:
            return
        if getattr(info.get("request"), "method", b"") == b"CONNECT":
            return
        self.begun = True
        if self.on_written is not None:
            self.on_written()


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer of an allowed size."""

    status: int
    content_type: str
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class Form(dict[str, str]):
    """The fields of a form, which is sent in place of JSON."""


class Exchange:
    """Talks to one backend. To be made and used in one event loop."""

    def __init__(
        self,
        backend_url: str,
        token: str | None,
        *,
        http: HttpSettings = DEFAULT_HTTP,
        stranger: str = mark("is not a Rejoin backend"),
        server: str = mark("backend"),
    ) -> None:
        """`backend_url`: https, except on loopback or with `allow_insecure`. `token`: the bearer
        token, if there is one. `server`: the name of this server in sentences. `stranger`: that of
        a server of another kind. Both are marked for translation. Raises `BadInputError`.
        """
        url = base_url(backend_url, allow_insecure=http.allow_insecure)
        if token is not None:
            _check_bearer(token)
        self._name = Message("The {server} at {host}", server=Message(server), host=url.host)
        self._base = str(url).rstrip("/")
        self._token = token
        self._stranger = stranger
        self._proxy = None if is_this_machine(url.host) else proxy_for(url)
        self._http = http
        self._transports = Transports(url, self._proxy, http)
        self._reached = False
        """Whether the backend has answered a call."""
        self._connect_timeouts = 0
        """How many connections in a row were not opened in time."""

        def client() -> httpx.AsyncClient:
            return httpx.AsyncClient(
                transport=self._transports.new(),
                timeout=None,  # the call has its own, and a connection `_connect_timeout_s`
                follow_redirects=False,
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={
                    "Accept": f"application/json, {PROBLEM_CONTENT_TYPE}",
                    "Accept-Encoding": "identity",
                    "User-Agent": "rejoin",
                },
            )

        self._new_client = client
        self._client = client()
        self._calls: Counter[httpx.AsyncClient] = Counter()
        """Running calls by the client whose connections they use."""
        self._retired: list[httpx.AsyncClient] = []
        """Clients whose connections belong to an earlier network."""

    def use_token(self, token: str) -> None:
        """Use this bearer token from the next call on. Raises `BadInputError`."""
        _check_bearer(token)
        self._token = token

    def drop_pooled_connections(self) -> None:
        """The network changed: calls from now on use no connection that was opened before.

        An idle connection may be dead, which would show only when the call times out. Calls in
        flight continue: their network may still be there.
        """
        if not self._client.is_closed:
            self._retired.append(self._client)
            self._client = self._new_client()

    async def _close_retired(self) -> None:
        idle = [client for client in self._retired if not self._calls[client]]
        self._retired = [client for client in self._retired if client not in idle]
        for client in idle:
            await client.aclose()

    async def aclose(self) -> None:
        """Close all connections; a call that still runs fails."""
        await self._client.aclose()
        for client in self._retired:
            await client.aclose()
        self._retired.clear()
        await self._transports.aclose()

    def _connect_timeout_s(self) -> float:
        """How long a connection may take to open, apart from the look-up of the name.

        Three round trips are enough. Where a connection was not opened in time, the next one has
        twice as long: the path may have become slower, or its round trip is not known yet.
        """
        http, rtt_s = self._http, self._transports.rtt_s
        enough_s = http.connect_timeout_s if self._reached else http.first_connect_timeout_s
        if rtt_s is not None:
            enough_s = max(enough_s, 3 * rtt_s + 0.5)
        longest_s = max(enough_s, MAX_CONNECT_TIMEOUT_S)
        return float(min(longest_s, enough_s * 2 ** min(self._connect_timeouts, 8)))

    async def call(
        self,
        method: str,
        path: str,
        *,
        budget_s: float,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Mapping[str, object] | None = None,
        on_written: Callable[[], None] | None = None,
    ) -> Reply:
        """A complete answer of any HTTP status; raises `CallFailedError`.

        `path` is appended to the base URL as it is. `content` is sent as JSON, a `Form` as a web
        page's form. `on_written` is called once, in the event loop,
        when the first byte of the request is about to be written to a connected socket.
        """
        if self._client.is_closed:
            raise self.failed(FailureKind.NOT_SENT, Message("was not called: the client is closed"))
        sent = dict(headers or {})
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        payload: bytes | None = None
        if isinstance(content, Form):
            payload = urlencode(content).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif content is not None:
            payload = json.dumps(content).encode()
            sent["Content-Type"] = "application/json"
        written = _Written(on_written)
        client = self._client
        self._calls[client] += 1
        try:
            async with asyncio.timeout(max(0.0, budget_s)):
                request = client.build_request(
                    method,
                    self._base + path,
                    params=dict(query) if query else None,
                    headers=sent,
                    content=payload,
                    timeout=httpx.Timeout(None, connect=self._connect_timeout_s()),
                    extensions={"trace": written.trace},
                )
                reply = await self._exchange(client, request)
                self._reached, self._connect_timeouts = True, 0
                return reply
        except TimeoutError:
            raise self._not_answered(
                written, Message("did not answer in time"), Message("was not reached in time")
            ) from None
        except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError) as error:
            # RuntimeError: closed during the call. Error texts are dropped: they quote URLs.
            raise self._ended_by(error, written) from None
        finally:
            self._calls[client] -= 1
            if not self._calls[client]:
                del self._calls[client]
            await self._close_retired()

    async def _exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Reply:
        try:
            response = await client.send(request, stream=True)
        except httpx.InvalidURL:
            # httpx parses the target of a redirect even though it is not followed.
            raise self.failed(
                FailureKind.NOT_BACKEND,
                Message("redirects elsewhere; it {stranger}", stranger=Message(self._stranger)),
            ) from None
        try:
            content_type = response.headers.get("Content-Type", "").partition(";")[0]
            encoding = response.headers.get("Content-Encoding", "identity")
            length = response.headers.get("Content-Length", "0")
            reply = Reply(response.status_code, content_type.strip().lower(), response.headers, b"")
            too_large = self.failed(
                FailureKind.NOT_BACKEND, Message("sent an answer that is too large"), reply
            )
            if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
                raise too_large
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    raise too_large
            if encoding.strip().lower() != "identity":
                raise self.failed(
                    FailureKind.NOT_BACKEND,
                    Message("sent an answer in an encoding that was not requested"),
                    reply,
                )
            body = bytes(content).removeprefix(codecs.BOM_UTF8)  # RFC 8259, 8.1: may be ignored
            return Reply(reply.status, reply.content_type, reply.headers, body)
        finally:
            await response.aclose()

    # --- what an answer means ---

    def parsed(self, reply: Reply, model: type[_Body]) -> _Body:
        """The answer's body; raises `CallFailedError` when it is not JSON or not this model."""
        if not is_json(reply):
            raise self.not_ours(reply)
        try:
            return model.model_validate_json(reply.content)
        except ValidationError:
            raise self.broken(reply) from None

    def broken(self, reply: Reply) -> CallFailedError:
        """A success that cannot be understood: the call may have had its effect."""
        return self.failed(
            FailureKind.OUTCOME_UNKNOWN, Message("sent an answer that cannot be understood"), reply
        )

    def not_ours(self, reply: Reply) -> CallFailedError:
        """Another server answered: a captive portal, or a wrong address."""
        return self.failed(FailureKind.NOT_BACKEND, self._stranger, reply)

    def refused(
        self,
        reply: Reply,
        *,
        kind: FailureKind | None = None,
        code: str = "",
        retryable: bool | None = None,
        session_status: str | None = None,
        place: int | None = None,
        turn_in_s: float | None = None,
    ) -> CallFailedError:
        """An answer that is not 2xx: a failure of this kind, or of the kind of its HTTP status."""
        status = reply.status
        if status == 407 or (status == 403 and self._forwarded_by_proxy and not is_json(reply)):
            return CallFailedError(proxy_failure(self._proxy, status))
        if status < 400:
            return self.failed(
                FailureKind.NOT_BACKEND,
                Message("redirects elsewhere; it {stranger}", stranger=Message(self._stranger)),
                reply,
            )
        if not is_json(reply) and status < 500 and status != 429:
            return self.not_ours(reply)
        if kind is None:
            kind = _KIND_BY_STATUS.get(status)
        if kind is None:
            kind = FailureKind.OUTCOME_UNKNOWN if status >= 500 else FailureKind.INVALID
        said = Message("answered {status}", status=" ".join([str(status), code]).rstrip())
        return CallFailedError(
            Failure(
                kind,
                http_status=status,
                code=code,
                retryable=retryable,
                retry_after_s=_retry_after_s(reply.headers),
                session_status=session_status,
                place=place,
                turn_in_s=turn_in_s,
                detail=Message("{server} {said}.", server=self._name, said=said),
            )
        )

    def _ended_by(self, error: BaseException, written: _Written) -> CallFailedError:
        """The exchange ended in an exception."""
        _log.debug("call failed: %s", type(error).__name__)
        if isinstance(error, AddressRefusedError):
            return self.failed(
                FailureKind.NOT_BACKEND,
                Message(
                    "is at an address of this computer or of its network, where it must not be"
                ),
            )
        if isinstance(error, httpx.ProxyError):
            status = re.match(r"([1-5][0-9]{2})\b", str(error))
            return CallFailedError(proxy_failure(self._proxy, int(status[1]) if status else None))
        if (
            not written.begun
            and not self._leads_to_proxy(written)
            and (tls := _tls_error(error)) is not None
        ):
            reason = (
                mark("has a certificate that is not trusted")
                if tls
                else mark("failed in the TLS handshake")
            )
            return self.failed(FailureKind.TLS, reason)
        if isinstance(error, httpx.ConnectTimeout):
            self._connect_timeouts += 1
            return self._not_answered(
                written, Message("did not answer in time"), Message("was not reached in time")
            )
        return self._not_answered(
            written, Message("closed the connection"), Message("could not be reached")
        )

    @property
    def _forwarded_by_proxy(self) -> bool:
        """Whether a proxy reads our requests and may answer them itself: without a tunnel."""
        return (
            self._proxy is not None and not self._proxy.is_socks and self._base.startswith("http:")
        )

    def _leads_to_proxy(self, written: _Written) -> bool:
        """Whether the call ended on the way to the proxy itself."""
        if self._proxy is None or written.begun:
            return False
        return written.step == "connection.connect_tcp" or (
            written.step == "connection.start_tls" and not self._proxy.is_socks
        )

    def _not_answered(self, written: _Written, after: str, before: str) -> CallFailedError:
        if self._leads_to_proxy(written):
            return CallFailedError(proxy_failure(self._proxy, None, before))
        if self._proxy is not None and not written.begun and written.step.startswith("http11."):
            return CallFailedError(proxy_failure(self._proxy, None))  # silent after CONNECT
        if written.begun:
            return self.failed(FailureKind.OUTCOME_UNKNOWN, after)
        return self.failed(FailureKind.NOT_SENT, before)

    def failed(
        self,
        kind: FailureKind,
        what: str,
        reply: Reply | None = None,
        *,
        code: str = "",
        retryable: bool | None = None,
    ) -> CallFailedError:
        """A failure of this kind; `what` completes "The backend at ...

        ", without the full stop. It must not quote the request or the answer.
        """
        return CallFailedError(
            Failure(
                kind,
                http_status=None if reply is None else reply.status,
                code=code,
                retryable=retryable,
                retry_after_s=None if reply is None else _retry_after_s(reply.headers),
                detail=Message("{server} {said}.", server=self._name, said=Message(what)),
            )
        )


def is_json(reply: Reply) -> bool:
    """Whether the answer says that it is JSON."""
    return reply.content_type in ("application/json", PROBLEM_CONTENT_TYPE)


def _check_bearer(token: str) -> None:
    if not re.fullmatch(r"[\x21-\x7E]{1,8192}", token):
        raise BadInputError(
            Message("The backend's token must be printable characters without spaces.")
        )


def _tls_error(error: BaseException) -> bool | None:
    """True: the certificate was not accepted; False: TLS failed otherwise; None: not TLS.

    A server that hangs up during the handshake proves nothing: that is a network fault.
    """
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        if isinstance(seen, ssl.SSLError):
            return None if isinstance(seen, ssl.SSLEOFError | ssl.SSLZeroReturnError) else False
        seen = seen.__cause__ or seen.__context__
    return None


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Retry-After in seconds, from a number or a date (by the server's Date header, if any)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return min(float(int(text[:12])), _RETRY_AFTER_MAX_S)
    try:
        then = email.utils.parsedate_to_datetime(text).timestamp()
        try:
            now = email.utils.parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except (ValueError, OverflowError, OSError):
            now = time.time()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(0.0, then - now), _RETRY_AFTER_MAX_S)
