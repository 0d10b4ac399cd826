"""Fetches the script of the service's input module, which a SignalResponse names by its URL.

The script comes from the network and is run, so it comes by https; by http only where the profile
allows addresses of this computer or its network. The addresses that its host's name means at that
moment are judged as candidates are, and the connection is made to a judged one (`connections`).
Size and time are bounded, redirects to another origin are refused, and neither the URL nor the
script is logged, quoted or written to a disk.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import re
import socket
import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError, RejoinError
from rejoin.hosts import is_this_machine
from rejoin.signaling.backend_url import has_valid_port, is_host
from rejoin.signaling.connections import AddressRefusedError, Allows
from rejoin.signaling.http_environment import EnvironmentProxy, proxy_for, tls_context
from rejoin.signaling.transport import HttpSettings, Transports

MAX_SCRIPT_BYTES: Final = 2 * 1024 * 1024
MAX_URL: Final = 2048
MAX_REDIRECTS: Final = 3
"""Within the script's own origin."""
CONNECT_TIMEOUT_S: Final = 3.0
_TLS_CONTEXT_WITHIN_S: Final = 5.0
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_WEB_PAGE: Final = re.compile(r"\s*<(!doctype|html)\b", re.IGNORECASE)


class ScriptUnavailableError(RejoinError):
    """The script could not be fetched; `final`: another try would fail too."""

    code = "script_unavailable"

    def __init__(self, what: str, *, final: bool = True) -> None:
        """`what` completes "The input module of the game ... "."""
        super().__init__(f"The input module of the game {what}.")
        self.final = final


@dataclass(frozen=True, slots=True)
class ScriptRules:
    """Where scripts may come from.

    `allows`: whether a connection to this address may be made. `allow_http`: by http, too.
    `use_proxy`: through the proxy of the environment, where one is named. `verify`: whose
    certificates are trusted; None for the system's authorities. `transport`: in place of sockets,
    for tests.
    """

    allows: Allows
    allow_http: bool = False
    use_proxy: bool = True
    verify: ssl.SSLContext | None = None
    transport: httpx.AsyncBaseTransport | None = None


def identity_of(url: str) -> str:
    """Origin and path of a script: its query, a signature, differs in each answer.

    Raises ScriptUnavailableError if it is not the URL of a script.
    """
    parsed = _parsed(url)
    return f"{_origin(parsed)}{parsed.path}"


