"""What a media section says about codecs and streams: read from any SDP, written for aiortc.

aiortc's parser raises on much that is harmless: a header extension with attributes, a parameter
that is no whole number, an attribute of a payload type without codec. So it never reads the other
side's lines, only lines written here from the values that we understood. The rest is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rejoin.rtc.sdp import Section, only

_RTPMAP = re.compile(r"([0-9]{1,3}) ([!-.0-~]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?")
_FEEDBACK = re.compile(r"(\*|[0-9]{1,3}) ([!-~]{1,64}(?: [!-~]{1,64}){0,3})")
_PARAMETER = re.compile(r"([!-:<>-~]{1,64}) ?= ?([!-:<-~]{1,4096})")
_EXTENSION = re.compile(r"([0-9]{1,3})(?:/[a-z]+)? ([!-~]{1,256})(?: .*)?")
_SSRC = re.compile(r"([0-9]{1,10})(?: .*)?")
_REPEATED_BY = re.compile(r"FID ([0-9]{1,10}) ([0-9]{1,10})")
_BANDWIDTH = re.compile(r"b=(?:AS|TIAS):[0-9]{1,9}")
_PORT = re.compile(r"[0-9]{1,5}")
_MESSAGE_SIZE = re.compile(r"[0-9]{1,10}")
_NUMBER = re.compile(r"[0-9]{1,9}")

_PROFILE = re.compile(r"[0-9A-Fa-f]{6}")

_NUMERIC = {
    "apt",
    "max-fr",
    "max-fs",
    "maxplaybackrate",
    "minptime",
    "packetization-mode",
    "stereo",
    "useinbandfec",
}
"""Parameters that aiortc reads as whole numbers; any other value is passed over."""

_RTCP_TYPES = range(72, 77)
"""Payload types that cannot be told from RTCP (RFC 5761, 4)."""

OPUS = "opus"
H264 = "h264"
RTX = "rtx"
OPUS_CLOCK_HZ = 48_000
VIDEO_CLOCK_HZ = 90_000
DATA_CHANNELS = "webrtc-datachannel"


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section. `name` as written, `parameters` (fmtp) with names in lower
    case, `feedback` as after the payload type in rtcp-fb: "nack pli"."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    feedback: tuple[str, ...] = ()

    def is_a(self, name: str, clock_hz: int) -> bool:
        return self.name.lower() == name and self.clock_hz == clock_hz

    def lines(self) -> list[str]:
        channels = "" if self.channels is None else f"/{self.channels}"
        lines = [f"a=rtpmap:{self.payload_type} {self.name}/{self.clock_hz}{channels}"]
        lines += [f"a=rtcp-fb:{self.payload_type} {each}" for each in self.feedback]
        if self.parameters:
            listed = ";".join(f"{name}={value}" for name, value in self.parameters.items())
            lines.append(f"a=fmtp:{self.payload_type} {listed}")
        return lines


def codecs_of(section: Section) -> list[Codec]:
    """The codecs of an audio or video section, in its order of preference."""
    named: dict[str, re.Match[str]] = {}
    for match in map(_RTPMAP.fullmatch, section.values("rtpmap")):
        if match is not None:
            named.setdefault(match[1], match)
    parameters, feedback = _parameters(section), _feedback(section)
    found = []
    for number in dict.fromkeys(section.formats.split(" ")):
        if number in named and int(number) < 128 and int(number) not in _RTCP_TYPES:
            _, name, clock_hz, channels = named[number].groups()
            found.append(
                Codec(
                    int(number),
                    name,
                    int(clock_hz),
                    None if channels is None else int(channels),
                    parameters.get(number, {}),
                    tuple(dict.fromkeys([*feedback.get("*", []), *feedback.get(number, [])])),
                )
            )
    return found


def _parameters(section: Section) -> dict[str, dict[str, str]]:
    """By payload type, the parameters of all fmtp lines; the first value of a repeated one."""
    found: dict[str, dict[str, str]] = {}
    for value in section.values("fmtp"):
        number, _, listed = value.partition(" ")
        of_number = found.setdefault(number, {})
        for match in map(_PARAMETER.fullmatch, map(str.strip, listed.split(";"))):
            if match is not None:
                name = match[1].lower()
                if name not in _NUMERIC or _NUMBER.fullmatch(match[2]):
                    of_number.setdefault(name, match[2])
    return found


def _feedback(section: Section) -> dict[str, list[str]]:
    """By payload type, or "*" for all, what rtcp-fb lists."""
    found: dict[str, list[str]] = {}
    for match in map(_FEEDBACK.fullmatch, section.values("rtcp-fb")):
        if match is not None:
            found.setdefault(match[1], []).append(match[2].lower())
    return found


def receivable_video(section: Section, *, allow_444: bool = False) -> list[Codec]:
    """The H.264 payload types of an answer that we can receive, and their RTX, in the terms of our
    offer, so that aiortc knows them. `allow_444`: whether it had 4:4:4 colour."""
    codecs = codecs_of(section)
    found = []
    for codec in codecs:
        profile = offered_profile(codec.parameters.get("profile-level-id", ""), allow_444=allow_444)
        mode = str(int(codec.parameters.get("packetization-mode", "0")))
        if codec.is_a(H264, VIDEO_CLOCK_HZ) and profile is not None and mode in ("0", "1"):
            parameters = {"packetization-mode": mode, "profile-level-id": profile}
            found.append(replace(codec, parameters=parameters))
    numbers = {str(codec.payload_type) for codec in found}
    return found + [
        codec
        for codec in codecs
        if codec.is_a(RTX, VIDEO_CLOCK_HZ) and codec.parameters.get("apt") in numbers
    ]


def offered_profile(profile_level_id: str, *, allow_444: bool = False) -> str | None:
    """The profile-level-id of our offer under which such a stream is received; None if there is
    none (RFC 6184, 8.1). What it really is, the decoder reads in the stream.

    Levels do not count, as both sides may differ in them. Constraint flags only narrow a profile:
    Constrained High (640c1f) is High. Without a readable value it is Baseline.
    """
    if not _PROFILE.fullmatch(profile_level_id):
        return "42e01f"
    profile, constraints = int(profile_level_id[:2], 16), int(profile_level_id[2:4], 16)
    match profile:
        case 0x42:
            return "42e01f" if constraints & 0x40 else "42001f"
        case 0x4D:
            return "4d001f"
        case 0x58 if constraints & 0x80:
            return "42001f"  # Extended, as far as Baseline goes
        case 0x64:
            return "64001f"
        case 0xF4 if allow_444:
            return "f4001f"
        case _:
            return None


def rtp_lines(section: Section, codecs: list[Codec], mid: str, direction: str) -> list[str]:
    """An audio or video section for aiortc, with these codecs, without transport attributes."""
    numbers = " ".join(str(codec.payload_type) for codec in codecs)
    lines = [f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {numbers}", "c=IN IP4 0.0.0.0"]
    lines += [line for line in section.lines if _BANDWIDTH.fullmatch(line)]
    lines += ["a=rtcp-mux", f"a=mid:{mid}", f"a={direction}"]
    for codec in codecs:
        lines += codec.lines()
    lines += _extension_lines(section)
    ssrc = media_ssrc(section)
    return lines if ssrc is None else [*lines, f"a=ssrc:{ssrc} cname:-"]


def _extension_lines(section: Section) -> list[str]:
    """Header extensions, without direction and attributes (RFC 8285, 8)."""
    found: dict[int, str] = {}
    for match in map(_EXTENSION.fullmatch, section.values("extmap")):
        if match is not None and 1 <= int(match[1]) <= 255:
            found.setdefault(int(match[1]), match[2])
    return [f"a=extmap:{number} {uri}" for number, uri in found.items()]


def media_ssrc(section: Section) -> int | None:
    """The first stream that the section names, retransmissions apart."""
    repeating = retransmissions(section)
    for match in map(_SSRC.fullmatch, section.values("ssrc")):
        if match is not None and int(match[1]) < 2**32 and int(match[1]) not in repeating:
            return int(match[1])
    return None


def retransmissions(section: Section) -> dict[int, int]:
    """SSRC of each retransmission stream to the SSRC that it retransmits (RFC 5576, FID)."""
    matches = map(_REPEATED_BY.fullmatch, section.values("ssrc-group"))
    pairs = ((int(match[1]), int(match[2])) for match in matches if match is not None)
    return {repeated_by: ssrc for ssrc, repeated_by in pairs if ssrc != repeated_by}


def sctp_port(section: Section) -> int | None:
    """The SCTP port of a data section (RFC 8841), also in the older form `DTLS/SCTP 5000`; None if
    it has none and so cannot carry data channels."""
    older = section.formats.split(" ")[:1]
    value = only(section.values("sctp-port") or older)
    port = int(value) if _PORT.fullmatch(value) else 0
    return port if 1 <= port <= 65535 else None


def data_lines(mid: str, port: int, section: Section | None = None) -> list[str]:
    """A data section for aiortc, without transport attributes, in the form of `section`."""
    lines = [f"m=application 9 UDP/DTLS/SCTP {DATA_CHANNELS}", f"a=sctp-port:{port}"]
    if section is not None and section.protocol == "DTLS/SCTP":
        lines = [f"m=application 9 DTLS/SCTP {port}"]
    size = "" if section is None else only(section.values("max-message-size"))
    if _MESSAGE_SIZE.fullmatch(size):
        lines.append(f"a=max-message-size:{int(size)}")
    return [*lines, f"a=mid:{mid}"]
