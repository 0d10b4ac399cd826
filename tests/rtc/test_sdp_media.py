from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from rejoin.rtc.sdp import Section, join
from rejoin.rtc.sdp_media import (
    Codec,
    codecs_of,
    data_lines,
    media_ssrc,
    offered_profile,
    receivable_video,
    retransmissions,
    rtp_lines,
    sctp_port,
)


def video(*lines: str, formats: str = "105 106") -> Section:
    return Section("video", 9, "UDP/TLS/RTP/SAVPF", formats, list(lines))


H264 = (
    "a=rtpmap:105 H264/90000",
    "a=fmtp:105 packetization-mode=1;profile-level-id=64001f",
    "a=rtpmap:106 rtx/90000",
    "a=fmtp:106 apt=105",
)


def test_a_codec_has_the_parameters_and_feedback_of_its_payload_type() -> None:
    section = video(*H264, "a=rtcp-fb:105 nack", "a=rtcp-fb:* nack PLI", "a=rtcp-fb:106 x y")
    assert codecs_of(section) == [
        Codec(
            105,
            "H264",
            90000,
            None,
            {"packetization-mode": "1", "profile-level-id": "64001f"},
            ("nack pli", "nack"),
        ),
        Codec(106, "rtx", 90000, None, {"apt": "105"}, ("nack pli", "x y")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "a=fmtp:105 max-fr=60.5",
        "a=fmtp:105 ;;packetization-mode=x; =5;x;packetization-mode;max-fs=\u0663",
        "a=fmtp:105",
        "a=fmtp:120 apt=105",
        "a=fmtp:x y",
        "a=rtpmap:105",
        "a=rtpmap:105 VP8",
        "a=rtpmap:105 H264/fast",
        "a=rtpmap:120 VP9/90000/x",
        "a=rtpmap:\u0661\u0660\u0665 H264/90000",
        "a=rtcp-fb:105",
        "a=rtcp-fb:x nack",
        "a=rtcp-fb:120 nack",
        "a=extmap:x urn:y",
        "a=extmap:0 urn:y",
        "a=extmap:4096 urn:y",
        "a=extmap:3",
        "a=ssrc:x cname:y",
        "a=ssrc:22",
        "a=ssrc:4294967296 cname:y",
        "a=ssrc-group:FID x y",
        "a=ssrc-group:FID 22",
        "a=ssrc-group:",
        "a=rid:x send",
        "a=msid:\u00e9 \u00e9",
        "a=\u00e9",
        "a=candidate:x",
        "a=sctpmap:x",
        "a=mid",
        "a=rtcp:x",
        "a=max-message-size:x",
        "i=Spiel-\u00dcbertragung",
        "c=IN IP9 x",
    ],
)
def test_what_aiortc_cannot_read_is_not_given_to_it(line: str) -> None:
    expected = rtp_lines(video(*H264), codecs_of(video(*H264)), "1", "sendonly")
    for lines in ([*H264, line], [line, *H264]):
        written = rtp_lines(video(*lines), codecs_of(video(*lines)), "1", "sendonly")
        assert [each for each in written if not each.startswith("a=ssrc:22 ")] == expected
        SessionDescription.parse(join(["v=0", *written]))


def test_of_a_repeated_parameter_the_first_counts() -> None:
    section = video(
        *H264, "a=fmtp:105 profile-level-id=42e01f; max-fr=60", "a=rtpmap:105 VP8/90000"
    )
    assert codecs_of(section)[0].name == "H264"
    assert codecs_of(section)[0].parameters == {
        "packetization-mode": "1",
        "profile-level-id": "64001f",
        "max-fr": "60",
    }


def test_only_listed_and_possible_payload_types_are_codecs() -> None:
    lines = [f"a=rtpmap:{number} H264/90000" for number in (72, 76, 105, 128, 300, 99)]
    assert [
        codec.payload_type for codec in codecs_of(video(*lines, formats="72 76 105 128 300 x"))
    ] == [105]


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("a=extmap:3 urn:a vad=on", "a=extmap:3 urn:a"),
        ("a=extmap:3/sendonly urn:a", "a=extmap:3 urn:a"),
        ("a=extmap:255 urn:a", "a=extmap:255 urn:a"),
        ("a=ssrc:22 cname:Spiel-\u00dcbertragung", "a=ssrc:22 cname:-"),
        ("b=AS:8000", "b=AS:8000"),
        ("b=TIAS:8000000", "b=TIAS:8000000"),
    ],
)
def test_what_matters_is_written_without_the_rest(line: str, written: str) -> None:
    assert written in rtp_lines(video(*H264, line), [], "1", "sendonly")


