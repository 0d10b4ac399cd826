"""The client's side of the contract (dialect 1): four calls, one way to fail.

Every call ends within its budget and brings a value or raises `CallFailedError`, whose `Failure`
is a row of the table in `core/retry`. HTTP/1.1 without redirects, cookies or compression. Proxies
of the environment (HTTPS_PROXY, NO_PROXY ...) and SSL_CERT_FILE count, but not for a backend on
loopback: a machine's proxy does not reach that.
"""

from __future__ import annotations

import asyncio
import email.utils
import http.cookiejar
import ipaddress
import json
import logging
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from rejoin.core.model import AttemptNumber, SessionId, SessionView, Status
from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import BadInputError, RejoinError
from rejoin.signaling.wire import (
    BUDGET_HEADER,
    IDEMPOTENCY_HEADER,
    MAX_BODY_BYTES,
    MAX_BUDGET_MS,
    PROBLEM_CONTENT_TYPE,
    SESSION_ID_PATTERN,
    TOKEN_PATTERN,
    ConnectionBody,
    ProblemBody,
    ProblemCode,
    SessionViewBody,
    sha256_hex,
)

_log = logging.getLogger("rejoin.signaling.client")
_Body = TypeVar("_Body", bound=BaseModel)

_KEEPALIVE_S: Final = 4.0
"""Idle connections are not trusted for longer: after a drop the path under them may be gone, and
common servers close them after five seconds."""
_RETRY_AFTER_MAX_S: Final = 86400.0

_KIND_BY_CODE: Final[dict[str, FailureKind]] = {
    ProblemCode.UNAUTHENTICATED: FailureKind.UNAUTHENTICATED,
    ProblemCode.FORBIDDEN: FailureKind.FORBIDDEN,
    ProblemCode.SESSION_NOT_FOUND: FailureKind.NOT_FOUND,
    ProblemCode.THROTTLED: FailureKind.THROTTLED,
    ProblemCode.CONFLICT: FailureKind.CONFLICT,
    ProblemCode.STALE_ATTEMPT: FailureKind.STALE_ATTEMPT,
    ProblemCode.IN_FLIGHT: FailureKind.CONFLICT,
    ProblemCode.REUSED_OFFER: FailureKind.REUSED_OFFER,
    ProblemCode.INVALID_REQUEST: FailureKind.INVALID,
    ProblemCode.SERVICE_UNAVAILABLE: FailureKind.OUTCOME_UNKNOWN,
    ProblemCode.SERVICE_TIMEOUT: FailureKind.OUTCOME_UNKNOWN,
    # Nothing was tried: the same bytes may go again, later.
    ProblemCode.BUDGET_TOO_SMALL: FailureKind.THROTTLED,
    ProblemCode.INTERNAL: FailureKind.OUTCOME_UNKNOWN,
}
_KIND_BY_STATUS: Final[dict[int, FailureKind]] = {
    401: FailureKind.UNAUTHENTICATED,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    407: FailureKind.NOT_BACKEND,
    408: FailureKind.OUTCOME_UNKNOWN,
    409: FailureKind.CONFLICT,
    425: FailureKind.OUTCOME_UNKNOWN,
    429: FailureKind.THROTTLED,
    # Network authentication required (RFC 6585): a captive portal says so itself.
    511: FailureKind.NOT_BACKEND,
}


class CallFailedError(RejoinError):
    """A call to the backend brought no answer; `failure` says which way it failed."""

    code = "call_failed"
    exit_code = 3

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(slots=True)
class _Written:
    """Whether the request's bytes have begun to go to the socket; tells `on_written` once."""

    on_written: Callable[[], None] | None = None
    begun: bool = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """httpcore's trace hook. A proxy's CONNECT is not our request."""
        if event != "http11.send_request_headers.started" or self.begun:
            return
        if getattr(info.get("request"), "method", b"") == b"CONNECT":
            return
        self.begun = True
        if self.on_written is not None:
            self.on_written()


