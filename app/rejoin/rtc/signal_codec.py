"""Encodes and decodes the signalling strings, SignalRequest and SignalResponse.

A SignalRequest is `{"type": "offer", "sdp": ..., "webSdkVersion": ..., "extras": ...}`, a
SignalResponse `{"type": "answer", "sdp": ..., "webSdkProtocolUrl": ...}`: the shapes that AWS's Web
SDK 1.2.0 was observed to send and to accept. Input is untrusted: its size is bounded, each broken
rule is an error of one sentence, and no error quotes an address, a key or a line of SDP.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rejoin.errors import SignalError
from rejoin.rtc.sdp import (
    DIRECTIONS,
    Description,
    Section,
    TransportParameters,
    attribute_of,
    join,
    parse,
    values_of,
)

MAX_JSON_BYTES = 256 * 1024
MAX_CANDIDATES = 64
MIN_PORT = 1024

WEB_SDK_VERSION = "1.2.0"
"""The Web SDK whose request shape ours follows."""

MAX_BITRATE_KBPS = 19_000
START_BITRATE_KBPS = 10_000
"""What the Web SDK 1.2.0 was observed to request as maximum and start bitrate."""

OPUS_PARAMETERS = "minptime=10;useinbandfec=1;stereo=1"

_FEATURES = [{"name": "WEBRTC_SPLIT_MEDIA_STREAMS", "value": "enabled"}]
_NOT_SENT_FEEDBACK = ("transport-cc", "ccm fir")
"""Feedback kinds that our receiver does not send and therefore never offers."""

_FOUNDATION = re.compile(r"[A-Za-z0-9+/]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_FID = re.compile(r"FID ([0-9]{1,10}) ([0-9]{1,10})")
_CARRIER_GRADE_NAT = ipaddress.ip_network("100.64.0.0/10")
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


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """A client's offer as the service gets it. `media`: kinds of its sections, in order."""

    sdp: str = field(repr=False)
    web_sdk_version: str
    features: tuple[tuple[str, str], ...]
    media: tuple[str, ...]
    ice_ufrag: str = field(repr=False)
    setup: str
    """The client's DTLS role: active (client), passive (server) or actpass (the host chooses)."""


@dataclass(frozen=True, slots=True)
class IceStart:
    """The part of an answer that ICE needs to start. `candidates`: as written in SDP."""

    ufrag: str
    pwd: str
    lite: bool
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer. `sdp` is rewritten for aiortc: every section has the attributes in effect.

    `web_sdk_protocol_url` is where a browser would load the service's input protocol; we never do.
    `rtx_ssrcs`: SSRC of each video retransmission stream to the SSRC of the stream that it
    retransmits (RFC 5576, FID).
    """

    sdp: str = field(repr=False)
    web_sdk_protocol_url: str | None
    ice: IceStart = field(repr=False)
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)


def sha256_of(text: str) -> str:
    """Hex digest that identifies a signalling string in logs and comparisons."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- our offer ----------------------------------------------------------------------------------


def encode_request(
    sdp: str,
    *,
    max_bitrate_kbps: int = MAX_BITRATE_KBPS,
    start_bitrate_kbps: int = START_BITRATE_KBPS,
    dtls_client: bool = False,
) -> str:
    """The SignalRequest of a local offer, without candidates, ports or addresses of this machine.

    `dtls_client`: offer to be the DTLS client (a=setup:active); else the host chooses the role.
    """
    description = parse(sdp, "offer")
    lines = [_origin_without_address(line) for line in description.session]
    for section in description.sections:
        lines += _offered_section(section, max_bitrate_kbps, start_bitrate_kbps)
    if dtls_client:
        lines = ["a=setup:active" if line == "a=setup:actpass" else line for line in lines]
    request = {
        "type": "offer",
        "sdp": join(lines),
        "webSdkVersion": WEB_SDK_VERSION,
        "extras": {"features": _FEATURES},
    }
    return json.dumps(request, separators=(",", ":"))


def _origin_without_address(line: str) -> str:
    if not line.startswith("o="):
        return line
    return " ".join([*line.split(" ")[:3], "IN IP4 127.0.0.1"])


def _offered_section(section: Section, max_kbps: int, start_kbps: int) -> list[str]:
    lines = [section.media_line(), "c=IN IP4 0.0.0.0"]
    if section.kind == "video":
        lines += [f"b=AS:{max_kbps}", f"b=TIAS:{max_kbps * 1000}"]
    if section.kind != "application":
        lines.append("a=rtcp:9 IN IP4 0.0.0.0")
    codecs = dict(value.split(" ", 1) for value in section.values("rtpmap") if " " in value)
    opus = {number for number, codec in codecs.items() if codec.lower() == "opus/48000/2"}
    h264 = {number for number, codec in codecs.items() if codec.lower() == "h264/90000"}
    bitrates = f"x-google-max-bitrate={max_kbps};x-google-start-bitrate={start_kbps}"
    for line in section.lines:
        name, value = attribute_of(line)
        number, _, rest = value.partition(" ")
        if line.startswith(("c=", "b=")) or name in _NOT_OFFERED:
            continue
        if name == "fingerprint" and not value.lower().startswith("sha-256 "):
            continue
        if name == "rtcp-fb" and rest in _NOT_SENT_FEEDBACK:
            continue
        if name == "fmtp" and number in opus:
            continue
        if name == "fmtp" and number in h264:
            lines.append(f"{line};{bitrates}")
        else:
            lines.append(line)
        if name == "rtpmap" and number in opus:
            lines.append(f"a=fmtp:{number} {OPUS_PARAMETERS}")
        if name == "rtcp-mux":
            lines.append("a=rtcp-rsize")
        if name == "ice-pwd":
            lines.append("a=ice-options:trickle")
    return lines


_NOT_OFFERED = {
    "candidate",
    "end-of-candidates",
    "ice-options",
    "msid",
    "rtcp",
    "rtcp-rsize",
    "ssrc",
    "ssrc-group",
}
"""Attributes of aiortc's offer that a receiving client does not need, or that we rewrite."""


def decode_request(text: str) -> SignalRequest:
    """Read a client's SignalRequest, as the emulator does. Raises SignalError."""
    request = _json_object(text, "offer")
    description = parse(_sdp_of(request, "offer"), "offer")
    _candidate_lines(description, "offer")
    transport = TransportParameters.of(description, "offer", {"actpass", "active", "passive"})
    kinds = tuple(section.kind for section in description.sections)
    videos = [section for section in description.sections if section.kind == "video"]
    if not videos:
        raise SignalError("The offer has no video section.")
    if not any(description.direction(video) in ("recvonly", "sendrecv") for video in videos):
        raise SignalError("The offer does not receive video.")
    for section in description.sections:
        # aiortc reads neither the default direction nor one at session level.
        if section.kind != "application" and not any(
            line == f"a={direction}" for line in section.lines for direction in DIRECTIONS
        ):
            section.lines.append(f"a={description.direction(section)}")
    version = request.get("webSdkVersion")
    return SignalRequest(
        sdp=join(description.all_lines()),
        web_sdk_version=version if isinstance(version, str) else "",
        features=tuple(_features(request)),
        media=kinds,
        ice_ufrag=transport.ufrag,
        setup=transport.setup,
    )


def _features(request: dict[str, Any]) -> Iterable[tuple[str, str]]:
    extras = request.get("extras")
    listed = extras.get("features") if isinstance(extras, dict) else None
    for feature in listed if isinstance(listed, list) else ():
        if isinstance(feature, dict):
            name, value = feature.get("name"), feature.get("value")
            if isinstance(name, str) and isinstance(value, str):
                yield name, value


# --- the service's answer -----------------------------------------------------------------------


def encode_response(sdp: str, web_sdk_protocol_url: str) -> str:
    """The SignalResponse of an answerer (the emulator). The SDP is not changed."""
    response = {"type": "answer", "sdp": sdp, "webSdkProtocolUrl": web_sdk_protocol_url}
    return json.dumps(response, separators=(",", ":"))


def decode_response(text: str, rules: NetworkRules) -> Answer:
    """Check a SignalResponse and rewrite its SDP for aiortc. Raises SignalError.

    An RFC 9143 answerer writes candidates, ICE credentials, fingerprint and role into the first
    BUNDLE section only, but aiortc reads each of them from every section: so each section gets
    what is in effect for it. End-of-candidates is removed, so that aioice keeps listening for
    peer-reflexive candidates.
    """
    response = _json_object(text, "answer")
    description = parse(_sdp_of(response, "answer"), "answer")
    candidates = _usable_candidates(_candidate_lines(description, "answer"), rules)
    transport = TransportParameters.of(description, "answer", {"active", "passive"})
    if not any(section.kind == "video" for section in description.sections):
        raise SignalError("The answer has no video section.")
    rtcp_mux = any("a=rtcp-mux" in section.lines for section in description.sections)
    if not rtcp_mux:
        raise SignalError("The answer does not multiplex RTP and RTCP (rtcp-mux).")
    lines = [
        line for line in description.session if attribute_of(line)[0] not in _TRANSPORT_ATTRIBUTES
    ]
    for section in description.sections:
        lines += [section.media_line(), "c=IN IP4 0.0.0.0"]
        lines += [
            line
            for line in section.lines
            if not line.startswith("c=")
            and attribute_of(line)[0] not in _TRANSPORT_ATTRIBUTES
            and line[2:] not in DIRECTIONS
        ]
        if section.kind != "application":
            lines += ["a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"]
            lines.append(f"a={_sending_direction(description, section)}")
        lines += transport.lines() + candidates
    url = response.get("webSdkProtocolUrl")
    return Answer(
        sdp=join(lines),
        web_sdk_protocol_url=url if isinstance(url, str) and len(url) <= 2048 else None,
        ice=IceStart(
            transport.ufrag,
            transport.pwd,
            "a=ice-lite" in description.session,
            tuple(line.removeprefix("a=candidate:") for line in candidates),
        ),
        rtx_ssrcs=_retransmissions(description),
    )


