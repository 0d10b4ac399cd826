"""A backend's URL, read by one parser for every purpose, and the addresses that it allows.

Comparing origins with one parser and connecting with another would be a hole: a crafted URL could
mean one host to the first and another to the second.
"""

from __future__ import annotations

import re
from typing import Final

import httpx

from rejoin.errors import BadInputError
from rejoin.hosts import is_loopback, is_public, is_this_machine
from rejoin.language import Message
from rejoin.signaling.connections import Allows

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def base_url(text: str, *, allow_insecure: bool) -> httpx.URL:
    """A host, a port and a path, by https; by http only on this machine, or with `allow_insecure`.

    Raises BadInputError, which quotes at most the host.
    """
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError, TypeError):
        raise BadInputError(Message("The backend's URL is not a URL.")) from None
    if url.scheme not in ("http", "https") or not is_host(url):
        raise BadInputError(Message("The backend's URL must look like https://studio.example/."))
    if url.userinfo or url.query or url.fragment or not has_valid_port(url):
        raise BadInputError(
            Message("The backend's URL may hold a host, a port and a path, nothing else.")
        )
    if url.scheme == "http" and not allow_insecure and not is_this_machine(url.host):
        raise BadInputError(
            Message(
                "The backend at {host} needs https; http is for this machine only.", host=url.host
            )
        )
    return url


def origin_of(backend_url: str) -> str:
    """Scheme, host and port: "https://studio.example:443".

    Backends of one origin share a token, whatever their paths. Raises BadInputError.
    """
    url = base_url(backend_url, allow_insecure=True)
    host = url.raw_host.decode("ascii").lower()
    in_brackets = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{in_brackets}:{url.port or _DEFAULT_PORTS[url.scheme]}"


def is_host(url: httpx.URL) -> bool:
    """Whether the host is a name or an address, in the characters that these have."""
    try:
        return bool(url.host) and re.fullmatch(rb"[A-Za-z0-9._:-]+", url.raw_host) is not None
    except ValueError:  # it begins like an internationalized name (xn--) and is not one
        return False


def has_valid_port(url: httpx.URL) -> bool:
    return url.port is None or 0 < url.port < 65536


def allowed_addresses(url: httpx.URL, *, allow_insecure: bool, public_only: bool) -> Allows | None:
    """Which addresses a connection may lead to; None: any."""
    if url.scheme == "http" and not allow_insecure:
        return is_loopback  # what "localhost" means is up to the resolver
    return is_public if public_only else None