@dataclass(frozen=True, slots=True)
class _Reply:
    """A whole HTTP answer of an allowed size."""

    status: int
    content_type: str
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class BackendClient:
    """Calls one backend with one bearer token. Make it and use it in one event loop."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        connect_timeout_s: float = 1.0,
        allow_insecure: bool = False,
        verify: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`base_url` is where `/v1` is. https, except on loopback or with `allow_insecure`.

        `verify`: whom to trust; None is the usual authorities. Raises `BadInputError`.
        """
        url = _base_url(base_url, allow_insecure)
        _check_bearer(token)
        self._host = url.host
        self._base = str(url).rstrip("/")
        self._token = token
        if verify is None and url.scheme == "http":
            # Never used, as redirects are not followed; loading the authorities takes long.
            verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            verify=True if verify is None else verify,
            timeout=httpx.Timeout(None, connect=connect_timeout_s),
            limits=httpx.Limits(max_connections=8, keepalive_expiry=_KEEPALIVE_S),
            follow_redirects=False,
            trust_env=not _is_loopback(url.host),
            cookies=http.cookiejar.CookieJar(
                http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
            ),
            headers={
                "Accept": f"application/json, {PROBLEM_CONTENT_TYPE}",
                "Accept-Encoding": "identity",
                "User-Agent": "rejoin",
            },
            transport=transport,
        )

    def use_token(self, token: str) -> None:
        """From the next call on, this bearer token (sign-in was refreshed). `BadInputError`."""
        _check_bearer(token)
        self._token = token

    async def aclose(self) -> None:
        """Close all connections; a call that still runs fails."""
        await self._client.aclose()

    async def start(
        self,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        application: str | None = None,
    ) -> SessionView:
        """Start a stream session. `token`: the attempt's, 32 to 128 of [\\x21-\\x7E]."""
        content: dict[str, object] = {"signal_request": signal_request, "attempt": attempt}
        if application is not None:
            content["application"] = application
        reply = await self._call(
            "POST", "/v1/sessions", budget_s=budget_s, token=token, content=content
        )
        return self._parsed(reply, SessionViewBody).to_view()

    async def status(
        self, session_id: SessionId, *, known: Status | None, wait_s: float, budget_s: float
    ) -> SessionView:
        """Look at the session; with `known` a long poll of at most `wait_s`."""
        query: dict[str, str] = {}
        if known is not None:
            query = {"known": known, "wait_s": f"{max(0.0, wait_s):.3f}"}
        reply = await self._call("GET", self._path(session_id), budget_s=budget_s, query=query)
        view = self._parsed(reply, SessionViewBody).to_view()
        if view.session_id != session_id:
            raise self._broken(reply)
        return view

    async def reconnect(
        self,
        session_id: SessionId,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        on_written: Callable[[], None],
    ) -> str:
        """Send this attempt's offer; the SignalResponse to exactly it.

        `on_written` is called once, in the event loop, when the first byte of the request is about
        to be written to a connected socket; never when the call failed before that.
        """
        reply = await self._call(
            "POST",
            self._path(session_id) + "/connections",
            budget_s=budget_s,
            token=token,
            content={"signal_request": signal_request, "attempt": attempt},
            on_written=on_written,
        )
        body = self._parsed(reply, ConnectionBody)
        if body.attempt != attempt or body.signal_request_sha256 != sha256_hex(signal_request):
            raise self._failed(
                FailureKind.OUTCOME_UNKNOWN, "answered for another offer than ours", reply
            )
        return body.signal_response

    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        """End the session; one that has ended already is no failure."""
        reply = await self._call("DELETE", self._path(session_id), budget_s=budget_s)
        if reply.status != 204:
            raise self._failed(FailureKind.NOT_BACKEND, "is not a Rejoin backend", reply)

    # --- one exchange ---

    async def _call(
        self,
        method: str,
        path: str,
        *,
        budget_s: float,
        query: dict[str, str] | None = None,
        token: str | None = None,
        content: dict[str, object] | None = None,
        on_written: Callable[[], None] | None = None,
    ) -> _Reply:
        """A 2xx answer, or CallFailedError."""
        if self._client.is_closed:
            raise self._failed(FailureKind.NOT_SENT, "was not asked: the client is closed")
        headers = {"Authorization": f"Bearer {self._token}"}
        if token is not None:
            if not re.fullmatch(TOKEN_PATTERN, token):
                raise self._failed(FailureKind.INVALID, "was not asked: the token has a bad form")
            headers[IDEMPOTENCY_HEADER] = token
        # What connecting and the way back may take is not the backend's to spend.
        theirs_s = budget_s - min(1.0, 0.1 * budget_s)
        headers[BUDGET_HEADER] = str(min(MAX_BUDGET_MS, max(1, int(theirs_s * 1000))))
        payload: bytes | None = None
        if content is not None:
            payload = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        written = _Written(on_written)
        try:
            async with asyncio.timeout(max(0.0, budget_s)):
                request = self._client.build_request(
                    method,
                    self._base + path,
                    params=query or None,
                    headers=headers,
                    content=payload,
                    extensions={"trace": written.trace},
                )
                reply = await self._exchange(request)
        except TimeoutError:
            raise self._not_answered(
                written, "did not answer in time", "was not reached in time"
            ) from None
        except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError) as error:
            # RuntimeError: closed while calling. Texts of errors are dropped, they quote URLs.
            raise self._broke(error, written) from None
        if not 200 <= reply.status <= 299:
            raise self._refused(reply)
        return reply

    async def _exchange(self, request: httpx.Request) -> _Reply:
        response = await self._client.send(request, stream=True)
        try:
            content_type = response.headers.get("Content-Type", "").partition(";")[0]
            encoding = response.headers.get("Content-Encoding", "identity")
            length = response.headers.get("Content-Length", "0")
            reply = _Reply(
                response.status_code, content_type.strip().lower(), response.headers, b""
            )
            too_big = self._failed(FailureKind.NOT_BACKEND, "sent far too much", reply)
            if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
                raise too_big
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    raise too_big
            if encoding.strip().lower() != "identity":
                raise self._failed(
                    FailureKind.NOT_BACKEND, "sent an answer in an encoding nobody asked for", reply
                )
            return _Reply(reply.status, reply.content_type, reply.headers, bytes(content))
        finally:
            await response.aclose()

    # --- what it means ---

    def _parsed(self, reply: _Reply, model: type[_Body]) -> _Body:
        if not _is_json(reply.content_type):
            raise self._failed(FailureKind.NOT_BACKEND, "is not a Rejoin backend", reply)
        try:
            return model.model_validate_json(reply.content)
        except ValidationError:
            raise self._broken(reply) from None

    def _broken(self, reply: _Reply) -> CallFailedError:
        return self._failed(
            FailureKind.OUTCOME_UNKNOWN, "sent an answer that cannot be understood", reply
        )

    def _refused(self, reply: _Reply) -> CallFailedError:
        """An answer that is no success: by the problem's code, else by the HTTP status."""
        status = reply.status
        retry_after_s = _retry_after_s(reply.headers)
        if status < 400:
            return self._failed(
                FailureKind.NOT_BACKEND, "points somewhere else; it is not a Rejoin backend", reply
            )
        problem = ProblemBody()
        if _is_json(reply.content_type):
            try:
                problem = ProblemBody.model_validate_json(reply.content)
            except ValidationError:
                problem = ProblemBody()
        elif status < 500 and status != 429:
            return self._failed(FailureKind.NOT_BACKEND, "is not a Rejoin backend", reply)
        code = problem.code if re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", problem.code) else ""
        kind = _KIND_BY_CODE.get(code) or _KIND_BY_STATUS.get(status)
        if kind is None:
            kind = FailureKind.OUTCOME_UNKNOWN if status >= 500 else FailureKind.INVALID
        session_status = problem.session_status
        if session_status is None or not re.fullmatch(r"[A-Za-z0-9_]{1,64}", session_status):
            session_status = None
        said = f"answered {status} {code}".rstrip()
        return CallFailedError(
            Failure(
                kind,
                http_status=status,
                code=code,
                retryable=problem.retryable,
                retry_after_s=retry_after_s,
                session_status=session_status,
                detail=f"The backend at {self._host} {said}.",
            )
        )

    def _broke(self, error: BaseException, written: _Written) -> CallFailedError:
        """The exchange ended in an exception."""
        _log.debug("call broke: %s", type(error).__name__)
        if not written.begun and (tls := _tls_error(error)) is not None:
            reason = "did not prove who it is" if tls else "does not speak TLS as it should"
            return self._failed(FailureKind.TLS, reason)
        if isinstance(error, httpx.ConnectTimeout):
            return self._failed(FailureKind.NOT_SENT, "was not reached in time")
        return self._not_answered(written, "broke the connection off", "could not be reached")

    def _not_answered(self, written: _Written, after: str, before: str) -> CallFailedError:
        if written.begun:
            return self._failed(FailureKind.OUTCOME_UNKNOWN, after)
        return self._failed(FailureKind.NOT_SENT, before)

    def _failed(self, kind: FailureKind, what: str, reply: _Reply | None = None) -> CallFailedError:
        return CallFailedError(
            Failure(
                kind,
                http_status=None if reply is None else reply.status,
                retry_after_s=None if reply is None else _retry_after_s(reply.headers),
                detail=f"The backend at {self._host} {what}.",
            )
        )

    def _path(self, session_id: SessionId) -> str:
        if not re.fullmatch(SESSION_ID_PATTERN, session_id):
            raise self._failed(FailureKind.INVALID, "was not asked: the session id has a bad form")
        return "/v1/sessions/" + quote(session_id, safe="")