class ScriptSource:
    """Fetches scripts. To be used in one event loop."""

    def __init__(self, rules: ScriptRules) -> None:
        self._rules = rules
        self._verify = rules.verify

    async def prepare(self) -> None:
        """Read the certificate authorities (20 ms of a core) before an answer needs them. Where
        scripts may come by http they are read when they are needed."""
        if not self._rules.allow_http:
            with contextlib.suppress(TimeoutError, BadInputError, OSError, RuntimeError):
                await self._authorities()

    async def fetch(self, url: str, *, within_s: float) -> str:
        """The text of the script behind this URL. Raises ScriptUnavailableError, and nothing else.

        `within_s`: how long it may take, from the look-up of the name to the last byte.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._fetch(_parsed(url))
        except TimeoutError:
            raise ScriptUnavailableError("did not arrive in time", final=False) from None
        except AddressRefusedError:
            raise ScriptUnavailableError(
                "is at an address that this profile does not allow"
            ) from None
        except BadInputError as error:
            raise ScriptUnavailableError(f"cannot be fetched: {_inner(error)}") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError):
            # Their texts are dropped: they quote URLs.
            raise ScriptUnavailableError("could not be fetched", final=False) from None

    async def _fetch(self, url: httpx.URL) -> str:
        self._check_scheme(url)
        proxy = self._proxy_for(url)
        if proxy is not None:
            self._check_host(url.host)
        http = HttpSettings(verify=await self._trusted(url, proxy), transport=self._rules.transport)
        transports = Transports(url, proxy, http, allows=self._rules.allows)
        try:
            async with httpx.AsyncClient(
                transport=transports.new(),
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
                follow_redirects=False,
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "rejoin"},
            ) as client:
                for _ in range(1 + MAX_REDIRECTS):
                    request = client.build_request("GET", url)
                    response = await client.send(request, stream=True)
                    try:
                        if response.status_code not in _REDIRECTS:
                            return _as_text(response, await _content(response))
                        url = self._redirected(url, response)
                    finally:
                        await response.aclose()
        finally:
            await transports.aclose()
        raise ScriptUnavailableError("is redirected too often")

    def _check_scheme(self, url: httpx.URL) -> None:
        if url.scheme == "http" and not self._rules.allow_http:
            raise ScriptUnavailableError("must come by https")

    def _proxy_for(self, url: httpx.URL) -> EnvironmentProxy | None:
        if not self._rules.use_proxy or is_this_machine(url.host):
            return None
        return proxy_for(url)

    def _check_host(self, host: str) -> None:
        """A proxy looks names up itself, by its own rules; addresses are judged here."""
        try:
            # Also "127.1" and "0x7f000001", which resolvers take for addresses.
            host = socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            if ":" not in host:
                return
        if not self._rules.allows(host):
            raise AddressRefusedError

    async def _trusted(
        self, url: httpx.URL, proxy: EnvironmentProxy | None
    ) -> ssl.SSLContext | None:
        if url.scheme == "https" or (proxy and proxy.uses_tls):
            return await self._authorities()
        return self._verify

    async def _authorities(self) -> ssl.SSLContext:
        """Read once and beside the event loop: reading them takes long."""
        if self._verify is None:
            self._verify = await run_in_daemon_thread(
                tls_context, name="authorities", within_s=_TLS_CONTEXT_WITHIN_S
            )
        return self._verify

    def _redirected(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        try:
            target = url.join(response.headers.get("Location", ""))
        except (httpx.InvalidURL, ValueError, TypeError):
            raise ScriptUnavailableError("is redirected to what is not a URL") from None
        target = _checked(target)
        if _origin(target) != _origin(url):
            raise ScriptUnavailableError("is redirected to another origin")
        return target


def _parsed(url: str) -> httpx.URL:
    if len(url) > MAX_URL:
        raise ScriptUnavailableError("has an address that is too long")
    try:
        return _checked(httpx.URL(url))
    except (httpx.InvalidURL, ValueError, TypeError):
        raise ScriptUnavailableError("has an address that is not a URL") from None


def _checked(url: httpx.URL) -> httpx.URL:
    usable = url.scheme in _DEFAULT_PORTS and is_host(url) and has_valid_port(url)
    if not usable or url.userinfo:
        raise ScriptUnavailableError("has an address that is not a URL of the web")
    return url


def _origin(url: httpx.URL) -> str:
    host = url.raw_host.decode("ascii").lower()
    return f"{url.scheme}://{host}:{url.port or _DEFAULT_PORTS[url.scheme]}"


async def _content(response: httpx.Response) -> bytes:
    """The body of a success, bounded in size."""
    status = response.status_code
    if not 200 <= status <= 299:
        # An overloaded or broken server may succeed a moment later.
        final = status < 500 and status not in (408, 429)
        raise ScriptUnavailableError(f"could not be fetched: HTTP status {status}", final=final)
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise ScriptUnavailableError("came in an encoding that was not requested")
    too_large = ScriptUnavailableError(f"is larger than {MAX_SCRIPT_BYTES // 1024} KiB")
    length = response.headers.get("Content-Length", "0")
    if length.isascii() and length.isdecimal() and int(length[:12]) > MAX_SCRIPT_BYTES:
        raise too_large
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_SCRIPT_BYTES:
            raise too_large
    return bytes(content)


def _as_text(response: httpx.Response, content: bytes) -> str:
    """Decoded as a browser decodes a classic script: a byte order mark, the charset, UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            break
    else:
        text = content.decode(_charset(response.headers.get("Content-Type", "")), "replace")
    if not text.strip():
        raise ScriptUnavailableError("is empty", final=False)
    if _WEB_PAGE.match(text):
        raise ScriptUnavailableError("is a web page and not a script", final=False)
    return text


_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSETS: Final = {"iso-8859-1": "cp1252", "windows-1252": "cp1252", "us-ascii": "cp1252"}
"""Names of the Encoding Standard other than UTF-8 that scripts may still come with."""


def _charset(content_type: str) -> str:
    found = re.search(r";\s*charset=\"?([A-Za-z0-9_-]+)", content_type, re.IGNORECASE)
    return _CHARSETS.get(found[1].lower(), "utf-8") if found else "utf-8"


def _inner(error: BadInputError) -> str:
    """Our own sentence, inside another one."""
    return str(error).rstrip(".")