@pytest.mark.parametrize(
    ("offered", "as_"),
    [
        ("42001f", "42001f"),
        ("42e01f", "42e01f"),
        ("42C02A", "42e01f"),
        ("4d001f", "4d001f"),
        ("4d4033", "4d001f"),
        ("64001f", "64001f"),
        ("640c1f", "64001f"),
        ("640834", "64001f"),
        ("64003e", "64001f"),
        ("6400ff", "64001f"),
        ("580000", None),
        ("58a01e", "42001f"),
        ("6e001f", None),
        ("7a001f", None),
        ("f4001f", None),
        ("2c001f", None),
        ("", "42e01f"),
        ("64", "42e01f"),
        ("high", "42e01f"),
    ],
)
def test_a_stream_is_received_under_a_profile_of_our_offer(offered: str, as_: str | None) -> None:
    assert offered_profile(offered) == as_


def test_video_that_we_cannot_receive_is_left_out_with_its_retransmissions() -> None:
    section = video(
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:105 h264/90000",
        "a=fmtp:105 level-asymmetry-allowed=1; packetization-mode=1; profile-level-id=640C1F",
        "a=rtpmap:106 RTX/90000",
        "a=fmtp:106 apt=105",
        "a=rtpmap:107 H264/90000",
        "a=fmtp:107 packetization-mode=2",
        "a=rtpmap:109 H264/90000",
        "a=fmtp:109 profile-level-id=f4001f",
        formats="96 97 105 106 107 109",
    )
    assert [(codec.payload_type, codec.parameters) for codec in receivable_video(section)] == [
        (105, {"packetization-mode": "1", "profile-level-id": "64001f"}),
        (106, {"apt": "105"}),
    ]


def test_444_is_receivable_only_where_it_was_offered() -> None:
    section = video(
        "a=rtpmap:109 H264/90000",
        "a=fmtp:109 packetization-mode=1;profile-level-id=F40034",
        formats="109",
    )
    assert receivable_video(section) == []
    [codec] = receivable_video(section, allow_444=True)
    assert codec.parameters["profile-level-id"] == "f4001f"


def test_the_media_stream_is_the_first_that_repeats_no_other() -> None:
    section = video(
        "a=ssrc-group:FID 22 23",
        "a=ssrc-group:FID 22 22",
        "a=ssrc-group:FEC-FR 22 24",
        "a=ssrc:23 cname:x",
        "a=ssrc:22 x",
    )
    assert retransmissions(section) == {23: 22}
    assert media_ssrc(section) == 22
    assert media_ssrc(video()) is None


@pytest.mark.parametrize(
    ("protocol", "formats", "lines", "port"),
    [
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:5000"], 5000),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:6000", "a=sctp-port:6000"], 6000),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:5000", "a=sctp-port:6000"], None),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:0"], None),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:70000"], None),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", ["a=sctp-port:x"], None),
        ("UDP/DTLS/SCTP", "webrtc-datachannel", [], None),
        ("DTLS/SCTP", "5000", ["a=sctpmap:5000 webrtc-datachannel 1024"], 5000),
        ("TCP/BFCP", "*", [], None),
    ],
)
def test_the_sctp_port_of_a_data_section(
    protocol: str, formats: str, lines: list[str], port: int | None
) -> None:
    section = Section("application", 9, protocol, formats, lines)
    assert sctp_port(section) == port
    if port is not None:
        [read] = SessionDescription.parse(join(["v=0", *data_lines("2", port, section)])).media
        assert read.profile == protocol
        assert str(port) in (str(read.sctp_port), *read.fmt)


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (["a=max-message-size:262144", "a=max-message-size:262144"], ["a=max-message-size:262144"]),
        (["a=max-message-size:0"], ["a=max-message-size:0"]),
        (["a=max-message-size:-1"], []),
        (["a=max-message-size:1", "a=max-message-size:2"], []),
    ],
)
def test_a_message_size_is_given_if_it_is_one(lines: list[str], written: list[str]) -> None:
    section = Section("application", 9, "UDP/DTLS/SCTP", "webrtc-datachannel", lines)
    assert [each for each in data_lines("2", 5000, section) if "size" in each] == written