def _retransmissions(description: Description) -> dict[int, int]:
    found: dict[int, int] = {}
    for section in description.sections:
        if section.kind == "video":
            for match in map(_FID.fullmatch, section.values("ssrc-group")):
                if match is not None:
                    found[int(match[2])] = int(match[1])
    return found


_TRANSPORT_ATTRIBUTES = {
    "candidate",
    "end-of-candidates",
    "fingerprint",
    "ice-options",
    "ice-pwd",
    "ice-ufrag",
    "rtcp",
    "rtcp-mux",
    "setup",
}
"""Attributes of the one transport of a BUNDLE: checked, then rewritten for each section."""


def _sending_direction(description: Description, section: Section) -> str:
    direction = description.direction(section)
    if direction in ("sendonly", "sendrecv"):
        return "sendonly"
    if section.kind == "video":
        raise SignalError("The answer sends no video.")
    return "inactive"


def _candidate_lines(description: Description, what: str) -> list[str]:
    found = [
        value
        for lines in [description.session, *(section.lines for section in description.sections)]
        for value in values_of(lines, "candidate")
    ]
    if len(found) > MAX_CANDIDATES:
        raise SignalError(f"The {what} has more than {MAX_CANDIDATES} candidates.")
    return found


def _usable_candidates(values: list[str], rules: NetworkRules) -> list[str]:
    """The UDP candidates, each address and port once. Raises SignalError for a forbidden one."""
    usable: dict[tuple[str, int], str] = {}
    for value in values:
        parts = value.split(" ")
        if len(parts) < 8 or parts[6] != "typ":
            raise SignalError("The answer has a malformed candidate.")
        foundation, component, transport, priority, host, port, _, kind = parts[:8]
        if transport.lower() != "udp" or component != "1":
            continue
        if not (
            _FOUNDATION.fullmatch(foundation)
            and _NUMBER.fullmatch(priority)
            and int(priority) < 2**32
            and _NUMBER.fullmatch(port)
            and kind in ("host", "srflx", "relay", "prflx")
        ):
            raise SignalError("The answer has a malformed candidate.")
        if not MIN_PORT <= int(port) <= 65535:
            raise SignalError(f"The answer has a candidate port outside {MIN_PORT} to 65535.")
        address = _checked_address(host, rules)
        # aioice accepts no peer-reflexive candidates; the address works as a host candidate
        kind = "host" if kind == "prflx" else kind
        usable.setdefault(
            (str(address), int(port)),
            f"a=candidate:{foundation} 1 udp {priority} {address} {int(port)} typ {kind}",
        )
    if not usable:
        raise SignalError("The answer has no UDP candidate.")
    return list(usable.values())


def _checked_address(host: str, rules: NetworkRules) -> _Address:
    try:
        address: _Address = ipaddress.ip_address(host)
    except ValueError:
        raise SignalError("The answer has a candidate without an IP address.") from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise SignalError("The answer has an IPv6 candidate with a zone.")
    for each in _address_and_embedded(address):
        reason = _forbidden(each, rules)
        if reason:
            raise SignalError(
                f"The answer has {reason} address, which this profile does not allow."
            )
    return address


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
    if address.is_global and not address.is_reserved:
        return None
    if rules.allow_private and address.is_private and not address.is_reserved:
        return None
    return "a private or reserved"


# --- JSON -------------------------------------------------------------------------------------


def _json_object(text: str, kind: str) -> dict[str, Any]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_JSON_BYTES:
        raise SignalError(f"The {kind} is larger than {MAX_JSON_BYTES // 1024} KiB.")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise SignalError(f"The {kind} is not JSON.") from None
    if not isinstance(parsed, dict):
        raise SignalError(f"The {kind} is not a JSON object.")
    if parsed.get("type") != kind:
        raise SignalError(f'The JSON object is not of type "{kind}".')
    return parsed


def _sdp_of(parsed: dict[str, Any], what: str) -> str:
    sdp = parsed.get("sdp")
    if not isinstance(sdp, str):
        raise SignalError(f"The {what} has no SDP.")
    return sdp
