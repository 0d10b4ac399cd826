"""Which addresses a connection may use, and which candidates of an answer are used.

A candidate that must not or cannot be used is passed over (RFC 8839, 5.1); the answer is refused
only when none is left. The same rules hold for the source of each check: a check from a forbidden
address is not answered, or a rejected candidate would come back as a peer-reflexive one. No error
quotes an address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rejoin.errors import SignalError

MAX_CANDIDATES = 64
"""Usable candidates beyond this number are passed over."""

MIN_PORT = 1024

_FOUNDATION = re.compile(r"[A-Za-z0-9+/]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_TYPES = {"host": "host", "srflx": "srflx", "relay": "relay", "prflx": "host"}
"""Candidate types, and the type that aioice gets: a peer-reflexive address works as a host
candidate."""
_CARRIER_GRADE_NAT = ipaddress.ip_network("100.64.0.0/10")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is on the internet (RFC 4291, 2.4). `ipaddress` calls more of it global."""
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
"""Private addresses of IPv6 before RFC 3879; virtual machines (QEMU) still have them."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """Which addresses a connection may use. The default is public internet addresses only.

    `loopback_only`: for the emulator: 127.0.0.1 only, for our own sockets too.
    `allow_private`: for a LAN: private, carrier-grade NAT and link-local addresses as well.
    """

    loopback_only: bool = False
    allow_private: bool = False

    def allow(self, host: str, port: int) -> bool:
        """Whether packets may be sent to this address and port."""
        return _objection(host, port, self) is None

    def allow_server(self, host: str) -> bool:
        """Whether a TURN server may be at this address; its port may be any."""
        return _objection(host, MIN_PORT, self) is None


def usable_candidates(values: Iterable[str], rules: NetworkRules) -> list[str]:
    """The usable candidates, each address and port once. `values`: the answer's, as written. Raises
    SignalError, which says what is wrong with them, if none is left."""
    usable: dict[tuple[str, int], str] = {}
    objections: dict[str, None] = {}
    for value in values:
        match _read(value, rules):
            case _Usable(address, port, rest) if len(usable) < MAX_CANDIDATES:
                usable.setdefault((address, port), rest)
            case str() as objection:
                objections[objection] = None
            case _:
                pass  # not for RTP over UDP, or more than enough
    if usable:
        return list(usable.values())
    if objections:
        raise SignalError(
            "No candidate of the answer can be used with this profile."
            f" What was found: {', '.join(objections)}."
        )
    raise SignalError("The answer has no UDP candidate.")


@dataclass(frozen=True, slots=True)
class _Usable:
    address: str
    port: int
    written: str


def _read(value: str, rules: NetworkRules) -> _Usable | str | None:
    """The candidate, or the objection to it; None if it is not for RTP over UDP."""
    parts = value.split(" ")
    if len(parts) < 8 or parts[6].lower() != "typ":
        return "a malformed candidate"
    foundation, component, transport, priority, host, port, _, kind = parts[:8]
    if transport.lower() != "udp" or component != "1":
        return None
    if not (
        _FOUNDATION.fullmatch(foundation)
        and _NUMBER.fullmatch(priority)
        and int(priority) < 2**32
        and _NUMBER.fullmatch(port)
        and kind.lower() in _TYPES
    ):
        return "a malformed candidate"
    objection = _objection(host, int(port), rules)
    if objection is not None:
        return objection
    address = str(ipaddress.ip_address(host))
    written = f"{foundation} 1 udp {priority} {address} {int(port)} typ {_TYPES[kind.lower()]}"
    return _Usable(address, int(port), written)


def _objection(host: str, port: int, rules: NetworkRules) -> str | None:
    """Why this address and port must not be used; None if they may be."""
    if not MIN_PORT <= port <= 65535:
        return f"a port outside {MIN_PORT} to 65535"
    try:
        address: _Address = ipaddress.ip_address(host)
    except ValueError:
        return "a host name in place of an IP address"
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "an IPv6 address with a zone"
    reasons = (_forbidden(each, rules) for each in _address_and_embedded(address))
    return next((f"{reason} address" for reason in reasons if reason), None)


def _address_and_embedded(address: _Address) -> list[_Address]:
    """The address, and the IPv4 address that is embedded in it behind a translation prefix."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            return [address, address.sixtofour]
        if address in _NAT64:
            return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def _forbidden(address: _Address, rules: NetworkRules) -> str | None:
    """Why an address must not be used, as the words before "address"; None if it may be used."""
    if rules.loopback_only:
        return None if address.is_loopback else "a non-loopback"
    if address.is_unspecified:
        return "an unspecified"
    if address.is_multicast:
        return "a multicast"
    if address.is_loopback:
        return "a loopback"
    if address.is_link_local:
        return None if rules.allow_private else "a link-local"
    if address.version == 4 and address in _CARRIER_GRADE_NAT:
        return None if rules.allow_private else "a carrier-grade NAT"
    if address.is_reserved:
        return "a private or reserved"
    if address.is_global and (address.version == 4 or address in _GLOBAL_UNICAST):
        return None
    if rules.allow_private and (address.is_private or address in _SITE_LOCAL):
        return None
    return "a private or reserved"
