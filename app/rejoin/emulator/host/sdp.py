"""The host's side of the SDP: reads offers and writes answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

from rejoin.emulator.host.udp_socket import Address
from rejoin.errors import SignalError
from rejoin.rtc.sdp import join

_H264_PROFILES = ("42", "4d", "64", "f4")
"""Baseline, Main, High and High 4:4:4 Predictive: what our encoder can produce."""
_BASELINE = "42000a"
"""What an offer without profile-level-id means (RFC 6184, 8.1)."""
LOSS_FEEDBACK = ("nack", "ccm fir")
"""The kinds of `a=rtcp-fb` that our sender always obeys (it may leave NACK unanswered)."""


def host_candidate(component: int, address: Address) -> Candidate:
    """A host candidate for UDP at this address."""
    host, port = address
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=host,
        port=port,
        type="host",
    )


def choose_codecs(
    kind: str,
    codecs: Sequence[RTCRtpCodecParameters],
    offer: str,
    packetization_mode: int,
    feedback: Collection[str] = LOSS_FEEDBACK,
) -> list[RTCRtpCodecParameters]:
    """The client's first choice among `codecs` (those that both sides have), with its RTX.

    An offer lists formats in its order of preference (RFC 3264, 5.1). Raises SignalError if there
    is none that the host can send. `feedback`: what the sender obeys of the kinds that `a=rtcp-fb`
    names.
    """
    # aiortc answers offered payload types below 96 with its own numbers: those are left out.
    offered = {int(number) for number in re.findall(r"(?m)^a=rtpmap:([0-9]{1,3}) ", offer)}
    common = [codec for codec in codecs if codec.payloadType in offered]
    if kind == "audio":
        usable = [codec for codec in common if codec.mimeType.lower() == "audio/opus"]
        needed = "Opus audio"
    else:
        usable = [codec for codec in common if _is_sendable_h264(codec, packetization_mode)]
        needed = f"H.264 video in packetization mode {packetization_mode}"
    if not usable:
        raise SignalError(f"The offer has no {needed}.")
    codec = usable[0]
    codec.rtcpFeedback = _feedback(codec, offer, feedback)
    if kind == "audio":
        # We send both channels, whatever the client plays (RFC 7587, 6.1), and read in-band FEC.
        codec.parameters = {"stereo": 1, "sprop-stereo": 1, "useinbandfec": 1}
    rtx = [
        each for each in common if is_rtx(each) and each.parameters.get("apt") == codec.payloadType
    ]
    return [codec, *rtx[:1]]


def _is_sendable_h264(codec: RTCRtpCodecParameters, packetization_mode: int) -> bool:
    parameters = codec.parameters
    return (
        codec.mimeType.lower() == "video/h264"
        and str(parameters.get("packetization-mode", "0")) == str(packetization_mode)
        and str(parameters.get("profile-level-id", _BASELINE))[:2].lower() in _H264_PROFILES
    )


def _feedback(
    codec: RTCRtpCodecParameters, offer: str, obeyed: Collection[str]
) -> list[RTCRtcpFeedback]:
    """The feedback that the client offers to send for this codec and that our sender obeys."""
    lines = re.findall(rf"(?m)^a=rtcp-fb:{codec.payloadType} ([!-~ ]+?)\r?$", offer)
    kinds = (line.partition(" ") for line in lines if line in obeyed)
    return [RTCRtcpFeedback(type=kind, parameter=what or None) for kind, _, what in kinds]


def bandwidth_limit_bps(sdp: str) -> int | None:
    """The limit that the offer's video section states (RFC 4566 `b=`); None if it states none."""
    limit: int | None = None
    in_video = False
    for line in sdp.splitlines():
        if line.startswith("m="):
            in_video = line.startswith("m=video")
        kind, _, value = line[2:].partition(":") if line.startswith("b=") else ("", "", "")
        if in_video and value.isascii() and value.isdigit() and len(value) < 10:
            if kind == "AS":
                limit = min(limit or 1 << 40, int(value) * 1000)
            elif kind == "TIAS":
                limit = min(limit or 1 << 40, int(value))
    return limit or None


def answer_sdp(
    sdp: str, relay: Address, bundle: Sequence[str], rejected: Iterable[tuple[int, str]] = ()
) -> str:
    """aiortc's answer in the shape of the service's, with the relay's address.

    `rejected`: sections that aiortc was not given, and their places, in order. `bundle`: the mids
    of the offer's BUNDLE group. The answer's group has the same order: its first section is the
    tagged one, whose candidate is for all (RFC 9143, 7.3). End-of-candidates and the address and
    port of the host's own socket are removed. Of the fingerprints only sha-256 stays, which
    everybody supports.
    """
    candidate = f"a=candidate:{host_candidate(1, relay).to_sdp()}"
    lines: list[str] = []
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            kind, _, rest = line.split(" ", 2)
            lines.append(f"{kind} 9 {rest}")
        elif line.startswith("c="):
            lines.append("c=IN IP4 0.0.0.0")
        elif line.startswith("a=group:BUNDLE"):
            lines.append(f"a=group:BUNDLE {' '.join(bundle)}")
        elif line == f"a=mid:{bundle[0]}":
            lines += [line, candidate]
        elif line and not line.startswith(_NOT_ANSWERED):
            lines.append(line)
    session, *sections = re.split(r"(?m)^(?=m=)", join(lines))
    for place, section in rejected:
        sections.insert(place, section)
    return session + "".join(sections)


_NOT_ANSWERED = (
    "a=candidate:",
    "a=end-of-candidates",
    "a=fingerprint:sha-384",
    "a=fingerprint:sha-512",
)
"""Attributes of aiortc's answer that are left out."""
