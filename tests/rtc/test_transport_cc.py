from __future__ import annotations

import json

import pytest

from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.sdp import parse
from rejoin.rtc.signal_codec import decode_response
from rejoin.rtc.transport_cc import OFFERED_ID, agreed_id

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
OTHER = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


def an_answer(*, session: str = "", audio: str = "", video: str = "") -> str:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", *session.split("|")]
    lines += ["a=group:BUNDLE 0 1"]
    for mid, (media, more) in enumerate((("audio", audio), ("video", video))):
        lines += [f"m={media} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}", *more.split("|")]
        lines += ["a=candidate:1 1 udp 1 127.0.0.1 5000 typ host", "a=rtcp-mux", "a=sendonly"]
        lines += ["a=ice-ufrag:abcd", f"a=ice-pwd:{'p' * 24}", "a=setup:active"]
        lines += ["a=fingerprint:sha-256 " + ":".join(["AB"] * 32)]
        lines += [f"a=rtpmap:96 {'opus/48000/2' if media == 'audio' else 'H264/90000'}"]
    return "".join(f"{line}\r\n" for line in lines if line)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({}, None),
        ({"video": "a=rtcp-fb:96 nack"}, None),
        ({"video": f"a=extmap:4 {URI}"}, None),  # without the feedback nothing is to be sent
        ({"video": "a=rtcp-fb:96 transport-cc"}, OFFERED_ID),
        ({"video": "a=rtcp-fb:96 transport-cc "}, OFFERED_ID),
        ({"video": "a=rtcp-fb:* transport-cc"}, OFFERED_ID),
        ({"video": "a=rtcp-fb:96 Transport-CC"}, OFFERED_ID),
        ({"audio": "a=rtcp-fb:96 transport-cc"}, OFFERED_ID),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:3 {OTHER}"}, OFFERED_ID),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:4 {URI}"}, 4),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:9/sendonly {URI} some=thing"}, 9),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:99 {URI}"}, 99),
        ({"video": "a=rtcp-fb:96 transport-cc", "audio": f"a=extmap:6 {URI}"}, 6),
        ({"video": "a=rtcp-fb:96 transport-cc", "session": f"a=extmap:7 {URI}"}, 7),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:0 {URI}"}, OFFERED_ID),
        ({"video": f"a=rtcp-fb:96 transport-cc|a=extmap:x {URI}"}, OFFERED_ID),
        ({"video": "a=rtcp-fb:96 transport-cc|a=extmap:4"}, OFFERED_ID),
    ],
)
def test_what_an_answer_takes(answer: dict[str, str], number: int | None) -> None:
    assert agreed_id(parse(an_answer(**answer), "answer")) == number


@pytest.mark.parametrize("taken", [True, False])
def test_the_decoded_answer_says_whether_numbers_will_come(taken: bool) -> None:
    video = f"a=rtcp-fb:96 transport-cc|a=extmap:5 {URI}" if taken else ""
    text = json.dumps({"type": "answer", "sdp": an_answer(video=video), "webSdkProtocolUrl": "x"})
    answer = decode_response(text, NetworkRules(loopback_only=True))
    assert answer.transport_cc_id == (5 if taken else None)
