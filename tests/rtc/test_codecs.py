from __future__ import annotations

from aiortc.codecs import CODECS, HEADER_EXTENSIONS
from aiortc.rtcrtpparameters import RTCRtcpFeedback

from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc.codecs import offer_every_profile, offered_codecs, offered_video_types
from rejoin.rtc.transport_cc import OFFERED_ID


def test_every_profile_is_offered_once_however_often_it_is_called() -> None:
    offer_every_profile()
    offer_every_profile()
    kinds = [
        (codec.parameters.get("profile-level-id"), codec.parameters.get("packetization-mode"))
        for codec in CODECS["video"]
        if codec.mimeType == "video/H264"
    ]
    assert len(kinds) == len(set(kinds)) == 9
    numbers = [codec.payloadType for codec in CODECS["video"]]
    assert len(numbers) == len(set(numbers))
    assert all(number is not None and 96 <= number <= 127 for number in numbers)


def test_every_h264_format_has_its_rtx() -> None:
    offer_every_profile()
    repeated = {c.parameters["apt"] for c in CODECS["video"] if c.mimeType == "video/rtx"}
    assert {c.payloadType for c in CODECS["video"] if c.mimeType == "video/H264"} <= repeated


def test_only_opus_and_h264_with_rtx_are_offered_best_first() -> None:
    offer_every_profile()
    assert {codec.mimeType for codec in offered_codecs("audio")} == {"audio/opus"}
    video = offered_codecs("video")
    assert [
        (codec.parameters["profile-level-id"], codec.parameters["packetization-mode"])
        for codec in video[:-1]
    ] == [(profile, mode) for mode in "10" for profile in ("64001f", "4d001f", "42e01f", "42001f")]
    assert video[-1].mimeType == "video/rtx"


def test_444_is_offered_only_where_it_is_allowed_and_then_first() -> None:
    offer_every_profile()
    plain, allowed = offered_codecs("video"), offered_codecs("video", allow_444=True)
    assert "f4001f" not in {codec.parameters.get("profile-level-id") for codec in plain}
    assert allowed[0].parameters["profile-level-id"] == "f4001f"
    assert allowed[1:] == plain
    more = {codec.payloadType for codec in offered_video_types(allow_444=True)}
    less = {codec.payloadType for codec in offered_video_types()}
    assert len(more - less) == 2, "with its RTX"
    assert less < more


def test_the_offered_types_are_every_h264_one_with_its_rtx_and_promise_no_feedback() -> None:
    offer_every_profile()
    types = offered_video_types()
    h264 = [codec.payloadType for codec in types if codec.name == "H264"]
    rtx = {codec.parameters["apt"] for codec in types if codec.name == "rtx"}
    assert len(h264) == 8
    assert rtx == set(h264)
    assert len(types) == 16
    assert not any(codec.rtcpFeedback for codec in types)


def test_fir_is_offered_for_h264_alone() -> None:
    offer_every_profile()
    fir = RTCRtcpFeedback(type="ccm", parameter="fir")
    assert {codec.mimeType for codec in CODECS["video"] if fir in codec.rtcpFeedback} == {
        "video/H264"
    }


def test_transport_wide_feedback_is_offered_once_for_each_codec_with_one_id() -> None:
    offer_every_profile()
    offer_every_profile()
    feedback = RTCRtcpFeedback(type="transport-cc")
    for codec in (*CODECS["audio"], *CODECS["video"]):
        ours = codec.mimeType.lower() in ("audio/opus", "video/h264")
        assert codec.rtcpFeedback.count(feedback) == int(ours), codec.mimeType
    for extensions in HEADER_EXTENSIONS.values():
        numbers = [each.id for each in extensions if each.uri == TRANSPORT_CC_URI]
        assert numbers == [OFFERED_ID]
        assert len({each.id for each in extensions}) == len(extensions)
