"""Checks for the value of one setting: a host, a network, a URL, a word."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_WORD: Final = re.compile(r"[!-~]+")


def is_word(text: str) -> bool:
    """Printable ASCII without blanks: it can be sent in a header."""
    return _WORD.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """A name or an address, as a Host header has it before the port."""
    if _HOST.fullmatch(text):
        return True
    try:
        ipaddress.IPv6Address(text.strip("[]"))
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """An address, or a network as 10.0.0.0/8."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def is_http_url(url: str) -> bool:
    """http or https, a host, with or without port and path: no user, query or fragment."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and is_host(host)
        and ".." not in host
        and port != 0
        and is_word(url)
        and not any(mark in url for mark in "@?#")
    )


def meant(name: str, names: Collection[str]) -> str:
    """The known name closest to an unknown one, which is not quoted: it may be a secret."""
    near = difflib.get_close_matches(name.lower(), sorted(names), 1)
    return f"; {near[0]} is one that it may have" if near else ""
