from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiortc.rtcrtpparameters import RTCRtcpFeedback
from aiortc.sdp import SessionDescription
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
    for secret in ("192.168", "51000", "candidate", "cname", "msid:", "sha-384"):
        assert secret not in request, secret


@pytest.mark.parametrize(
    ("address", "unspecified"), [("203.0.113.5", "0.0.0.0"), ("2001:db8::5", "::")]
)
def test_relay_candidates_are_offered_without_the_address_behind_them(
    address: str, unspecified: str
) -> None:
    host = "a=candidate:1 1 udp 2130706431 192.168.7.31 51000 typ host\n"
    srflx = "a=candidate:2 1 udp 1 198.51.100.9 51001 typ srflx raddr 192.168.7.31 rport 51000\n"
    relay = f"a=candidate:3 1 udp 2 {address} 49152 typ relay raddr 198.51.100.9 rport 51002\n"
    offer = LOCAL_OFFER.replace(host, host + srflx + relay)
    sdp = json.loads(encode_request(offer))["sdp"]
    candidates = [line for line in sdp.split("\r\n") if "candidate" in line]
    written = f"a=candidate:3 1 udp 2 {address} 49152 typ relay raddr {unspecified} rport 0"
    assert candidates == [written] * 3
    for secret in ("192.168", "198.51.100", "typ host", "srflx"):
        assert secret not in sdp


def test_feedback_that_is_sent_is_offered() -> None:
    sdp = json.loads(encode_request(LOCAL_OFFER))["sdp"]
    kinds = [line.split(" ", 1)[1] for line in sdp.split("\r\n") if line.startswith("a=rtcp-fb:")]
    assert kinds == ["nack", "nack pli", "goog-remb", "transport-cc"]


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
        (("a=rtcp-mux", "a=x"), "RTCP"),
        (("a=mid:", "a=x:"), "bundle"),
        (("a=sctp-port:5000", "a=x"), "SCTP port"),
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


# --- answers of real hosts ------------------------------------------------------------------------

BASE = (DATA / "answer.sdp").read_text(encoding="utf-8")
"""A plain answer, made by hand after those of libwebrtc."""
GOOD = "a=candidate:1 1 udp 2130706431 203.0.114.9 33440 typ host\n"
TRANSPORT = re.search(r"(?ms)^a=ice-ufrag.*?^a=setup:active\n", BASE)
assert TRANSPORT is not None
H264 = "a=fmtp:105 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\n"


def digest(bytes_: int) -> str:
    return ":".join(f"{byte % 256:02X}" for byte in range(bytes_))


def beside(line: str) -> tuple[str, str]:
    return (GOOD, f"{GOOD}{line}\n")


