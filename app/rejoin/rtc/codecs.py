"""The codecs that we offer: Opus, and H.264 in every profile that hosts send, with RTX.

aiortc offers and accepts only what `CODECS` and `HEADER_EXTENSIONS` of `aiortc.codecs` list, and
those are module-wide: there is no instance to change. They are the only change to a module of
aiortc; everything else is changed on instances (`rtc/aiortc_seam`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiortc.codecs import CODECS, HEADER_EXTENSIONS
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCapabilities,
    RTCRtpCodecCapability,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.rtcrtpreceiver import RTCRtpReceiver

from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc import transport_cc

ADDED: Final = (
    (103, "4d001f", "1"),
    (105, "64001f", "1"),
    (107, "42001f", "0"),
    (109, "42e01f", "0"),
    (111, "4d001f", "0"),
    (113, "64001f", "0"),
)
"""RTP payload type, profile-level-id and packetization-mode. Its RTX has the next payload type.

aiortc's own H.264 entries (42001f and 42e01f in mode 1) end at 102. Mode 0 is single NAL unit mode
(RFC 6184, 6.2), which the same code depacketizes.
"""


PROFILE_444: Final = "f4001f"
"""High 4:4:4 Predictive: colour in full resolution. Offered only where the studio's profile says
so, because no graphics hardware decodes it."""

ADDED_444: Final = ((115, PROFILE_444, "1"),)


def offer_every_profile() -> None:
    """Add Main, High, High 4:4:4, packetization mode 0 and transport-wide feedback to aiortc's
    lists.

    Further calls change nothing.
    """
    known = {
        (codec.parameters.get("profile-level-id"), codec.parameters.get("packetization-mode"))
        for codec in CODECS["video"]
    }
    for payload_type, profile_level_id, mode in ADDED + ADDED_444:
        if (profile_level_id, mode) in known:
            continue
        CODECS["video"] += [
            RTCRtpCodecParameters(
                mimeType="video/H264",
                clockRate=90000,
                payloadType=payload_type,
                rtcpFeedback=[
                    RTCRtcpFeedback(type="nack"),
                    RTCRtcpFeedback(type="nack", parameter="pli"),
                    RTCRtcpFeedback(type="goog-remb"),
                ],
                parameters={
                    "level-asymmetry-allowed": "1",
                    "packetization-mode": mode,
                    "profile-level-id": profile_level_id,
                },
            ),
            RTCRtpCodecParameters(
                mimeType="video/rtx",
                clockRate=90000,
                payloadType=payload_type + 1,
                parameters={"apt": payload_type},
            ),
        ]
    _offer_feedback()


def _offer_feedback() -> None:
    """FIR for H.264; transport-wide feedback for all, with one id of its header extension."""
    transport_wide = RTCRtcpFeedback(type=transport_cc.FEEDBACK)
    fir = RTCRtcpFeedback(type="ccm", parameter="fir")
    for codec in (*CODECS["audio"], *CODECS["video"]):
        kind = codec.mimeType.lower()
        sent = {"audio/opus": [transport_wide], "video/h264": [fir, transport_wide]}.get(kind, [])
        codec.rtcpFeedback += [each for each in sent if each not in codec.rtcpFeedback]
    for extensions in HEADER_EXTENSIONS.values():
        if not any(each.uri == TRANSPORT_CC_URI for each in extensions):
            extensions.append(
                RTCRtpHeaderExtensionParameters(id=transport_cc.OFFERED_ID, uri=TRANSPORT_CC_URI)
            )


def offered_codecs(kind: str, *, allow_444: bool = False) -> list[RTCRtpCodecCapability]:
    """The codecs that we offer: H.264 with RTX for video, Opus for audio.

    Preferred codecs first (RFC 3264, 5.1): High, Main and Baseline in mode 1, which can fragment a
    NAL unit over packets, before those in mode 0; before them all High 4:4:4, if it is allowed.
    """
    capabilities: RTCRtpCapabilities | None = RTCRtpReceiver.getCapabilities(kind)
    codecs = capabilities.codecs if capabilities is not None else []
    if kind == "audio":
        return [codec for codec in codecs if codec.mimeType.lower() == "audio/opus"]
    wanted = [codec for codec in reversed(codecs) if _is_offered(codec, allow_444)]
    wanted.sort(key=lambda codec: codec.parameters["packetization-mode"] != "1")
    return wanted + [codec for codec in codecs if codec.mimeType.lower() == "video/rtx"]


def _is_offered(codec: RTCRtpCodecCapability | RTCRtpCodecParameters, allow_444: bool) -> bool:
    if codec.mimeType.lower() != "video/h264":
        return False
    return allow_444 or codec.parameters.get("profile-level-id") != PROFILE_444


def offered_video_types(*, allow_444: bool = False) -> list[RTCRtpCodecParameters]:
    """The payload types of `offered_codecs("video")`, without feedback.

    A host may send in any of them, whatever its answer lists: Chromium does when the page narrowed
    its codecs (setCodecPreferences), and plays it.
    """
    h264 = [codec for codec in CODECS["video"] if _is_offered(codec, allow_444)]
    numbers = {codec.payloadType for codec in h264}
    rtx = [codec for codec in CODECS["video"] if codec.parameters.get("apt") in numbers]
    return [replace(codec, rtcpFeedback=[]) for codec in h264 + rtx]
