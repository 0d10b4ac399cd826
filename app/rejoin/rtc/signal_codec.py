"""Encodes and decodes the signalling strings, SignalRequest and SignalResponse.

A SignalRequest is `{"type": "offer", "sdp": ..., "webSdkVersion": ..., "extras": ...}`, a
SignalResponse `{"type": "answer", "sdp": ..., "webSdkProtocolUrl": ...}`: the shapes that AWS's Web
SDK 1.2.0 was observed to send and to accept. Input is untrusted: its size is bounded, each broken
rule is an error of one sentence, and no error quotes an address, a key or a line of SDP.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rejoin.errors import SignalError
from rejoin.rtc.candidates import NetworkRules, usable_candidates
from rejoin.rtc.sdp import (
    Description,
    Section,
    TransportParameters,
    attribute_of,
    join,
    parse,
    values_of,
)
from rejoin.rtc.sdp_media import (
    OPUS,
    OPUS_CLOCK_HZ,
    Codec,
    codecs_of,
    data_lines,
    receivable_video,
    retransmissions,
    rtp_lines,
    sctp_port,
)
from rejoin.rtc.sprop import parameter_sets
from rejoin.rtc.transport_cc import agreed_id

MAX_JSON_BYTES = 256 * 1024

WEB_SDK_VERSION = "1.2.0"
"""The Web SDK whose request shape ours follows."""

MAX_BITRATE_KBPS = 19_000
START_BITRATE_KBPS = 10_000
"""What the Web SDK 1.2.0 was observed to request as maximum and start bitrate."""

OPUS_PARAMETERS = "minptime=10;useinbandfec=1;stereo=1"

_FEATURES = [{"name": "WEBRTC_SPLIT_MEDIA_STREAMS", "value": "enabled"}]

AUDIO_MID, VIDEO_MID, DATA_MID = "0", "1", "2"
"""The sections of each offer of ours, in this order, which is the Web SDK's; aiortc names them."""

