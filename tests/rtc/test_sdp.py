from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import SignalError
from rejoin.rtc.sdp import (
    MAX_SECTIONS,
    TransportParameters,
    attribute_of,
    parse,
    values_of,
)

FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
TRANSPORT = f"""a=ice-ufrag:Ab1+
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:active"""
SDP = f"""v=0
o=- 1 2 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 96
{TRANSPORT}
a=mid:0
m=video 5000 UDP/TLS/RTP/SAVPF 99 100
a=mid:1
a=sendonly
"""
SETUPS = {"active", "passive"}


def test_sections_and_session_are_separated() -> None:
    description = parse(SDP, "answer")
    assert len(description.session) == 5
    audio, video = description.sections
    assert (audio.kind, video.kind, video.formats) == ("audio", "video", "99 100")
    assert (audio.port, video.port) == (9, 5000)
    assert video.media_line() == "m=video 9 UDP/TLS/RTP/SAVPF 99 100", "the port is not kept"
    assert video.values("mid") == values_of(video.lines, "mid") == ["1"]


def test_lines_are_normalised_once() -> None:
    odd = SDP.replace("a=mid:1", " a=mid:\t1 \r").replace("s=-", "s=\u2028Spiel\tÜbertragung ")
    description = parse(odd.replace("\n", "\r\n"), "answer")
    assert description.sections[1].mid == "1"
    assert description.session[2] == "s= Spiel Übertragung"


def test_what_is_no_sdp_line_is_passed_over() -> None:
    assert parse(SDP.replace("t=0 0", "t=0 0\nhello\nx"), "answer") == parse(SDP, "answer")


def test_a_direction_is_the_sections_or_the_sessions_or_the_default() -> None:
    audio, video = parse(SDP, "answer").sections
    assert parse(SDP, "answer").direction(audio) == "sendrecv"
    assert parse(SDP, "answer").direction(video) == "sendonly"
    in_session = parse(SDP.replace("t=0 0", "t=0 0\na=recvonly"), "answer")
    assert [in_session.direction(each) for each in in_session.sections] == ["recvonly", "sendonly"]


def test_the_transport_parameters_are_those_of_the_first_bundled_section() -> None:
    found = TransportParameters.of(parse(SDP, "answer"), "answer", SETUPS)
    assert found.lines() == TRANSPORT.split("\n")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a=setup:active", "a=setup:actpass", "DTLS"),
        ("a=setup:active", "a=setup:active\na=setup:passive", "DTLS"),
        ("a=ice-ufrag:Ab1+", "a=ice-ufrag:A", "ICE"),
        (f"sha-256 {FINGERPRINT}", "sha-256 AB:CD", "malformed fingerprint"),
        (f"sha-256 {FINGERPRINT}", f"sha-1 {FINGERPRINT[:59]}", "no sha-256, sha-384 or sha-512"),
        ("a=mid:1", "a=mid:1\na=ice-ufrag:Other", "more than one transport"),
        ("a=mid:1", "a=mid:0", "without its own mid"),
        ("a=mid:1", "a=mid:1\na=mid:2", "without its own mid"),
        ("BUNDLE 0 1", "BUNDLE 0", "bundle"),
        ("BUNDLE 0 1", "LS 0 1", "bundle"),
        ("m=video 5000", "m=video 0", "rejects its video"),
    ],
)
def test_a_description_without_one_usable_transport_is_refused(
    old: str, new: str, says: str
) -> None:
    with pytest.raises(SignalError, match=says):
        TransportParameters.of(parse(SDP.replace(old, new), "answer"), "answer", SETUPS)


@pytest.mark.parametrize(
    ("sdp", "says"),
    [
        ("", "not SDP"),
        ("hello\n", "not SDP"),
        ("v=0\n", "1 to 16 media sections"),
        ("v=0\nm=video\n", "malformed media section"),
        ("v=0\nm=text 9 RTP 9\n", "unknown kind"),
        ("v=0\n" + "m=video 9 RTP 9\n" * (MAX_SECTIONS + 1), "1 to 16 media sections"),
        ("v=0\n" * 20_000, "64 KiB"),
    ],
)
def test_what_is_not_sdp_is_refused(sdp: str, says: str) -> None:
    with pytest.raises(SignalError, match=says):
        parse(sdp, "answer")


def test_an_attribute_has_a_name_and_perhaps_a_value() -> None:
    assert attribute_of("a=mid:0") == ("mid", "0")
    assert attribute_of("a=sendonly") == ("sendonly", "")
    assert attribute_of("c=IN IP4 0.0.0.0") == ("", "")


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        description = parse(text, "offer")
    except SignalError:
        return
    assert description.sections
