"""H.264 Main and High beside Baseline: the one change we make to a module of aiortc.

aiortc offers and accepts only what `aiortc.codecs.CODECS` lists, and that list is module-wide:
there is no instance to override. All else we change is changed on instances (`rtc/transport`).
"""

from __future__ import annotations

from typing import Final

from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCapabilities,
    RTCRtpCodecCapability,
    RTCRtpCodecParameters,
)
from aiortc.rtcrtpreceiver import RTCRtpReceiver

MAIN_AND_HIGH: Final = {103: "4d001f", 105: "64001f"}
"""RTP payload type to profile-level-id; aiortc's own entries end at 102."""


def offer_main_and_high() -> None:
    """Add Main and High to aiortc's codec list; doing it again changes nothing."""
    known = {codec.parameters.get("profile-level-id") for codec in CODECS["video"]}
    for payload_type, profile_level_id in MAIN_AND_HIGH.items():
        if profile_level_id in known:
            continue
        CODECS["video"].append(
            RTCRtpCodecParameters(
                mimeType="video/H264",
                clockRate=90000,
                payloadType=payload_type,
                rtcpFeedback=[
                    RTCRtcpFeedback(type="nack"),
                    RTCRtcpFeedback(type="nack", parameter="pli"),
                ],
                parameters={
                    "level-asymmetry-allowed": "1",
                    "packetization-mode": "1",
                    "profile-level-id": profile_level_id,
                },
            )
        )


def receivable(kind: str) -> list[RTCRtpCodecCapability]:
    """What we decode well and therefore offer: H.264 without RTX for video, Opus for audio.

    The best profile first: an offer's order says what its maker prefers (RFC 3264, 5.1).
    """
    capabilities: RTCRtpCapabilities | None = RTCRtpReceiver.getCapabilities(kind)
    wanted = {"audio": "audio/opus", "video": "video/h264"}[kind]
    codecs = capabilities.codecs if capabilities is not None else []
    return [codec for codec in reversed(codecs) if codec.mimeType.lower() == wanted]