_SENDING = ("sendonly", "sendrecv")
_RECEIVING = ("recvonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """A client's offer as the service gets it. `sdp` is rewritten for aiortc, without candidates.

    `media`: kinds of its sections, in order, but for those of `rejected`: their places among all,
    and how they are to be answered (RFC 3264, 6). `bundle`: their mids in the order of the BUNDLE
    group; the first is the tagged section, whose transport attributes hold for all.
    """

    sdp: str = field(repr=False)
    web_sdk_version: str
    features: tuple[tuple[str, str], ...]
    media: tuple[str, ...]
    bundle: tuple[str, ...]
    ice_ufrag: str = field(repr=False)
    setup: str
    """The client's DTLS role: active (client), passive (server) or actpass (the host chooses)."""
    rejected: tuple[tuple[int, str], ...] = ()


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

    `web_sdk_protocol_url`: where the script of the service's input module is.
    `rtx_ssrcs`: SSRC of each video retransmission stream to the SSRC of the stream that it
    retransmits (RFC 5576, FID). `parameter_sets`: announced for a payload type of the video.
    `has_audio`: whether it sends sound. `takes_audio`: whether it takes ours, which was offered.
    `has_data`: whether it has data channels; without them the
    game can only be viewed. `sdp` always has both sections, as aiortc needs them: an inactive one
    stands for missing audio, and one whose SCTP must not be started for missing data.
    `transport_cc_id`: the header extension with the transport-wide sequence number; None if the
    host does not take transport-wide feedback.
    """

    sdp: str = field(repr=False)
    web_sdk_protocol_url: str | None
    ice: IceStart = field(repr=False)
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    has_audio: bool = True
    takes_audio: bool = False
    has_data: bool = True
    parameter_sets: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    transport_cc_id: int | None = None


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
    """The SignalRequest of a local offer, without ports or addresses of this machine.

    Its only candidates are relay candidates, of a TURN server that the player named. The bitrates
    are in kbit/s, and no higher than those of the Web SDK.

    `dtls_client`: offer to be the DTLS client (a=setup:active); else the host chooses the role.
    """
    max_bitrate_kbps = min(max_bitrate_kbps, MAX_BITRATE_KBPS)
    start_bitrate_kbps = min(start_bitrate_kbps, max_bitrate_kbps)
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
    not_offered = _NOT_OFFERED - (_OF_A_SENDER if "a=sendrecv" in section.lines else set())
    for line in section.lines:
        name, value = attribute_of(line)
        number = value.partition(" ")[0]
        if name == "candidate" and (relay := _relay_candidate(value)) is not None:
            lines.append(f"a=candidate:{relay}")
        if line.startswith(("c=", "b=")) or name in not_offered:
            continue
        if name == "fingerprint" and not value.lower().startswith("sha-256 "):
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


def _relay_candidate(value: str) -> str | None:
    """A relay candidate with no related address (RFC 8839, 5.1); None for any other."""
    parts = value.split(" ")
    if parts[6:8] != ["typ", "relay"]:
        return None
    unspecified = "::" if ":" in parts[4] else "0.0.0.0"
    return " ".join([*parts[:8], "raddr", unspecified, "rport", "0"])


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

_OF_A_SENDER = {"msid", "ssrc"}
"""Of these, what a browser offers where it sends: its stream and source."""


def decode_request(text: str) -> SignalRequest:
    """Read a client's SignalRequest, as the emulator does. Raises SignalError."""
    request = _json_object(text, "offer")
    description = parse(_sdp_of(request, "offer"), "offer")
    bundle = description.bundle("offer")
    accepted = [section for section in description.sections if not section.rejected]
    if len(bundle) != len(accepted) or not all(section.mid for section in bundle):
        raise SignalError("The offer does not bundle all media on one transport.")
    _require_rtcp_mux(description, bundle, "offer")
    transport = TransportParameters.of(description, "offer", {"actpass", "active", "passive"})
    if description.direction(description.section("video", "offer")) not in _RECEIVING:
        raise SignalError("The offer does not receive video.")
    sections: dict[str, list[str]] = {}
    for section in accepted:
        mid = section.mid
        if section.kind != "application":
            direction = description.direction(section)
            sections[mid] = rtp_lines(section, codecs_of(section), mid, direction)
        elif (port := sctp_port(section)) is not None:
            sections[mid] = data_lines(mid, port, section)
        else:
            raise SignalError("The offer has a data section without an SCTP port.")
    version = request.get("webSdkVersion")
    return SignalRequest(
        sdp=_rewritten(sections, transport, []),
        web_sdk_version=version if isinstance(version, str) else "",
        features=tuple(_features(request)),
        media=tuple(section.kind for section in accepted),
        bundle=tuple(section.mid for section in bundle),
        ice_ufrag=transport.ufrag,
        setup=transport.setup,
        rejected=tuple(
            (place, section.rejection())
            for place, section in enumerate(description.sections)
            if section.rejected
        ),
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


def decode_response(
    text: str, rules: NetworkRules, *, allow_444: bool = False, microphone: bool = False
) -> Answer:
    """Check a SignalResponse and rewrite its SDP for aiortc. Raises SignalError.

    `allow_444`: whether 4:4:4 colour was offered, `microphone`: whether sound of ours was.

    Audio and data may be rejected, left out or not bundled; the video may not.

    An RFC 9143 answerer writes candidates, ICE credentials, fingerprint and role into the first
    BUNDLE section only, but aiortc reads each of them from every section: so each section gets
    what is in effect for it. End-of-candidates is removed, so that aioice keeps listening for
    peer-reflexive candidates.
    """
    response = _json_object(text, "answer")
    description = parse(_sdp_of(response, "answer"), "answer")
    bundle = description.bundle("answer")
    transport = TransportParameters.of(description, "answer", {"active", "passive"})
    all_lines = [description.session, *(section.lines for section in bundle)]
    candidates = usable_candidates(
        [value for lines in all_lines for value in values_of(lines, "candidate")], rules
    )
    _require_rtcp_mux(description, bundle, "answer")
    video = description.section("video", "answer")
    if description.direction(video) not in _SENDING:
        raise SignalError("The answer sends no video.")
    codecs = receivable_video(video, allow_444=allow_444)
    if not codecs:
        raise SignalError(
            "The answer does not fit the offer: it has no H.264 video that was offered."
        )
    audio, opus, sound = _sound(description, bundle, microphone=microphone)
    data = next((section for section in bundle if section.kind == "application"), None)
    port = None if data is None else sctp_port(data)
    sections = {
        AUDIO_MID: rtp_lines(audio, opus or [_ANY_OPUS], AUDIO_MID, sound),
        VIDEO_MID: rtp_lines(video, codecs, VIDEO_MID, "sendonly"),
        DATA_MID: data_lines(DATA_MID, port or _ANY_SCTP_PORT, data),
    }
    url = response.get("webSdkProtocolUrl")
    lite = any("a=ice-lite" in lines for lines in all_lines)
    return Answer(
        sdp=_rewritten(sections, transport, candidates, lite=lite),
        web_sdk_protocol_url=url if isinstance(url, str) and len(url) <= 2048 else None,
        ice=IceStart(transport.ufrag, transport.pwd, lite, tuple(candidates)),
        rtx_ssrcs=retransmissions(video),
        has_audio=sound in _SENDING,
        takes_audio=sound in _RECEIVING,
        has_data=port is not None,
        parameter_sets=parameter_sets(video.values("fmtp")),
        transport_cc_id=agreed_id(description),
    )


_NO_AUDIO = Section("audio", 9, "", "", [])
_ANY_OPUS = Codec(96, "opus", OPUS_CLOCK_HZ, 2)
_ANY_SCTP_PORT = 5000
"""What aiortc reads in a section that the answer rejects: it wants all sections of the offer."""


def _sound(
    description: Description, bundle: list[Section], *, microphone: bool
) -> tuple[Section, list[Codec], str]:
    """The audio section, its Opus, and what of it is used, as the host's direction; inactive where
    it sends nothing that we can play and takes nothing that we offered."""
    for section in bundle:
        direction = description.direction(section)
        used = (direction in _SENDING, microphone and direction in _RECEIVING)
        if section.kind == "audio" and any(used):
            opus = [each for each in codecs_of(section) if each.is_a(OPUS, OPUS_CLOCK_HZ)]
            if opus:
                return section, opus, _DIRECTIONS[used]
    return _NO_AUDIO, [], "inactive"


_DIRECTIONS = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}


def _require_rtcp_mux(description: Description, bundle: list[Section], what: str) -> None:
    """Bundled sections multiplex RTP and RTCP, so one that says so is enough (RFC 9143, 9.3)."""
    if not any("a=rtcp-mux" in each for each in [description.session, *(s.lines for s in bundle)]):
        raise SignalError(f"The {what} does not multiplex RTP and RTCP (rtcp-mux).")


def _rewritten(
    sections: Mapping[str, list[str]],
    transport: TransportParameters,
    candidates: Sequence[str],
    *,
    lite: bool = False,
) -> str:
    """SDP for aiortc, from the lines of the sections by their mids.

    All are one BUNDLE group in their own order: aiortc stops the transport of all when another
    than the first section is the first of the group.
    """
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines.append(f"a=group:BUNDLE {' '.join(sections)}")
    lines += ["a=ice-lite"] if lite else []
    for section in sections.values():
        lines += [*section, *transport.lines()]
        lines += [f"a=candidate:{candidate}" for candidate in candidates]
    return join(lines)


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
