from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoin.errors import SignalError
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.signal_codec import (
    Answer,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    sha256_of,
)

DATA = Path(__file__).parents[1] / "data"
FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
PUBLIC = NetworkRules()
LOOPBACK = NetworkRules(loopback_only=True)
LAN = NetworkRules(allow_private=True)

PATH = f"""a=ice-ufrag:Ab1+
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:active"""


def answer_sdp(
    *,
    candidates: tuple[str, ...] = ("1 1 udp 2130706431 203.0.114.9 33440 typ host",),
    path: str = PATH,
    others: str = PATH,
) -> str:
    listed = "\n".join(f"a=candidate:{candidate}" for candidate in candidates)
    return f"""v=0
o=- 1 2 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1 2
m=audio 33440 UDP/TLS/RTP/SAVPF 96
c=IN IP4 203.0.114.9
{listed}
a=end-of-candidates
{path}
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:96 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 99
c=IN IP4 0.0.0.0
{others}
a=mid:1
a=sendonly
a=rtcp-mux
a=rtpmap:99 H264/90000
a=ssrc:77 cname:x
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{others}
a=mid:2
a=sctp-port:5000
""".replace("\n\n", "\n")


def response(sdp: str, **more: Any) -> str:
    return json.dumps({"type": "answer", "sdp": sdp, **more})


def sections(sdp: str) -> list[str]:
    return re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)[1:]


def refusal(text: str, rules: NetworkRules = PUBLIC) -> str:
    with pytest.raises(SignalError) as caught:
        decode_response(text, rules)
    return str(caught.value)


# --- our offer ----------------------------------------------------------------------------------

LOCAL_OFFER = f"""v=0
o=- 4004455656 4004455656 IN IP4 192.168.7.31
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=msid-semantic:WMS *
m=audio 51000 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.168.7.31
a=recvonly
a=mid:0
a=msid:one two
a=rtcp:9 IN IP4 0.0.0.0
a=rtcp-mux
a=ssrc:5 cname:secret
a=rtpmap:96 opus/48000/2
a=candidate:1 1 udp 2130706431 192.168.7.31 51000 typ host
a=end-of-candidates
a=ice-ufrag:Ab1+
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {FINGERPRINT}
a=fingerprint:sha-384 AA
a=setup:actpass
m=video 51000 UDP/TLS/RTP/SAVPF 99
c=IN IP4 192.168.7.31
a=sendrecv
a=mid:1
a=rtcp-mux
a=rtpmap:99 H264/90000
a=rtcp-fb:99 nack
a=rtcp-fb:99 nack pli
a=rtcp-fb:99 goog-remb
a=rtcp-fb:99 transport-cc
a=fmtp:99 packetization-mode=1;profile-level-id=42e01f
a=candidate:1 1 udp 2130706431 192.168.7.31 51000 typ host
a=end-of-candidates
a=ice-ufrag:Ab1+
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
m=application 51000 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.168.7.31
a=mid:2
a=sctp-port:5000
a=candidate:1 1 udp 2130706431 192.168.7.31 51000 typ host
a=end-of-candidates
a=ice-ufrag:Ab1+
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
"""


def test_the_request_has_the_web_sdks_shape() -> None:
    request = json.loads(encode_request(LOCAL_OFFER, max_bitrate_kbps=8000, start_bitrate_kbps=900))
    real = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    assert {key: request[key] for key in request if key != "sdp"} == {
        key: real[key] for key in real if key != "sdp"
    }
    lines = request["sdp"].split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 96",
        "m=video 9 UDP/TLS/RTP/SAVPF 99",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert lines.count("c=IN IP4 0.0.0.0") == 3
    assert lines.count("a=rtcp:9 IN IP4 0.0.0.0") == 2
    assert {"b=AS:8000", "b=TIAS:8000000", "a=recvonly", "a=sendrecv"} <= set(lines)
    assert "a=fmtp:96 minptime=10;useinbandfec=1;stereo=1" in lines
    assert (
        "a=fmtp:99 packetization-mode=1;profile-level-id=42e01f"
        ";x-google-max-bitrate=8000;x-google-start-bitrate=900" in lines
    )


