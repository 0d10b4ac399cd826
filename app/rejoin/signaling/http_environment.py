"""Reads the environment's proxy and TLS variables for the calls to the backend.

An unusable value becomes one sentence that names the variable. httpx reads the same variables, but
raises whatever its parser, ssl or the disk raises, and stops at an entry of NO_PROXY that it cannot
parse.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import BadInputError
from rejoin.language import Message, mark
from rejoin.signaling.backend_url import has_valid_port, is_host

_PROXY_SCHEMES: Final = {
    "http": "http",
    "https": "https",
    "socks5": "socks5",
    "socks5h": "socks5h",
    "socks": "socks5",  # what GNOME's network settings write into ALL_PROXY
}
_KEY_LOG: Final = "SSLKEYLOGFILE"


@dataclass(frozen=True, slots=True)
class EnvironmentProxy:
    """The proxy for one backend. `variable`: the variable that names it, for messages."""

    url: httpx.URL
    variable: str

    @property
    def is_socks(self) -> bool:
        return self.url.scheme.startswith("socks")

    @property
    def uses_tls(self) -> bool:
        """Whether the way to the proxy itself is TLS."""
        return self.url.scheme == "https"

    def for_httpx(self, verify: ssl.SSLContext) -> httpx.Proxy:
        """`verify` also checks the certificate of a proxy that is itself reached by TLS."""
        return httpx.Proxy(self.url, ssl_context=verify if self.uses_tls else None)


def proxy_for(backend: httpx.URL) -> EnvironmentProxy | None:
    """The proxy that HTTPS_PROXY, ALL_PROXY and so on name for this backend; None: none.

    Without such variables the system's settings count, where the OS has them (macOS, Windows).
    Raises BadInputError for a proxy that cannot be used.
    """
    by_scheme: Mapping[str, str] = urllib.request.getproxies_environment()
    if by_scheme:
        if _is_exempt(backend, by_scheme.get("no", "")):
            return None
    else:
        by_scheme = urllib.request.getproxies()
        if not by_scheme or urllib.request.proxy_bypass(backend.host):
            return None
    scheme = backend.scheme if by_scheme.get(backend.scheme) else "all"
    text = by_scheme.get(scheme, "").strip()
    if not text:
        return None
    variable = _variable(scheme)
    return EnvironmentProxy(_proxy_url(text, variable), variable)


def proxy_failure(
    proxy: EnvironmentProxy | None,
    status: int | None,
    what: str = mark("did not connect to the backend"),
) -> Failure:
    """A proxy failed or refused. The backend has not seen the request, so it was not sent.

    `status`: the HTTP status of the proxy's own answer. `proxy`: None for one that nobody named.
    """
    if status == 407:
        what = mark("wants a sign-in")
    server = Message("The proxy")
    if proxy is not None:
        server = Message("The proxy that {variable} names", variable=proxy.variable)
    said = Message(what)
    if status is not None:
        said = Message("{said} ({status})", said=said, status=status)
    detail = Message("{server} {said}.", server=server, said=said)
    return Failure(FailureKind.NOT_SENT, http_status=status, detail=detail)


def _variable(scheme: str) -> str:
    """The environment variable that names this proxy. As for urllib, lower case comes first, and
    any other spelling last."""
    lower = f"{scheme}_proxy"
    others = (name for name, value in os.environ.items() if value and name.lower() == lower)
    for name in (lower, lower.upper(), *others):
        if os.environ.get(name):
            return name
    return "the system's proxy setting"


def _proxy_url(text: str, variable: str) -> httpx.URL:
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    known = _PROXY_SCHEMES.get(scheme.lower())
    if known is None:
        raise BadInputError(
            Message(
                "{variable} names a proxy of a kind that Rejoin cannot use: it has to "
                "begin with http://, https:// or socks5://.",
                variable=variable,
            )
        )
    try:
        url = httpx.URL(f"{known}://{rest}")
        usable = is_host(url) and has_valid_port(url)
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise BadInputError(
            Message(
                "{variable} is not the URL of a proxy: it has to look like "
                "http://proxy.example:3128.",
                variable=variable,
            )
        )
    return url


def _is_exempt(backend: httpx.URL, no_proxy: str) -> bool:
    """Whether NO_PROXY names this backend. A malformed entry exempts nothing.

    Commas separate the entries, or blanks, as for curl.
    """
    return any(_names(entry, backend) for entry in re.split(r"[,\s]+", no_proxy.lower()))


def _names(entry: str, backend: httpx.URL) -> bool:
    """Whether an entry of NO_PROXY is this host: a name or its domain, an address or its network,
    each with or without a port, or `*`."""
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    name, colon, port = entry.rpartition(":")
    if colon and port.isascii() and port.isdecimal() and (name.endswith("]") or ":" not in name):
        if int(port) != (backend.port or (443 if backend.scheme == "https" else 80)):
            return False
        entry = name
    try:
        address = ipaddress.ip_address(backend.host)
    except ValueError:
        domain = entry.removeprefix("*").strip(".")
        hosts = (backend.host, backend.raw_host.decode("ascii"))  # as it is written, and as IDNA
        return bool(domain) and any(
            f".{host.lower().rstrip('.')}".endswith(f".{domain}") for host in hosts
        )
    try:
        return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False


def tls_context(ca_file: Path | None = None, *, use_environment: bool = True) -> ssl.SSLContext:
    """Trusts the certificates of `ca_file`, or those that SSL_CERT_FILE or SSL_CERT_DIR names, or
    certifi's.

    Raises BadInputError that names the file or the variable.
    """
    _check_key_log()
    if ca_file is not None:
        try:
            return ssl.create_default_context(cafile=ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError: not PEM, or no certificate in it
            raise BadInputError(
                Message(
                    "{name} cannot be used as a certificate authority: it must be a "
                    "readable PEM file.",
                    name=ca_file.name,
                )
            ) from error
    if use_environment and os.environ.get("SSL_CERT_FILE"):
        variable, needed = "SSL_CERT_FILE", "a readable PEM file with certificates"
    elif use_environment and os.environ.get("SSL_CERT_DIR"):
        variable, needed = (
            "SSL_CERT_DIR",
            "a folder with certificates, as `openssl rehash` makes it",
        )
        if not any(map(_has_certificates, os.environ[variable].split(os.pathsep))):
            raise _cannot_be_used(variable, needed)
    else:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return httpx.create_ssl_context(trust_env=True)
    except (OSError, ValueError) as error:
        raise _cannot_be_used(variable, needed) from error


def _has_certificates(folder: str) -> bool:
    """Whether OpenSSL would find a certificate there: it looks for names that are hashes."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name) for name in names)


def _check_key_log() -> None:
    """ssl writes the keys of every new context's connections there, and fails where it cannot."""
    path = os.environ.get(_KEY_LOG)
    if not path:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = path
    except (OSError, ValueError) as error:
        raise _cannot_be_used(_KEY_LOG, "a file that can be written") from error


def _cannot_be_used(variable: str, needed: str) -> BadInputError:
    return BadInputError(
        Message(
            "The environment variable {variable} cannot be used: it has to name {needed}.",
            variable=variable,
            needed=needed,
        )
    )