HARMLESS: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "a candidate with more attributes": (
        GOOD,
        f"{GOOD.strip().replace('udp', 'UDP')} generation 0 ufrag Ab1+ network-cost 50\n",
    ),
    "IPv6 link-local": beside("a=candidate:3 1 udp 1 fe80::42:acff:fe11:2 33440 typ host"),
    "EC2's private address": beside("a=candidate:1 1 udp 2130706431 172.31.1.72 33440 typ host"),
    "a host name": beside("a=candidate:3 1 udp 2113937151 83c0adfa-97f2.local 52743 typ host"),
    "a TURN server's port": beside("a=candidate:2 1 udp 1 203.0.114.10 443 typ relay"),
    "TCP": beside("a=candidate:1 1 tcp 1518280447 203.0.114.9 9 typ host tcptype active"),
    "an unknown type": beside("a=candidate:1 1 udp 1 203.0.114.9 33441 typ teleport"),
    "an odd foundation": beside("a=candidate:a_b 1 udp 1 203.0.114.9 33441 typ host"),
    "doubles": (GOOD, GOOD * 200),
    "extmap attributes": ("a=ssrc:22", "a=extmap:3 urn:abs-send-time vad=on\na=ssrc:22"),
    "extmap of no number": ("a=ssrc:22", "a=extmap:x urn:abs-send-time\na=ssrc:22"),
    "a fraction in fmtp": ("a=ssrc:11", "a=fmtp:96 maxplaybackrate=48000;minptime=10.5\na=ssrc:11"),
    "fmtp of an unused type": ("a=ssrc:22", "a=fmtp:120 apt=119\na=ssrc:22"),
    "fmtp without parameters": ("a=ssrc:22", "a=fmtp:105\na=ssrc:22"),
    "rtcp-fb of an unused type": ("a=ssrc:22", "a=rtcp-fb:120 nack\na=ssrc:22"),
    "rtcp-fb without kind": ("a=ssrc:22", "a=rtcp-fb:105\na=ssrc:22"),
    "rtpmap without codec": ("a=ssrc:22", "a=rtpmap:106\na=ssrc:22"),
    "a source without attribute": ("a=ssrc:22 cname:x", "a=ssrc:22"),
    "a source of no number": ("a=ssrc:22", "a=ssrc:x cname:x\na=ssrc:22"),
    "an odd source group": ("a=ssrc:22", "a=ssrc-group:FID a b\na=ssrc:22"),
    "an odd size": ("a=max-message-size:262144", "a=max-message-size:big"),
    "an odd rtcp": ("a=mid:1", "a=rtcp:x\na=mid:1"),
    "an odd connection": ("c=IN IP4 0.0.0.0", "c=IN IP9 nowhere"),
    "a tab in the name": ("s=-", "s=a\tb"),
    "UTF-8 in the name": ("s=-", "s=Spiel-\u00dcbertragung"),
    "a line separator in the name": ("s=-", "s=a\u2028m=video 9 x 1"),
    "UTF-8 in an attribute": ("a=mid:1", "a=x:\u00fc\na=mid:1"),
    "UTF-8 in a stream's name": ("cname:x", "cname:\u00fc \u00fc"),
    "lines of no type": ("t=0 0", "t=0 0\nhello\n="),
    "CR LF": ("\n", "\r\n"),
    "CR": ("\n", "\r"),
    "a byte order mark": ("v=0", "\ufeffv=0"),
    "a DTLS role in capitals": ("a=setup:active", "a=setup:ACTIVE"),
    "a group in small letters": ("a=group:BUNDLE", "a=group:bundle"),
    "a long mid": ("BUNDLE 0 1 2\n", f"BUNDLE {'x' * 300} 1 2\n"),
    "a mode with a zero in front": ("packetization-mode=1", "packetization-mode=01"),
    "trailing blanks": ("\n", " \n"),
    "leading blanks": ("\na=", "\n a="),
    "blanks in fmtp": (";", "; "),
    "codec names in other cases": ("opus/48000/2", "OPUS/48000/2"),
    "H.264 in lower case": ("H264/90000", "h264/90000"),
    "odd ICE credentials": ("a=ice-ufrag:Ab1+", "a=ice-ufrag:user_1"),
    "an odd ICE password": ("abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx-_=."),
    "ICE lite": ("a=group", "a=ice-lite\na=msid-semantic:WMS *\na=group"),
    "transport attributes twice": (TRANSPORT[0], TRANSPORT[0] * 2),
    "a mid twice": ("a=mid:1\n", "a=mid:1\na=mid:1\n"),
    "a group twice": ("a=group:BUNDLE 0 1 2\n", "a=group:BUNDLE 0 1 2\n" * 2),
    "a direction twice": ("a=sendonly\n", "a=sendonly\na=sendonly\n"),
    "another group": ("a=group", "a=group:LS 0 1\na=group"),
    "a group with more": ("BUNDLE 0 1 2", "BUNDLE 0 1 2 3"),
    "another tagged section": ("BUNDLE 0 1 2", "BUNDLE 1 0 2"),
    "sha-384": (f"sha-256 {BASE.split('sha-256 ')[1][:95]}", f"sha-384 {digest(48)}"),
    "sha-512": (f"sha-256 {BASE.split('sha-256 ')[1][:95]}", f"SHA-512 {digest(64).lower()}"),
    "sha-1 beside sha-256": ("a=setup", f"a=fingerprint:sha-1 {digest(20)}\na=setup"),
    "sha-512 beside sha-256": ("a=setup", f"a=fingerprint:sha-512 {digest(64)}\na=setup"),
    "Constrained High": ("64001f", "640c1f"),
    "a level that aiortc does not know": ("64001f", "64003e"),
    "Main": ("64001f", "4d4029"),
    "no profile": (H264, "a=fmtp:105 packetization-mode=1\n"),
    "no fmtp": (H264, ""),
    "a rejected section of another kind": ("262144\n", "262144\nm=text 0 RTP/AVP 98\na=mid:3\n"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_an_answer_with_something_harmless_is_taken(what: str) -> None:
    old, new = HARMLESS[what]
    odd = BASE.replace(old, new)
    if what == "a long mid":
        odd = odd.replace("a=mid:0\n", f"a=mid:{'x' * 300}\n")
    plain, answer = (decode_response(response(sdp), PUBLIC) for sdp in (BASE, odd))
    assert (answer.has_audio, answer.has_data) == (True, True)
    assert answer.ice.candidates == plain.ice.candidates
    session = SessionDescription.parse(answer.sdp)
    assert [(media.kind, media.rtp.muxId) for media in session.media] == [
        ("audio", "0"),
        ("video", "1"),
        ("application", "2"),
    ]
    audio, video, data = session.media
    assert [codec.name.lower() for codec in video.rtp.codecs] == ["h264", "rtx"]
    assert RTCRtcpFeedback("nack") in video.rtp.codecs[0].rtcpFeedback
    assert RTCRtcpFeedback("nack", "pli") in video.rtp.codecs[0].rtcpFeedback
    assert (audio.ssrc[0].ssrc, video.ssrc[0].ssrc, data.sctp_port) == (11, 22, 5000)
    assert answer.sdp.isascii()


@pytest.mark.parametrize(
    ("changes", "has_audio", "has_data"),
    [
        ([("BUNDLE 0 1 2", "BUNDLE 1 2"), ("m=audio 9", "m=audio 0")], False, True),
        (
            [("BUNDLE 0 1 2", "BUNDLE 1 2"), ("m=audio 9", "m=audio 0"), ("a=mid:0\n", "")],
            False,
            True,
        ),
        ([("m=audio 9", "m=audio 0")], False, True),
        ([("m=audio 9 UDP/TLS/RTP/SAVPF 96", "m=audio 0 UDP/TLS/RTP/SAVPF")], False, True),
        ([("m=audio 9 UDP/TLS/RTP/SAVPF 96", "m=audio 0 RTP/AVP -1 x")], False, True),
        ([("BUNDLE 0 1 2", "BUNDLE 1 2")], False, True),
        ([("a=mid:0\n", "")], False, True),
        ([("opus/48000/2", "PCMU/8000")], False, True),
        ([("a=mid:0\na=sendonly", "a=mid:0\na=inactive")], False, True),
        ([("a=mid:0\na=sendonly", "a=mid:0\na=recvonly")], False, True),
        ([("BUNDLE 0 1 2", "BUNDLE 0 1"), ("m=application 9", "m=application 0")], True, False),
        ([("BUNDLE 0 1 2", "BUNDLE 0 1")], True, False),
        ([("a=sctp-port:5000\n", "")], True, False),
        ([("a=sctp-port:5000", "a=sctp-port:0")], True, False),
        ([("a=sctp-port:5000", "a=sctp-port:x")], True, False),
        ([(BASE[BASE.index("m=application") :], "")], True, False),
        (
            [
                ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"),
                ("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024"),
            ],
            True,
            True,
        ),
        (
            [
                ("a=group:BUNDLE 0 1 2\n", ""),
                ("m=audio 9", "m=audio 0"),
                ("m=application 9", "m=application 0"),
            ],
            False,
            False,
        ),
    ],
)
def test_sound_and_data_may_be_rejected_or_left_out(
    changes: list[tuple[str, str]], has_audio: bool, has_data: bool
) -> None:
    # candidates where RFC 9143 has them, in the first section that is accepted, here in the video
    sdp = BASE.replace(GOOD, "").replace("a=mid:1\n", f"a=mid:1\n{GOOD}")
    for old, new in changes:
        assert old in sdp
        sdp = sdp.replace(old, new)
    answer = decode_response(response(sdp), PUBLIC)
    assert (answer.has_audio, answer.has_data) == (has_audio, has_data)
    audio, video, data = SessionDescription.parse(answer.sdp).media
    assert (audio.kind, video.kind, data.kind) == ("audio", "video", "application")
    assert (audio.direction, video.direction) == (
        "sendonly" if has_audio else "inactive",
        "sendonly",
    )
    assert [len(media.ice_candidates) for media in (audio, video, data)] == [1, 1, 1]
    assert (audio.rtp.muxId, video.rtp.muxId, data.rtp.muxId) == ("0", "1", "2")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("m=video 9", "m=video 0", "rejects its video"),
        ("BUNDLE 0 1 2", "BUNDLE 0 2", "bundle"),
        (BASE[BASE.index("m=video") : BASE.index("m=application")], "", "no video section"),
        ("a=mid:1\na=sendonly", "a=mid:1\na=inactive", "sends no video"),
        ("H264/90000", "H265/90000", "does not fit the offer"),
        ("profile-level-id=64001f", "profile-level-id=f4001f", "does not fit the offer"),
        ("a=setup:active\n", "a=setup:active\na=setup:passive\n", "DTLS role"),
        ("a=ice-ufrag:Ab1+\n", "a=ice-ufrag:Ab1+\na=ice-ufrag:Ab2+\n", "ICE"),
        ("a=ice-ufrag:Ab1+", "a=ice-ufrag:\u00fc\u00fc\u00fc\u00fc", "ICE"),
        ("a=mid:1", "a=mid:1\na=mid:3", "mid"),
        (f"sha-256 {BASE.split('sha-256 ')[1][:95]}", f"sha-1 {digest(20)}", "fingerprint"),
        (f"sha-256 {BASE.split('sha-256 ')[1][:95]}", f"md5 {digest(16)}", "fingerprint"),
        (f"sha-256 {BASE.split('sha-256 ')[1][:95]}", f"sha-512 {digest(48)}", "fingerprint"),
        ("203.0.114.9 33440", "203.0.114.9 443", "a port outside"),
        ("203.0.114.9 33440", "game.example.com 33440", "a host name"),
    ],
)
def test_an_answer_that_cannot_or_must_not_be_used_is_refused(
    old: str, new: str, says: str
) -> None:
    assert old in BASE
    assert says in refusal(response(BASE.replace(old, new)))


# --- any input ----------------------------------------------------------------------------------


def read_by_aiortc(answer: Answer) -> None:
    """aiortc can read it, and finds nothing but what was understood."""
    assert answer.sdp.isascii()
    audio, video, data = SessionDescription.parse(answer.sdp).media
    assert audio.rtp.codecs
    assert {codec.name.lower() for codec in video.rtp.codecs} <= {"h264", "rtx"}
    assert data.sctp_port or int(data.fmt[0])
    for media in (audio, video, data):
        assert media.dtls is not None
        assert media.dtls.fingerprints
        assert media.ice_candidates


def read(text: str) -> None:
    """It raises SignalError or returns a value, and nothing else happens."""
    for rules in (PUBLIC, LOOPBACK, LAN):
        with contextlib.suppress(SignalError):
            read_by_aiortc(decode_response(text, rules))
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


READ_ATTRIBUTES = ("candidate", "extmap", "fmtp", "rtcp-fb", "ssrc", "ssrc-group", "rtcp", "msid")


@settings(max_examples=150)
@given(st.data(), st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_nothing_beside_what_is_needed_refuses_an_answer(
    data: st.DataObject, values: list[str]
) -> None:
    lines = BASE.split("\n")
    for value in values:
        name = data.draw(st.sampled_from([*READ_ATTRIBUTES, "x", ""]))
        kind = data.draw(st.sampled_from(["a=", "b=", "i=", "u=", "z=", ""]))
        junk = f"{kind}{name}:{value}".replace("m=", "").replace("\n", "")
        lines.insert(data.draw(st.integers(1, len(lines) - 1)), junk)
    answer = decode_response(response("\n".join(lines)), PUBLIC)
    assert (answer.has_audio, answer.has_data) == (True, True)
    read_by_aiortc(answer)


def test_retransmission_streams_are_those_of_the_fid_groups() -> None:
    groups = "a=ssrc-group:FID 77 78\na=ssrc-group:FEC-FR 77 79\na=ssrc-group:FID 77 x"
    sdp = answer_sdp().replace("a=ssrc:77 cname:x", f"{groups}\na=ssrc:77 cname:x")
    assert decode_response(response(sdp), PUBLIC).rtx_ssrcs == {78: 77}
    assert decode_response(response(answer_sdp()), PUBLIC).rtx_ssrcs == {}


def test_the_parameter_sets_that_an_answer_announces_are_kept() -> None:
    """As GStreamer writes them."""
    sets = "sprop-parameter-sets=Z0LAH9oBQBbpuAgICgAAAwACAAADAHkeMGVA,aM48gA=="
    found = re.search(r"a=rtpmap:([0-9]+) H264/90000\n", answer_sdp())
    assert found is not None
    line = f"a=fmtp:{found[1]} packetization-mode=1; {sets}\n"
    sdp = answer_sdp().replace(found[0], found[0] + line)
    answer = decode_response(response(sdp), PUBLIC)
    kept = answer.parameter_sets[int(found[1])]
    assert [unit[0] & 0x1F for unit in kept] == [7, 8]
    assert decode_response(response(answer_sdp()), PUBLIC).parameter_sets == {}


AUDIO_SENDS = "a=mid:0\na=sendonly"


@pytest.mark.parametrize(
    ("changes", "has_audio", "takes_audio", "used"),
    [
        ([(AUDIO_SENDS, "a=mid:0\na=sendrecv")], True, True, "sendrecv"),
        ([], True, False, "sendonly"),
        ([(AUDIO_SENDS, "a=mid:0\na=recvonly")], False, True, "recvonly"),
        ([(AUDIO_SENDS, "a=mid:0")], True, True, "sendrecv"),  # the default (RFC 8866, 6.7)
        ([(AUDIO_SENDS, "a=mid:0\na=inactive")], False, False, "inactive"),
        (
            [("m=audio 33440", "m=audio 0"), ("BUNDLE 0 1 2", "BUNDLE 1 2")],
            False,
            False,
            "inactive",
        ),
        (
            [(AUDIO_SENDS, "a=mid:0\na=sendrecv"), ("opus/48000/2", "PCMU/8000")],
            False,
            False,
            "inactive",
        ),
    ],
)
def test_whether_an_answer_takes_our_sound(
    changes: list[tuple[str, str]], has_audio: bool, takes_audio: bool, used: str
) -> None:
    sdp = answer_sdp()
    if ("m=audio 33440", "m=audio 0") in changes:  # the path is then in another section
        sdp = answer_sdp(
            others=f"{PATH}\na=candidate:1 1 udp 2130706431 203.0.114.9 33440 typ host"
        )
    for old, new in changes:
        assert old in sdp
        sdp = sdp.replace(old, new, 1)
    answer = decode_response(response(sdp), PUBLIC, microphone=True)
    assert (answer.has_audio, answer.takes_audio) == (has_audio, takes_audio)
    assert f"a={used}" in sections(answer.sdp)[0]
    read_by_aiortc(answer)
    # without an offer of ours nothing is taken, whatever the answer says
    silent = decode_response(response(sdp), PUBLIC)
    assert (silent.has_audio, silent.takes_audio) == (has_audio, False)