def test_the_request_holds_nothing_about_this_machine() -> None:
    request = encode_request(LOCAL_OFFER)
    for secret in ("192.168", "51000", "candidate", "cname", "msid:", "transport-cc", "sha-384"):
        assert secret not in request, secret


def test_the_emulator_reads_what_we_send() -> None:
    request = decode_request(encode_request(LOCAL_OFFER))
    assert request.media == ("audio", "video", "application")
    assert request.web_sdk_version == "1.2.0"


@pytest.mark.parametrize(("dtls_client", "setup"), [(False, "actpass"), (True, "active")])
def test_an_offer_leaves_the_dtls_role_to_the_host_or_claims_the_clients(
    dtls_client: bool, setup: str
) -> None:
    request = encode_request(LOCAL_OFFER, dtls_client=dtls_client)
    assert decode_request(request).setup == setup
    assert json.loads(request)["sdp"].count("a=setup:") == 3


@pytest.mark.parametrize(
    ("name", "first", "version"),
    [
        ("signal-request-websdk-1.0.0-chromium-156.json", "video", "1.0.0"),
        ("signal-request-websdk-1.2.0-chromium-156.json", "audio", "1.2.0"),
    ],
)
def test_real_requests_of_the_web_sdk_are_read(name: str, first: str, version: str) -> None:
    request = decode_request((DATA / name).read_text())
    assert request.media[0] == first
    assert request.web_sdk_version == version
    assert len(request.ice_ufrag) >= 4
    assert request.ice_ufrag not in repr(request)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("a=recvonly", "a=sendonly"), "does not receive video"),
        (("sha-256", "sha-1"), "fingerprint"),
        (("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1"), "bundle"),
        (("a=ice-ufrag:", "a=x:"), "ICE"),
        (("v=0", "x=0"), "not SDP"),
        (("a=setup:actpass", "a=setup:later"), "DTLS"),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(change: tuple[str, str], says: str) -> None:
    good = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    good["sdp"] = good["sdp"].replace(*change)
    with pytest.raises(SignalError, match=says):
        decode_request(json.dumps(good))


# --- the service's answer -----------------------------------------------------------------------


def test_an_offer_names_its_direction_in_each_section() -> None:
    request = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    silent = request["sdp"].replace("a=recvonly\n", "")
    for sdp, direction in (
        (silent, "sendrecv"),  # the default
        (silent.replace("t=0 0\n", "t=0 0\na=recvonly\n"), "recvonly"),
    ):
        read = decode_request(json.dumps({**request, "sdp": sdp}))
        audio, video, data = sections(read.sdp)
        assert f"a={direction}" in audio.splitlines()
        assert f"a={direction}" in video.splitlines()
        assert "a=send" not in data


def test_candidates_of_the_first_section_reach_every_section() -> None:
    answer = decode_response(
        response(answer_sdp(), webSdkProtocolUrl="https://example.com/x.js"), PUBLIC
    )
    for section in sections(answer.sdp):
        assert "a=candidate:1 1 udp 2130706431 203.0.114.9 33440 typ host\r\n" in section
    assert "end-of-candidates" not in answer.sdp
    assert answer.web_sdk_protocol_url == "https://example.com/x.js"
    assert "203.0.114" not in repr(answer)


def test_transport_attributes_of_the_first_section_hold_for_all() -> None:
    answer = decode_response(response(answer_sdp(others="a=x:y")), PUBLIC)
    assert len(sections(answer.sdp)) == 3
    for section in sections(answer.sdp):
        for line in PATH.split("\n"):
            assert f"{line}\r\n" in section
    assert answer.web_sdk_protocol_url is None


def test_the_fingerprint_may_be_at_session_level() -> None:
    without = "\n".join(line for line in PATH.split("\n") if "fingerprint" not in line)
    sdp = answer_sdp(path=without, others=without)
    assert "fingerprint" in refusal(response(sdp))
    sdp = sdp.replace("t=0 0\n", f"t=0 0\na=fingerprint:SHA-256 {FINGERPRINT.lower()}\n")
    assert decode_response(response(sdp), PUBLIC).sdp.count(FINGERPRINT) == 3


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a=setup:active", "a=setup:actpass", "DTLS"),
        ("a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:short", "ICE"),
        (f"sha-256 {FINGERPRINT}", f"sha-1 {FINGERPRINT[:59]}", "fingerprint"),
        (f"sha-256 {FINGERPRINT}", "sha-256 AB:CD", "fingerprint"),
        ("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 2", "bundle"),
        ("a=mid:1", "a=mid:0", "without its own mid"),
        ("m=video 9", "m=video 0", "rejects its video"),
        ("m=video", "m=text", "unknown kind"),
        ("a=rtcp-mux", "a=x", "RTCP"),
        ("v=0", "hello", "not SDP"),
        ("H264/90000", "VP8/90000", "no H.264"),
        ("203.0.114.9 33440 typ", "10.0.0.9 33440 typ", "private"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_refused(old: str, new: str, says: str) -> None:
    assert says in refusal(response(answer_sdp().replace(old, new)))


def test_an_answer_without_video_to_us_is_refused() -> None:
    sdp = answer_sdp().replace("a=mid:1\na=sendonly", "a=mid:1\na=inactive")
    assert refusal(response(sdp)) == "The answer sends no video."
    sdp = answer_sdp().replace("a=mid:1\na=sendonly", "a=mid:1")
    assert sections(decode_response(response(sdp), PUBLIC).sdp)[1].count("a=sendonly") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "not a JSON object"),
        ('{"type": "offer", "sdp": ""}', "not of type"),
        ('{"type": "answer"}', "no SDP"),
        ('{"type": "answer", "sdp": 7}', "no SDP"),
        ('{"type": "answer", "sdp": ""}', "not SDP"),
        (json.dumps({"type": "answer", "sdp": "v=0\n" * 20_000}), "64 KiB"),
        (json.dumps({"type": "answer", "sdp": "", "more": "x" * 262_144}), "256 KiB"),
    ],
)
def test_text_that_is_not_an_answer_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


def test_an_encoded_answer_is_decoded_again() -> None:
    text = encode_response(answer_sdp(), "https://127.0.0.1/x.js")
    assert decode_response(text, PUBLIC).web_sdk_protocol_url == "https://127.0.0.1/x.js"


def test_the_digest_identifies_the_exact_string() -> None:
    assert sha256_of("abc").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    assert len(sha256_of("\ud800")) == 64


# --- any input ----------------------------------------------------------------------------------


def read(text: str) -> None:
    """It raises SignalError or returns a value, and nothing else happens."""
    for rules in (PUBLIC, LOOPBACK, LAN):
        with contextlib.suppress(SignalError):
            assert isinstance(decode_response(text, rules), Answer)
    with contextlib.suppress(SignalError):
        decode_request(text)


@given(st.text())
def test_any_text_is_refused_or_decoded(text: str) -> None:
    read(text)


@given(st.text(st.sampled_from("mcaoivst=:/ 019.-\r\n\t\x0b\u2028éBUNDLE"), max_size=400))
def test_any_sdp_is_refused_or_decoded(sdp: str) -> None:
    read(response("v=0\n" + sdp))


@settings(max_examples=150)
@given(
    st.data(),
    st.lists(st.sampled_from(["drop", "repeat", "cut", "insert", "swap"]), min_size=1, max_size=4),
)
def test_a_mutated_answer_is_refused_or_decoded(data: st.DataObject, changes: list[str]) -> None:
    lines = answer_sdp().split("\n")
    for change in changes:
        at = data.draw(st.integers(0, len(lines) - 1))
        match change:
            case "drop":
                lines[at : at + 1] = []
            case "repeat":
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, 20))]
            case "insert":
                where = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:where] + data.draw(st.text(max_size=5)) + lines[at][where:]
            case _:
                lines[at], lines[-1] = lines[-1], lines[at]
        lines = lines or ["v=0"]
    read(response("\n".join(lines)))


def test_retransmission_streams_are_those_of_the_fid_groups() -> None:
    groups = "a=ssrc-group:FID 77 78\na=ssrc-group:FEC-FR 77 79\na=ssrc-group:FID 77 x"
    sdp = answer_sdp().replace("a=ssrc:77 cname:x", f"{groups}\na=ssrc:77 cname:x")
    assert decode_response(response(sdp), PUBLIC).rtx_ssrcs == {78: 77}
    assert decode_response(response(answer_sdp()), PUBLIC).rtx_ssrcs == {}
