"""SignalRequests without a peer connection: enough to start a session, not to play it.

The shape is that of `rtc/signal_codec`, which the backend does not import: an offer to receive Opus
and H.264, and a data channel, without candidates. Credentials and fingerprint are random.
"""

from __future__ import annotations

import json
import secrets
from typing import Final

_TRANSPORT: Final = (
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:{ufrag}",
    "a=ice-pwd:{pwd}",
    "a=ice-options:trickle",
    "a=fingerprint:sha-256 {fingerprint}",
    "a=setup:actpass",
)
_SDP: Final = (
    "v=0",
    "o=- {number} 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1 2",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    *_TRANSPORT,
    "a=mid:0",
    "a=recvonly",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1",
    "m=video 9 UDP/TLS/RTP/SAVPF 102",
    *_TRANSPORT,
    "a=mid:1",
    "a=recvonly",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=rtpmap:102 H264/90000",
    "a=rtcp-fb:102 goog-remb",
    "a=rtcp-fb:102 nack",
    "a=rtcp-fb:102 nack pli",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    *_TRANSPORT,
    "a=mid:2",
    "a=sctp-port:5000",
    "a=max-message-size:262144",
)


def new_offer() -> tuple[str, str]:
    """A fresh SignalRequest, and the password in it, which no answer may contain."""
    pwd = secrets.token_hex(12)
    sdp = "\r\n".join([*_SDP, ""]).format(
        number=secrets.randbelow(2**62),
        ufrag=secrets.token_hex(2),
        pwd=pwd,
        fingerprint=secrets.token_bytes(32).hex(":").upper(),
    )
    features = [{"name": "WEBRTC_SPLIT_MEDIA_STREAMS", "value": "enabled"}]
    request = {
        "type": "offer",
        "sdp": sdp,
        "webSdkVersion": "1.2.0",
        "extras": {"features": features},
    }
    # With blanks: a backend that parses and rewrites it would send other bytes to the service.
    return json.dumps(request, separators=(", ", ": ")), pwd


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return secrets.token_hex(20)
