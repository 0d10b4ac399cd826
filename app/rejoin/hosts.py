"""Judges a host's name or address without a resolver: this machine, the internet, or neither.

Client and backend share it: with two judgements one could connect where the other does not look.
"""

from __future__ import annotations

import ipaddress
from typing import Final

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that the internet uses (RFC 4291, 2.4). `is_global` is also true of unassigned
ranges: site-local addresses, and IPv4 addresses in several older forms."""


def is_this_machine(host: str) -> bool:
    """Whether the host is this machine by its name or address alone (RFC 6761, 6.3)."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def is_loopback(address: str) -> bool:
    """Whether this is an address of this machine itself."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def is_public(address: str) -> bool:
    """Whether this is an address on the internet: not this machine, not the local network."""
    parsed = _parsed(address)
    if parsed is None or not parsed.is_global or parsed.is_multicast:
        return False
    return isinstance(parsed, ipaddress.IPv4Address) or parsed in _GLOBAL_UNICAST


def _parsed(address: str) -> _Address | None:
    """The address; of an IPv6 address that stands for an IPv4 address, that one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if embedded is not None:
            return embedded
        if parsed in _NAT64:
            return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed
