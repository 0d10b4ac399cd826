"""Statistics for the input module (getStats), and its numbers about the host's load."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from rejoin.input_module.port import PeerState
from rejoin.media.statistics import StreamStatistics


def peer_state(numbers: StreamStatistics) -> PeerState:
    """The states and the members of W3C's webrtc-stats that our statistics have; no address,
    candidate or certificate."""
    return PeerState(
        connection_state=numbers.connection_state,
        ice_state="completed" if numbers.connected else _ICE[numbers.connection_state],
        statistics={
            "inbound-rtp": _video(numbers),
            "candidate-pair": {
                "state": "succeeded" if numbers.connected else "in-progress",
                "nominated": numbers.connected,
                "currentRoundTripTime": numbers.rtt_s,
                "availableIncomingBitrate": numbers.available_bitrate_bps,
                "bytesReceived": numbers.bytes_received,
            },
        },
    )


_ICE = {
    "new": "new",
    "connecting": "checking",
    "connected": "completed",
    "failed": "failed",
    "closed": "closed",
}
"""RTCIceConnectionState by RTCPeerConnectionState, as far as a module may care."""


def _video(numbers: StreamStatistics) -> Mapping[str, object]:
    return {
        "kind": "video",
        "frameWidth": numbers.width,
        "frameHeight": numbers.height,
        "framesPerSecond": numbers.decoded_fps,
        "framesReceived": numbers.frames_received,
        "framesDecoded": numbers.frames_decoded,
        "framesDropped": numbers.frames_dropped,
        "keyFramesDecoded": numbers.key_frames_decoded,
        "totalDecodeTime": numbers.total_decode_time_s,
        "freezeCount": numbers.freeze_count,
        "totalFreezesDuration": numbers.total_freezes_duration_s,
        "packetsReceived": numbers.packets_received,
        "packetsLost": numbers.packets_lost,
        "bytesReceived": numbers.bytes_received,
        "jitter": numbers.jitter_s,
        "nackCount": numbers.nack_count,
        "pliCount": numbers.pli_count,
        "firCount": numbers.fir_count,
    }


_HOST_LOAD: Final = {
    ("application", "cpuUtilizationNormalized"): "host_application_cpu",
    ("application", "memoryUtilizationMb"): "host_application_memory_mb",
    ("system", "cpuUtilization"): "host_cpu",
    ("system", "memoryUtilization"): "host_memory",
    ("system", "gpuUtilization"): "host_gpu",
    ("system", "vramUtilization"): "host_vram",
}
"""Members of the Web SDK's performance statistics, and our names of them."""


def host_load(statistics: Mapping[str, object]) -> dict[str, Any]:
    """Fields of `StreamStatistics`, of the members that are there and are numbers."""
    found: dict[str, Any] = {}
    for (group, member), name in _HOST_LOAD.items():
        members = statistics.get(group)
        value = members.get(member) if isinstance(members, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(min(max(value, -_MOST), _MOST))
            if math.isfinite(number):
                found[name] = number
    return found


_MOST: Final = 1e12
"""No value is larger; a whole number from JSON may be too large for a float."""