def _base_url(text: str, allow_insecure: bool) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError, TypeError):
        raise BadInputError("The backend's URL is not a URL.") from None
    named = re.fullmatch(rb"[A-Za-z0-9._:-]+", url.raw_host)
    if url.scheme not in ("http", "https") or not named:
        raise BadInputError("The backend's URL must look like https://studio.example/.")
    if url.userinfo or url.query or url.fragment or not 0 < (port or 443) < 65536:
        raise BadInputError("The backend's URL may hold a host, a port and a path, nothing else.")
    if url.scheme == "http" and not allow_insecure and not _is_loopback(url.host):
        raise BadInputError(
            f"The backend at {url.host} must be asked with https; http is for this machine only."
        )
    return url


def _check_bearer(token: str) -> None:
    if not re.fullmatch(r"[\x21-\x7E]{1,8192}", token):
        raise BadInputError("The backend's token must be printable characters without spaces.")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_json(content_type: str) -> bool:
    return content_type in ("application/json", PROBLEM_CONTENT_TYPE)


def _tls_error(error: BaseException) -> bool | None:
    """True: the certificate was not accepted; False: TLS failed otherwise; None: not TLS.

    Somebody who hangs up in the handshake has proved nothing either way: a network fault.
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
    """Retry-After as seconds, from a number or a date (by the server's own clock if it tells)."""
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
