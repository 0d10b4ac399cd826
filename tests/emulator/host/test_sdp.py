"""What the host reads in an offer, and how its answer is written."""

from __future__ import annotations

import pytest
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

from rejoin.emulator.host.sdp import (
    answer_sdp,
    bandwidth_limit_bps,
    choose_codecs,
    host_candidate,
)
from rejoin.errors import SignalError


def h264(number: int, profile: str = "42e01f", mode: str = "1") -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        "video/H264",
        90_000,
        payloadType=number,
        parameters={"profile-level-id": profile, "packetization-mode": mode},
    )


def rtx(number: int, of: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters("video/rtx", 90_000, payloadType=number, parameters={"apt": of})


def an_offer(*numbers: int, feedback: str = "") -> str:
    lines = [f"a=rtpmap:{number} H264/90000" for number in numbers]
    return "\r\n".join(["m=video 9 UDP/TLS/RTP/SAVPF 96", *lines, feedback, ""])


def test_the_first_usable_codec_is_chosen_with_its_rtx() -> None:
    codecs = [h264(96, "7a001f"), h264(98, mode="0"), h264(100), rtx(101, 100), h264(102)]
    chosen = choose_codecs("video", codecs, an_offer(96, 98, 100, 101, 102), 1)
    assert [codec.payloadType for codec in chosen] == [100, 101]
    chosen = choose_codecs("video", codecs, an_offer(96, 98, 100, 101, 102), 0)
    assert [codec.payloadType for codec in chosen] == [98]


def test_without_a_profile_an_offer_means_baseline() -> None:
    codec = h264(96)
    del codec.parameters["profile-level-id"]
    assert choose_codecs("video", [codec], an_offer(96), 1) == [codec]


def test_a_codec_that_was_not_offered_under_this_number_is_left_out() -> None:
    chosen = choose_codecs("video", [h264(96), h264(102)], an_offer(102), 1)
    assert [codec.payloadType for codec in chosen] == [102]


def test_only_feedback_that_the_sender_obeys_is_answered() -> None:
    feedback = "\r\n".join(
        f"a=rtcp-fb:100 {kind}" for kind in ("nack", "ccm fir", "nack pli", "transport-cc")
    )
    [codec] = choose_codecs("video", [h264(100)], an_offer(100, feedback=feedback), 1)
    assert codec.rtcpFeedback == [
        RTCRtcpFeedback(type="nack"),
        RTCRtcpFeedback(type="ccm", parameter="fir"),
    ]


def test_congestion_feedback_is_answered_as_the_sender_reads_it() -> None:
    feedback = "\r\n".join(f"a=rtcp-fb:100 {kind}" for kind in ("transport-cc", "goog-remb"))
    for read in (("goog-remb",), ("transport-cc",), ("goog-remb", "transport-cc"), ()):
        offer = an_offer(100, feedback=feedback)
        [codec] = choose_codecs("video", [h264(100)], offer, 1, read)
        assert {each.type for each in codec.rtcpFeedback} == set(read)


def test_audio_is_opus_in_stereo() -> None:
    opus = RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)
    [codec] = choose_codecs("audio", [opus], "a=rtpmap:111 opus/48000/2", 1)
    assert codec.parameters == {"stereo": 1, "sprop-stereo": 1, "useinbandfec": 1}


@pytest.mark.parametrize(
    ("kind", "needed"), [("audio", "Opus"), ("video", r"H\.264 video in packetization mode 1")]
)
def test_without_a_usable_codec_the_offer_is_refused(kind: str, needed: str) -> None:
    with pytest.raises(SignalError, match=needed):
        choose_codecs(kind, [h264(100, "7a001f")], an_offer(100), 1)


@pytest.mark.parametrize(
    ("lines", "limit_bps"),
    [
        ("m=video 9", None),
        ("m=video 9\nb=AS:5000", 5_000_000),
        ("m=video 9\nb=TIAS:3000000\nb=AS:5000", 3_000_000),
        ("m=audio 9\nb=AS:100\nm=video 9", None),
        ("m=video 9\nb=AS:0", None),
        ("m=video 9\nb=AS:-5\nb=AS:1e9\nb=AS:99999999999", None),
    ],
)
def test_the_bandwidth_limit_is_that_of_the_video_section(
    lines: str, limit_bps: int | None
) -> None:
    assert bandwidth_limit_bps(lines) == limit_bps


@pytest.mark.parametrize("bundle", [("0", "1"), ("1", "0")])
def test_the_answer_has_one_candidate_in_the_tagged_section_and_no_address_of_the_host(
    bundle: tuple[str, str],
) -> None:
    sdp = "\r\n".join(
        (
            "v=0",
            "a=group:BUNDLE 0 1",
            "m=audio 40000 UDP/TLS/RTP/SAVPF 111",
            "c=IN IP4 192.168.1.2",
            "a=mid:0",
            "a=candidate:1 1 udp 1 192.168.1.2 40000 typ host",
            "a=end-of-candidates",
            "a=fingerprint:sha-256 AA",
            "a=fingerprint:sha-512 BB",
            "m=video 40000 UDP/TLS/RTP/SAVPF 96",
            "c=IN IP4 192.168.1.2",
            "a=mid:1",
            "a=fingerprint:sha-256 AA",
            "",
        )
    )
    candidate = host_candidate(1, ("127.0.0.1", 33435)).to_sdp()
    tagged = [f"a=candidate:{candidate}"]
    assert answer_sdp(sdp, ("127.0.0.1", 33435), bundle).split("\r\n") == [
        "v=0",
        f"a=group:BUNDLE {' '.join(bundle)}",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        *(tagged if bundle[0] == "0" else []),
        "a=fingerprint:sha-256 AA",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        *(tagged if bundle[0] == "1" else []),
        "a=fingerprint:sha-256 AA",
        "",
    ]
    assert " 127.0.0.1 33435 typ host" in candidate
